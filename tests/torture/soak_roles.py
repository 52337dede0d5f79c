"""The programs of the soak: a writer, a reader, and a reader that holds on. soak.py starts them.

Each works until SIGTERM, or until whoever started it is gone. Whatever it does not expect is a
traceback on stderr, and exit code 1.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import orjson

import projector.cli
from journal import Journal
from projector import Projection
from projector.errors import NotFound
from tests.support.skewed import skewed

if TYPE_CHECKING:
    from collections.abc import Callable

_AGAIN = 20
"""Acknowledged events that a writer flushes again when it begins anew."""
_TWICE = 0.1
"""How often a flush is repeated at once, as after an error."""
_TAIL = 64 * 1024
"""Bytes at the end of a writer's file in which a reader looks for something acknowledged."""
_BURST = 4_000
"""Events that a busy writer appends at a time; about 2 KB each."""
_BUSY = "busy"


class Life:
    """Says when it is over."""

    def __init__(self) -> None:
        self._parent = os.getppid()
        self._over = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)

    def _end(self, *_: object) -> None:
        self._over = True

    @property
    def goes_on(self) -> bool:
        """Whether to go on: an orphan must not write for ever."""
        return not self._over and os.getppid() == self._parent


def word(id: str) -> str:
    """Return the word that only one message holds."""
    return f"w{id.replace('-', 'x')}z"


def event(id: str, size: int) -> dict[str, Any]:
    """Make up a message: the same id gives the same message in every life of its writer."""
    rng = random.Random(id)
    words = rng.choices(
        ["alpha", "beta", "gamma", "北京", "안녕", "x" * 200], k=rng.randint(1, size)
    )
    return {
        "type": "message.appended",
        "session": f"s{rng.randrange(12)}",
        "id": id,
        "data": {
            "role": rng.choice(["user", "assistant"]),
            "content": " ".join([word(id), *words]),
        },
    }


def write(path: Path, told: Path, name: str, seed: str, fsync: str) -> None:
    """Append for ever, some of it twice; note each key once its append has returned."""
    life, rng = Life(), random.Random(seed)
    busy = name.startswith(_BUSY)
    with (
        Journal.open(path, fsync=fsync) as handle,  # type: ignore[arg-type] # one of the levels
        told.open("ab+") as file,
    ):
        number = _next_number(file)
        while life.goes_on:
            batch = _BURST if busy else rng.choice([1, 1, 1, 20])
            size = 30 if busy else 6
            events = [event(f"{name}-{number + n}", size) for n in range(batch)]
            handle.append_many(events)
            if rng.random() < _TWICE:
                handle.append_many(events)
            lines = [orjson.dumps([event["session"], event["id"]]) + b"\n" for event in events]
            os.write(file.fileno(), b"".join(lines))
            number += batch
            _pause(life, 8.0 if busy else rng.choice([0.001, 0.01, 0.05]))


def _next_number(told: BinaryIO) -> int:
    """Go back behind what was told last: flush some of it again, and what was not told."""
    told.seek(0)
    whole, _, torn = told.read().rpartition(b"\n")
    if torn:  # a kill in the midst of a line: that one was not told
        told.truncate(len(whole) + 1 if whole else 0)
    if not whole:
        return 0
    last: str = orjson.loads(whole.rpartition(b"\n")[2])[1]
    return max(0, int(last.rpartition("-")[2]) + 1 - _AGAIN)


def _pause(life: Life, seconds: float) -> None:
    until = time.monotonic() + seconds
    while life.goes_on and (left := until - time.monotonic()) > 0:
        time.sleep(min(left, 0.2))


def read(path: Path, told: Path, seed: str) -> None:
    """Ask for ever; an answer that says it is fresh holds everything acknowledged before."""
    life, rng = Life(), random.Random(seed)
    slowest, asked = 0.0, 0
    with Projection.open(path) as projection:
        questions: list[Callable[[], object]] = [
            lambda: _find_one(projection, told, rng),
            lambda: _find_one(projection, told, rng),
            lambda: projection.search(rng.choice(["alpha", "beta OR 北京", "안녕", "gam*"])),
            lambda: projection.search("alpha NOT beta", sort="newest", context=2, role="user"),
            lambda: projection.sessions(limit=5),
            lambda: _read_one(projection, rng),
            projection.status,
        ]
        while life.goes_on:
            began = time.perf_counter()
            rng.choice(questions)()
            slowest = max(slowest, time.perf_counter() - began)
            asked += 1
            _pause(life, rng.choice([0.0, 0.01, 0.05]))
    sys.stdout.write(f"{asked} {slowest:.3f}\n")


def _find_one(projection: Projection, told: Path, rng: random.Random) -> None:
    """Look for an acknowledged message by the word that only it holds."""
    files = sorted(told.glob("*.jsonl"))
    if not files:
        return
    with rng.choice(files).open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
        lines = file.read().split(b"\n")[1:-1]
    if not lines:
        return
    key = tuple(orjson.loads(rng.choice(lines)))
    results = projection.search(word(key[1]), limit=3)
    found = [(hit.session, hit.id) for hit in results.hits]
    if found != [key] and (found or results.fresh):
        raise AssertionError(f"{word(key[1])} finds {found}, fresh: {results.fresh}")


def _read_one(projection: Projection, rng: random.Random) -> None:
    try:
        view = projection.session(f"s{rng.randrange(12)}")
    except NotFound:  # nothing was said there yet, or it begins several names
        return
    messages = projection.messages(view.session)
    if len({message.id for message in messages}) != len(messages):
        raise AssertionError(f"a message stands twice in {view.session}")


def hold(path: Path, seed: str) -> None:
    """Hold on to snapshots, as a slow report or a forgotten cursor does, with stock SQLite."""
    life, rng = Life(), random.Random(seed)
    held = 0
    current = path / "projection" / "CURRENT"
    while life.goes_on and not current.exists():  # nothing was projected yet
        _pause(life, 0.1)
    while life.goes_on:
        name = current.read_text().strip()
        database = path / "projection" / f"{name}.db"
        with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
            db.execute("BEGIN")
            before = _count(db)
            rows = db.execute("SELECT session, id, content FROM messages")
            until = time.monotonic() + rng.choice([0.2, 2.0, 5.0, 15.0])
            seen = 0
            while life.goes_on and time.monotonic() < until:
                seen += len(rows.fetchmany(50))
                _pause(life, 0.05)
            seen += sum(1 for _ in rows)
            if seen != before or _count(db) != before:
                raise AssertionError(f"a snapshot changed: {before} messages, then {seen}")
        held += 1
    sys.stdout.write(f"{held}\n")


def _count(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM messages").fetchone()[0])


def project(path: Path, arguments: list[str]) -> None:
    """Be the command `projector`."""
    sys.argv = ["projector", "--journal", str(path), *arguments]
    projector.cli.main()


def main() -> None:
    """Do what the arguments say, with a clock that is wrong in each life by another amount."""
    role, journal, *rest = sys.argv[1:]
    with skewed(random.Random(os.urandom(8))):
        if role == "write":
            told, name, seed, fsync = rest
            write(Path(journal), Path(told), name, seed, fsync)
        elif role == "read":
            told, seed = rest
            read(Path(journal), Path(told), seed)
        elif role == "project":
            project(Path(journal), rest)
        else:
            hold(Path(journal), *rest)


if __name__ == "__main__":
    main()
