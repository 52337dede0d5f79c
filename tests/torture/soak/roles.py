"""The programs of the soak: `python -m tests.torture.soak.roles ROLE JOURNAL ...`.

Writers, readers, readers that keep a snapshot open, and projectors work until SIGTERM, or until
their parent has ended; the others until their work is done. An unexpected error is a traceback on
stderr, and exit code 1.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import sys
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

import orjson

import projector.cli
from journal import Journal
from projector import Projection
from projector.errors import NotFound
from tests.support.skewed import skewed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_AGAIN = 20
"""Acknowledged events that a restarted writer appends again."""
_TWICE = 0.1
"""Probability that an append is repeated at once, as after an error."""
_TAIL = 64 * 1024
"""Bytes at the end of a writer's file in which a reader looks for an acknowledged event."""
_BURST = 4_000
"""Events that a busy writer appends at once; about 2 KB each."""
_BUSY = "busy"


class Life:
    """Whether a program continues: until a signal, or until its parent has ended."""

    def __init__(self) -> None:
        self._parent = os.getppid()
        self._over = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)

    def _end(self, *_: object) -> None:
        self._over = True

    @property
    def continues(self) -> bool:
        """Whether to continue: a program without its parent must not write for ever."""
        return not self._over and os.getppid() == self._parent


def word(id: str) -> str:
    """Return the word that only this message contains."""
    return f"w{id.replace('-', 'x')}z"


def event(id: str, size: int) -> dict[str, Any]:
    """Create a message: an id gives the same message in every run of its writer."""
    rng = random.Random(id)
    words = rng.choices(
        ["alpha", "beta", "gamma", "北京", "안녕", "x" * 200], k=rng.randint(1, size)
    )
    return {
        "session": f"s{rng.randrange(12)}",
        "id": id,
        "type": "message.appended",
        "data": {
            "role": rng.choice(["user", "assistant"]),
            "content": " ".join([word(id), *words]),
        },
    }


def write(path: Path, acknowledged: Path, name: str, seed: str, fsync: str) -> None:
    """Append until the end, some events twice; record each key after its append has returned."""
    life, rng = Life(), random.Random(seed)
    busy = name.startswith(_BUSY)
    with (
        Journal.open(path, fsync=fsync) as handle,  # type: ignore[arg-type] # one of the levels
        acknowledged.open("ab+") as file,
    ):
        number = _next_number(file)
        while life.continues:
            batch = _BURST if busy else rng.choice([1, 1, 1, 20])
            size = 30 if busy else 6
            events = [event(f"{name}-{number + n}", size) for n in range(batch)]
            handle.append_many(events)
            if rng.random() < _TWICE:
                handle.append_many(events)
            lines = [orjson.dumps([event["session"], event["id"]]) + b"\n" for event in events]
            os.write(file.fileno(), b"".join(lines))
            number += batch
            pause(life, 8.0 if busy else rng.choice([0.001, 0.01, 0.05]))


def _next_number(acknowledged: BinaryIO) -> int:
    """Return the next number: some acknowledged events are appended again."""
    whole = without_torn_line(acknowledged)
    if not whole:
        return 0
    last: str = orjson.loads(whole.rpartition(b"\n")[2])[1]
    return max(0, int(last.rpartition("-")[2]) + 1 - _AGAIN)


def without_torn_line(file: BinaryIO) -> bytes:
    """Remove what a kill left in the middle of a line; return the lines without the last end.

    What that line names was not acknowledged.
    """
    file.seek(0)
    whole, _, torn = file.read().rpartition(b"\n")
    if torn:
        file.truncate(len(whole) + 1 if whole else 0)
    return whole


def pause(life: Life, seconds: float) -> None:
    """Wait, but no longer than the program is to continue."""
    until = time.monotonic() + seconds
    while life.continues and (left := until - time.monotonic()) > 0:
        time.sleep(min(left, 0.2))


def read(path: Path, acknowledged: Path, seed: str) -> None:
    """Query until the end; a fresh answer has everything that was acknowledged before the query."""
    life, rng = Life(), random.Random(seed)
    with Projection.open(path) as projection:
        queries: list[Callable[[], object]] = [
            lambda: _find_one(projection, acknowledged, rng),
            lambda: _find_one(projection, acknowledged, rng),
            lambda: projection.search(rng.choice(["alpha", "beta OR 北京", "안녕", "gam*"])),
            lambda: projection.search("alpha NOT beta", sort="newest", context=2, role="user"),
            lambda: projection.sessions(limit=5),
            lambda: _read_one(projection, rng),
            projection.status,
        ]
        query_until_the_end(life, queries, rng)


def query_until_the_end(
    life: Life, queries: Sequence[Callable[[], object]], rng: random.Random
) -> None:
    """Make one query after another; print how many there were, and the seconds of the slowest."""
    slowest, count = 0.0, 0
    while life.continues:
        began = time.perf_counter()
        rng.choice(queries)()
        slowest = max(slowest, time.perf_counter() - began)
        count += 1
        pause(life, rng.choice([0.0, 0.01, 0.05]))
    sys.stdout.write(f"{count} {slowest:.3f}\n")


def _find_one(projection: Projection, acknowledged: Path, rng: random.Random) -> None:
    """Search for an acknowledged message by its unique word."""
    files = sorted(acknowledged.glob("*.jsonl"))
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
    except NotFound:  # the session has no message yet, or its id is a prefix of several ids
        return
    messages = projection.messages(view.session)
    if len({message.id for message in messages}) != len(messages):
        raise AssertionError(f"a message is shown twice in {view.session}")


def hold(path: Path, seed: str) -> None:
    """Keep snapshots open with the standard library's SQLite, like a slow report."""
    life, rng = Life(), random.Random(seed)
    held = 0
    current = path / "projection" / "CURRENT"
    while life.continues and not current.exists():  # no projection exists yet
        pause(life, 0.1)
    while life.continues:
        name = current.read_text().strip()
        database = path / "projection" / f"{name}.db"
        with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
            db.execute("BEGIN")
            before = _count(db)
            rows = db.execute("SELECT session, id, content FROM messages")
            until = time.monotonic() + rng.choice([0.2, 2.0, 5.0, 15.0])
            seen = 0
            while life.continues and time.monotonic() < until:
                seen += len(rows.fetchmany(50))
                pause(life, 0.05)
            seen += sum(1 for _ in rows)
            if seen != before or _count(db) != before:
                raise AssertionError(f"a snapshot changed: {before} messages, then {seen}")
        held += 1
    sys.stdout.write(f"{held}\n")


def _count(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM messages").fetchone()[0])


def project(path: Path, arguments: list[str]) -> None:
    """Run the command `projector`."""
    sys.argv = ["projector", "--journal", str(path), *arguments]
    projector.cli.main()


def crowd_word(writer: int, number: int) -> str:
    """Return the word that only this message of the crowd contains."""
    return f"w{writer}x{number}z"


def crowd(path: Path, writer: int, messages: int) -> None:
    """Append messages, beginning when stdin ends."""
    print("ready", flush=True)
    sys.stdin.read()
    with Journal.open(path) as handle:
        for number in range(messages):
            text = f"message {crowd_word(writer, number)} of writer{writer}"
            handle.append_message(f"s{writer}", "user", text, id=f"m{number}")


def hooks(path: Path, count: int, at_once: int) -> None:
    """Fork processes that append one message each, a few at a time.

    Raises:
        AssertionError: a process ended with an error.
    """
    alive = 0
    ended: Counter[int] = Counter()
    for number in range(count):
        if alive == at_once:
            ended[os.wait()[1]] += 1
            alive -= 1
        if not os.fork():
            _be_a_hook(path, number)
        alive += 1
    for _ in range(alive):
        ended[os.wait()[1]] += 1
    if ended != {0: count}:
        raise AssertionError(f"processes ended with {dict(ended)}")


def _be_a_hook(path: Path, number: int) -> NoReturn:
    """Append one message and exit, also after an error."""
    code = 1
    try:
        with Journal.open(path, fsync="never") as handle:
            handle.append_message("hooks", "user", f"run {number}", id=f"m{number}")
        code = 0
    finally:
        if code:
            traceback.print_exc()
        os._exit(code)


def main() -> None:
    """Play the role that the arguments name, with a wrong clock."""
    role, journal, *rest = sys.argv[1:]
    with skewed(random.Random(os.urandom(8))):
        path = Path(journal)
        if role == "write":
            acknowledged, name, seed, fsync = rest
            write(path, Path(acknowledged), name, seed, fsync)
        elif role == "read":
            acknowledged, seed = rest
            read(path, Path(acknowledged), seed)
        elif role == "project":
            project(path, rest)
        elif role == "hold":
            hold(path, *rest)
        elif role == "crowd":
            crowd(path, *map(int, rest))
        elif role == "hooks":
            hooks(path, *map(int, rest))
        else:
            sys.exit(f"no role is called {role!r}")


if __name__ == "__main__":
    main()
