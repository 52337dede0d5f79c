"""Cases 4 to 6: a flush that fails, stores that are not closed, files that are replaced."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tools.hermes_cases.crowd import _place, _shown
from tools.hermes_cases.plan import Finding, Notes
from tools.hermes_cases.workers import CaseError, Crew

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tools.hermes_cases.plan import Plan
    from tools.hermes_cases.workers import Worker

_TEXTS = ["apple one", "banana two", "cherry three", "damson four", "elder five"]
_WORDS = [text.split()[0] for text in _TEXTS]
_ROOM = 400
"""Bytes: enough for two messages, too few for three."""


def flushed_twice(plan: Plan, side: str) -> Finding:
    """Make a flush of five messages fail at the third, and repeat it."""
    notes = Notes()
    path = _place(plan, f"flushed-{side}")
    with Crew(side, path.parent, 2) as (agent, other):
        agent.do("begin", path=path)
        agent.do("create", session="s")
        if side == "theirs":
            # their agent updates its position only after a flush that succeeded
            agent.do("flush", session="s", texts=_TEXTS[:2], start=0)
            other.do("hold", path=path)
            failed = agent.do("flush", session="s", texts=_TEXTS, start=2)
            other.do("release")
            again = agent.do("flush", session="s", texts=_TEXTS, start=0)
        else:
            failed = agent.do("flush_whole", session="s", texts=_TEXTS, room=_ROOM)
            there = agent.do("read", session="s")
            notes.measured(f"{len(there['answer'] or [])} of 5 were written then")
            again = agent.do("flush_whole", session="s", texts=_TEXTS, room=None)
        notes.measured(f"first {_shown(failed)}; again {_shown(again)}")
        notes.expect(failed["error"] is not None, "the first flush did not fail")
        held = agent.do("read", session="s")["answer"]
        counted = agent.do("counted", session="s")["answer"]
        hits = [agent.do("find", word=word)["answer"] for word in _WORDS]
        notes.measured(f"{len(held)} messages, counted {counted}, each found {hits}")
        if side == "ours":
            _by_hermes_loop(notes, agent)
    notes.expect(held == _TEXTS, f"the transcript has {len(held)} messages")
    notes.expect(counted == len(_TEXTS), f"the count is {counted}")
    notes.expect(hits == [1] * 5, f"each is found {hits} times")
    return notes.finding()


def _by_hermes_loop(notes: Notes, agent: Worker) -> None:
    """Measure the effect of Hermes's own flush loop on our store when the disk is full.

    It appends one by one, without ids, and starts again, so that no store can tell the repeated
    messages from new ones. It is not part of the verdict.
    """
    agent.do("create", session="loop")
    failed = agent.do("flush", session="loop", texts=_TEXTS, start=0, room=_ROOM)
    agent.do("flush", session="loop", texts=_TEXTS, start=0)
    held = agent.do("read", session="loop")["answer"]
    notes.measured(
        "append_message one by one, on a full disk, as Hermes's agent flushes:"
        f" {'failed' if failed['error'] else 'did not fail'}, again gives {len(held)} messages"
    )


def left_open(plan: Plan, side: str) -> Finding:
    """Open a store for each request of a web server, without closing it."""
    notes = Notes()
    for way in ("forget", "thread", "ring", "cache"):
        path = _place(plan, f"left-{side}-{way}")
        with Crew(side, path.parent, 1) as crew:
            crew[0].do("begin", path=path)
            crew[0].do("create", session="s")
            crew[0].do("say", session="s", text="hello")
            # SQLite keeps files open as long as the same process has another connection to them
            crew[0].do("leave")
            found = crew[0].do("serve", path=path, requests=plan.requests, way=way)
        notes.measured(
            f"{way}: {found['after_ten']} descriptors after ten, {found['at_end']} after"
            f" {plan.requests:,}, at most {found['most']}, {found['collected']} once the garbage"
            " collector came"
        )
        if way == "ring":
            # on both sides, only the garbage collector closes what is in a reference cycle
            grown = found["collected"] - found["after_ten"]
            notes.expect(grown <= 0, f"{way}: {grown} descriptors more than after ten")
        else:
            grown = found["at_end"] - found["after_ten"]
            notes.expect(grown <= 0, f"{way}: {grown} descriptors more than after ten")
    return notes.finding()


def replaced(plan: Plan, side: str) -> Finding:
    """Move, delete and replace the files that a running agent reads."""
    notes = Notes()
    for name, do in _DEEDS.items():
        path = _place(plan, f"replaced-{side}-{name.replace(' ', '-')}")
        with Crew(side, path.parent, 2) as (agent, other):
            agent.do("begin", path=path)
            agent.do("create", session="s")
            agent.do("say", session="s", text="apple")
            agent.do("find", word="apple")
            files = _read_from(path, side)
            copies = [(file, file.with_name(f"{file.name}.copy")) for file in files]
            for file, copy in copies:
                shutil.copy(file, copy)
            agent.do("say", session="s", text="banana")
            agent.do("find", word="banana")
            do(files)
            try:
                notes.expect(*_asked(notes, name, agent, other, path))
            except CaseError as error:
                notes.measured(f"{name}: the agent died")
                notes.expect(False, f"{name}: {str(error).splitlines()[0]}")  # noqa: FBT003 - it does not hold
    return notes.finding()


def _asked(notes: Notes, name: str, agent: Worker, other: Worker, path: Path) -> tuple[bool, str]:
    """Continue with the agent and a new process; return whether both find all, and the rest."""
    first = agent.do("find", word="banana")
    other.do("begin", path=path)
    other.do("create", session="t")
    other.do("say", session="t", text="cherry")
    appended = agent.do("say", session="s", text="damson")
    seen = [agent.do("find", word=w)["answer"] for w in ("apple", "banana", "cherry", "damson")]
    beside = [other.do("find", word=w)["answer"] for w in ("apple", "banana", "cherry", "damson")]
    notes.measured(
        f"{name}: next query {_shown(first)}, {first['answer']} found; then the agent finds"
        f" {seen}, another process {beside}{', append failed' if appended['error'] else ''}"
    )
    right = first["answer"] == 1 and seen == beside == [1, 1, 1, 1]
    return right, f"{name}: next query {_shown(first)}; found {seen} and {beside}"


def _read_from(path: Path, side: str) -> list[Path]:
    """Return the files of the database that the agent reads."""
    if side == "ours":
        folder = path.with_suffix(".journal") / "projection"
        path = folder / f"{(folder / 'CURRENT').read_text().strip()}.db"
    there = [path.with_name(f"{path.name}{suffix}") for suffix in ("", "-wal", "-shm")]
    return [file for file in there if file.exists()]


def _move(files: list[Path]) -> None:
    """Move the files away; ours with their folder."""
    folder = files[0].parent
    if folder.name == "projection":
        folder.rename(folder.with_name("moved"))
        shutil.rmtree(folder.with_name("moved"))
        return
    for file in files:
        file.rename(file.with_name(f"moved-{file.name}"))


def _delete(files: list[Path]) -> None:
    files[0].unlink()


def _older(files: list[Path]) -> None:
    """Rename the copy over the file."""
    files[0].with_name(f"{files[0].name}.copy").rename(files[0])


def _all_older(files: list[Path]) -> None:
    """Rename the copies over all files, like a restored backup."""
    for file in files:
        file.with_name(f"{file.name}.copy").rename(file)


def _garbage(files: list[Path]) -> None:
    """Rename a file of garbage over the file."""
    new = files[0].with_name("garbage")
    new.write_bytes(b"no database" * 2_000)
    new.rename(files[0])


def _overwritten(files: list[Path]) -> None:
    """Overwrite the file with garbage of the same length."""
    size = files[0].stat().st_size
    with files[0].open("r+b") as file:
        file.write(b"\xff" * size)


def _cut(files: list[Path]) -> None:
    """Truncate the file to nothing."""
    files[0].write_bytes(b"")


_DEEDS: dict[str, Callable[[list[Path]], None]] = {
    "moved": _move,
    "deleted": _delete,
    "older copy": _older,
    "older copies": _all_older,
    "garbage": _garbage,
    "overwritten": _overwritten,
    "cut short": _cut,
}
