"""Many writers that start at the same time, beside one projector; each message is found."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from journal import Journal
from projector import Projection
from tests.torture.soak.judging import check_all_there, judge
from tests.torture.soak.programs import PATIENCE, ROLES, ROOT, Failed, Program
from tests.torture.soak.roles import crowd_word

if TYPE_CHECKING:
    from pathlib import Path

WRITERS = 8


def crowd(folder: Path, messages: int) -> dict[str, object]:
    """Let writers append some messages each; return the counts.

    Raises:
        Failed: a check failed.
    """
    journal = folder / "journal"
    with Journal.open(journal):
        pass
    projector = Program(
        "projector", [*ROLES, "project", str(journal), "run"], folder, killable=False
    )
    projector.start()
    try:
        began, ended = _write(journal, messages)
        with Projection.open(journal) as projection:
            _wait(projection, projector, WRITERS * messages)
            projected = time.monotonic()
            status = projection.status()
            if status.duplicates:
                raise Failed(f"{status.duplicates} duplicates of messages that were appended once")
            searched = _find_all(projection, messages)
        projector.stop()
    finally:
        projector.abandon()
    remains = judge(journal)
    wanted = {(f"s{writer}", f"m{n}") for writer in range(WRITERS) for n in range(messages)}
    check_all_there(wanted, remains)
    # a writer that starts while a lane's lock is checked may lease one more lane
    if remains.lanes > WRITERS + 1:
        raise Failed(f"{remains.lanes} lanes for {WRITERS} writers")
    return {
        "messages": len(remains.keys),
        "lanes": remains.lanes,
        "append_per_second": round(len(wanted) / (ended - began)),
        "projected_seconds_after_the_last_append": round(projected - ended, 2),
        "milliseconds_a_search": round(searched / len(wanted) * 1000, 3),
    }


def _write(journal: Path, messages: int) -> tuple[float, float]:
    """Start all writers at once; return the time of the start and of the last end."""
    ready, go = os.pipe()
    with ExitStack() as stack:
        writers = []
        for number in range(WRITERS):
            argv = [*ROLES, "crowd", str(journal), str(number), str(messages)]
            writer = subprocess.Popen(argv, cwd=ROOT, stdin=ready, stdout=subprocess.PIPE)
            stack.callback(writer.wait)
            stack.callback(writer.kill)
            writers.append(writer)
        os.close(ready)
        try:
            for writer in writers:
                assert writer.stdout is not None
                writer.stdout.readline()
        finally:
            os.close(go)  # all of them read the end of the pipe at the same time
        began = time.monotonic()
        codes = [_code(writer) for writer in writers]
    if any(codes):
        raise Failed(f"writers ended with {codes}; their errors are above")
    return began, time.monotonic()


def _code(writer: subprocess.Popen[bytes]) -> int:
    writer.communicate(timeout=PATIENCE)
    return writer.returncode


def _wait(projection: Projection, projector: Program, messages: int) -> None:
    """Wait until the projector has applied all messages."""
    until = time.monotonic() + PATIENCE
    while (status := projection.status()).messages < messages:
        projector.check()
        if time.monotonic() > until:
            raise Failed(f"the projector made no progress: {status}")
        time.sleep(0.01)


def _find_all(projection: Projection, messages: int) -> float:
    """Search for the unique word of every message; return the seconds."""
    began = time.monotonic()
    for writer in range(WRITERS):
        for number in range(messages):
            word = crowd_word(writer, number)
            found = [(hit.session, hit.id) for hit in projection.search(word, limit=2).hits]
            if found != [(f"s{writer}", f"m{number}")]:
                raise Failed(f"{word} finds {found}")
    return time.monotonic() - began
