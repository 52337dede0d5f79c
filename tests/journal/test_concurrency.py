"""One handle, or thousands, with every way in which Python programs run things concurrently."""

from __future__ import annotations

import asyncio
import multiprocessing
from typing import TYPE_CHECKING

import pytest

from journal import Journal
from journal.segments.reader import read_events
from projector import Projection

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

FEW_FILES = """
import os, resource, sys
from journal import Journal
from projector import Projection
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
def count():
    return len(os.listdir("/proc/self/fd"))
def use(close):
    for number in range(1000):
        handle = Journal.open(sys.argv[1])
        if number % 10 == 0:
            handle.append_message("s", "user", "hello")
        if close:
            handle.close()
use(close=True)
before = count()
use(close=True)
use(close=False)
for _ in range(200):
    Projection.open(sys.argv[1]).sessions()
print(count() - before)
"""


def _ids(path: Path) -> list[str]:
    def refuse(*found: object) -> None:
        raise AssertionError(found)

    return sorted(at.record.event.id for at in read_events(path / "lanes", refuse))


def test_thousands_of_handles_with_a_limit_of_64_files(
    journal_dir: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    """Handles that are closed or dropped release their descriptors."""
    process = start(FEW_FILES, journal_dir)
    out, errors = process.communicate(timeout=100)
    assert process.returncode == 0, errors
    # the last dropped handle may still be alive
    assert int(out) <= 6
    assert len(list((journal_dir / "lanes").iterdir())) <= 3


def _append_in_child(journal: Journal, name: str) -> None:
    for number in range(20):
        journal.append_message("s", "user", "hello", id=f"{name}{number}")
    journal.close()


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_forked_workers_use_the_handle_that_they_inherit(journal_dir: Path) -> None:
    """With `multiprocessing` and fork, parent and children append, each to its own lane."""
    context = multiprocessing.get_context("fork")
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "hello", id="before")
        workers = [context.Process(target=_append_in_child, args=(journal, name)) for name in "abc"]
        for worker in workers:
            worker.start()
        journal.append_message("s", "user", "hello", id="meanwhile")
        for worker in workers:
            worker.join(60)
            assert worker.exitcode == 0
        journal.append_message("s", "user", "hello", id="after")
    expected = [f"{name}{number}" for name in "abc" for number in range(20)]
    assert _ids(journal_dir) == sorted([*expected, "before", "meanwhile", "after"])


def _open_and_append(path: str, name: str) -> None:
    with Journal.open(path) as journal:
        journal.append_message("s", "user", "hello", id=name)


@pytest.mark.slow
def test_spawned_workers_open_the_journal_themselves(journal_dir: Path) -> None:
    """With `multiprocessing` and spawn, a worker needs nothing but the path."""
    context = multiprocessing.get_context("spawn")
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "hello", id="parent")
        workers = [
            context.Process(target=_open_and_append, args=(str(journal_dir), name)) for name in "ab"
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
            assert worker.exitcode == 0
    assert _ids(journal_dir) == ["a", "b", "parent"]


def test_a_handle_in_an_event_loop(journal_dir: Path) -> None:
    """With asyncio, threads of the loop append with one handle and search with another."""

    async def talk() -> list[str]:
        with Journal.open(journal_dir, fsync="always") as journal:
            await asyncio.gather(
                *(
                    asyncio.to_thread(
                        journal.append_message, "s", "user", f"word{number}", id=f"m{number}"
                    )
                    for number in range(100)
                )
            )
        with Projection.open(journal_dir) as projection:
            found = await asyncio.gather(
                *(asyncio.to_thread(projection.search, f"word{number}") for number in range(100))
            )
        return sorted(hit.id for results in found for hit in results.hits)

    assert asyncio.run(talk()) == sorted(f"m{number}" for number in range(100))
