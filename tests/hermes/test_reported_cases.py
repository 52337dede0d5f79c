"""Failures that users of Hermes's store reported do not happen here.

The same cases run in full, and on the real store beside ours, in `python -m tools.hermes_cases`.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from journal.verify import verify
from projector import SessionStore
from projector.errors import ProjectionDamaged
from tests.conftest import assert_function_of_the_events
from tools.hermes_cases import crowd, wear
from tools.hermes_cases.plan import Plan, quick
from tools.hermes_cases.side import SOURCES

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tools.hermes_cases.plan import Finding

pytestmark = pytest.mark.slow


@pytest.fixture
def plan(tmp_path: Path) -> Iterator[Plan]:
    """Small numbers; at the end every journal that was made must be valid."""
    yield replace(quick(tmp_path), held=0.2, seconds=2.0, rounds=2, requests=40)
    for mark in tmp_path.glob("**/journal.json"):
        problems = verify(mark.parent / "lanes").problems
        # a write that the disk cut short stays in its segment
        assert {problem.kind for problem in problems} <= {"torn"}, problems
        assert_function_of_the_events(mark.parent)


def has_no_failure(found: Finding) -> bool:
    """Check that no reported failure occurred; print the findings if one did."""
    assert found.figures
    assert not found.wrong, "\n".join([*found.wrong, *found.figures])
    return True


def test_a_writer_with_all_locks_delays_no_other(plan: Plan) -> None:
    """Beside a process that holds all locks, another creates a session and searches at once."""
    assert has_no_failure(crowd.held(plan, "ours"))


def test_appends_wait_for_no_other_process(plan: Plan) -> None:
    """Beside an open snapshot or a stopped writer, eight writers wait less than 50 ms."""
    assert has_no_failure(crowd.crowded(plan, "ours"))


def test_concurrent_processes_create_one_store(plan: Plan) -> None:
    """Sixteen processes that create one journal at the same time lose no message."""
    assert has_no_failure(crowd.made_at_once(plan, "ours"))


def test_a_failed_flush_can_be_repeated(plan: Plan) -> None:
    """After an error at the third of five messages, a second flush gives five, in order."""
    assert has_no_failure(wear.flushed_twice(plan, "ours"))


def test_stores_that_are_never_closed_are_garbage_collected(plan: Plan) -> None:
    """A store that a web server or a cache drops is closed by garbage collection."""
    assert has_no_failure(wear.left_open(plan, "ours"))


def test_the_projection_may_be_lost_while_an_agent_runs(plan: Plan) -> None:
    """If it is moved, deleted, older, garbage or cut short, the next query has all messages."""
    assert has_no_failure(wear.replaced(plan, "ours"))


@pytest.mark.skipif(SOURCES not in os.environ, reason=f"{SOURCES} names no real hermes_state")
@pytest.mark.skipif(
    "HERMES_CASES" not in os.environ,
    reason="HERMES_CASES is not set: the real store waits for its locks for more than a minute",
)
@pytest.mark.parametrize(
    "case", [crowd.held, crowd.crowded, wear.flushed_twice, wear.left_open, wear.replaced]
)
def test_the_real_one_fails(tmp_path: Path, case: Callable[[Plan, str], Finding]) -> None:
    """Hermes's own store shows every one of the reported failures."""
    plan = replace(quick(tmp_path), stops=1, requests=200)
    assert case(plan, "theirs").wrong


def test_a_removed_projection_is_rebuilt_for_a_writer(journal_dir: Path) -> None:
    """A handle that waits for its own event creates the removed folder again."""
    with SessionStore.open(journal_dir) as store:
        store.append("s", "user", "one")
        assert len(store.messages("s")) == 1
        (journal_dir / "projection").rename(journal_dir.with_name("moved"))
        store.append("s", "user", "two")
        assert len(store.messages("s")) == 2


def test_a_damaged_projection_raises_its_own_error(journal_dir: Path) -> None:
    """The error of `wait_for` recommends a rebuild; the next query does it."""
    with SessionStore.open(journal_dir) as store:
        store.append("s", "user", "one")
        assert len(store.messages("s")) == 1
        position = store.position
        assert position is not None
        for file in (journal_dir / "projection").glob("*.db*"):
            file.write_bytes(b"\xff" * file.stat().st_size)
        with pytest.raises(ProjectionDamaged):
            store.projection.has(position)
        assert len(store.messages("s")) == 1


def test_a_truncated_projection_kills_no_process(
    journal_dir: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    """Reading beyond the end of the file raises an error, and never a signal."""
    source = """
import sys
from pathlib import Path
from projector import SessionStore
with SessionStore.open(sys.argv[1]) as store:
    store.flush("s", [{"role": "user", "content": f"m{n} " * 50} for n in range(500)])
    print(len(store.messages("s")))
    for file in Path(sys.argv[1], "projection").glob("*.db"):
        file.write_bytes(b"")
    print(len(store.messages("s")))
"""
    process = start(source, journal_dir)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out.split()) == (0, ["500", "500"]), err
