"""The programs of the scenario: `python -m tests.torture.soak.forgetting.roles ROLE JOURNAL ...`.

Writers, readers and forgetters work until SIGTERM, or until the process that started them is gone.
What they do not expect is a traceback on stderr, and exit code 1.
"""

from __future__ import annotations

import contextlib
import os
import random
import sys
import time
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast
from unittest.mock import patch

import orjson

import journal
from journal import EraserBusy, Journal, compact
from journal.fs import disk
from journal.fs.directory import open_directory
from journal.status import read_status
from journal.verify import verify
from journal.verify.checks import DEATH
from projector import Projection
from projector.errors import NotFound
from projector.forgetting.finish import finish_forgetting
from projector.forgetting.forget import forget
from projector.forgetting.selection import Selection
from tests.support.skewed import skewed
from tests.torture.soak.cast import read_lines
from tests.torture.soak.forgetting.bare import write_bare
from tests.torture.soak.forgetting.model import (
    Key,
    Named,
    message,
    place,
    title,
    word,
    words_in,
)
from tests.torture.soak.forgetting.sabotage import SABOTAGES
from tests.torture.soak.forgetting.waits import Meter
from tests.torture.soak.roles import (
    Life,
    pause,
    project,
    query_until_the_end,
    without_torn_line,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from journal.lanes.group_commit import Fsync

_AGAIN = 20
"""Acknowledged messages that a writer appends again when it starts again."""
_PART = 64 * 1024
"""Bytes of a writer's file in which a reader looks for something acknowledged."""
_COMPACTED = 0.5
"""Share of the requests after which the lanes are compacted: the next one removes joined files."""
_MOST = 4
"""Messages that a request names at most."""


def acknowledged_keys(files: Path, writer: str = "*") -> list[Key]:
    """Return the keys of all messages that a writer, or all, recorded as acknowledged."""
    return [
        (line["session"], line["id"])
        for path in sorted(files.glob(f"{writer}.jsonl"))
        for line in read_lines(path)
    ]


def named(logs: Path, *, done: bool) -> Named:
    """Return what the forgetters have asked for.

    Args:
        logs: the folder of their logs.
        done: whether only what was acknowledged counts.
    """
    sessions: list[str] = []
    keys: list[Key] = []
    for path in logs.glob("*.jsonl"):
        lines = list(read_lines(path))
        finished = {line["done"] for line in lines if "done" in line}
        for line in lines:
            if "asked" in line and (not done or line["asked"] in finished):
                sessions += line["sessions"]
                keys += map(tuple, line["keys"])
    return Named(sessions, keys)


def write(path: Path, seed: str, files: Path, name: str, fsync: Fsync) -> None:
    """Append until the end; record each key, and what its append waited for, once it returned."""
    life, rng, meter = Life(), random.Random(seed), Meter()
    with (
        patch.object(disk, "in_use", meter.disk),
        Journal.open(path, fsync=fsync) as handle,
        (files / f"{name}.jsonl").open("ab+") as file,
    ):
        number = _next_number(file)
        while life.continues:
            events = [message(name, number + n) for n in range(rng.choice([1, 1, 1, 3]))]
            titles = (title(name, number + n) for n in range(len(events)))
            batch = [*events, *filter(None, titles)]
            wait = meter.measure(lambda batch=batch: handle.append_many(batch))  # type: ignore[misc]
            lines: list[dict[str, object]]
            lines = [{"session": each["session"], "id": each["id"]} for each in events]
            lines[0]["wait"] = astuple(wait)
            os.write(file.fileno(), b"".join(orjson.dumps(line) + b"\n" for line in lines))
            number += len(events)
            pause(life, rng.choice([0.001, 0.01, 0.05]))


def _next_number(file: BinaryIO) -> int:
    """Return the next number: some acknowledged messages are appended again."""
    whole = without_torn_line(file)
    if not whole:
        return 0
    last = orjson.loads(whole.rpartition(b"\n")[2])["id"]
    return max(0, place(last)[1] + 1 - _AGAIN)


def fill(path: Path, files: Path, name: str, count: int, bulk: int) -> None:
    """Append long messages, so that erasure has something to rewrite."""
    with Journal.open(path, fsync="never") as handle, (files / f"{name}.jsonl").open("ab") as file:
        for number in range(count):
            event = message(name, number, bulk)
            handle.append(**event)
            line = {"session": event["session"], "id": event["id"]}
            file.write(orjson.dumps(line) + b"\n")


def read(path: Path, seed: str, files: Path, logs: Path) -> None:
    """Query until the end: what is forgotten is never shown, and all the rest is.

    Raises:
        AssertionError: something is shown that was forgotten before, or is missing.
    """
    life, rng = Life(), random.Random(seed)
    with Projection.open(path) as projection:
        queries: list[Callable[[], object]] = [
            lambda: _look_for_kept(projection, files, logs, rng),
            lambda: _look_for_gone(projection, logs, rng),
            lambda: _look_for_gone(projection, logs, rng),
            lambda: projection.search(rng.choice(["alpha", "beta OR 北京", "안녕", "gam*"])),
            lambda: projection.sessions(limit=5),
            projection.status,
            lambda: _verify(path),
            lambda: read_status(open_directory(path)),
            lambda: sum(1 for _ in journal.read(path)),
        ]
        query_until_the_end(life, queries, rng)


def _verify(path: Path) -> None:
    """Check all records: files that are replaced or removed meanwhile are no problem.

    Raises:
        AssertionError: something else is reported than what killed writers leave.
    """
    problems = [each for each in verify(path / "lanes").problems if each.kind not in DEATH]
    if problems:
        raise AssertionError(f"verify reports {problems}")


def _look_for_kept(projection: Projection, files: Path, logs: Path, rng: random.Random) -> None:
    """Search for a message that was acknowledged before, by the word that only it contains."""
    with rng.choice(sorted(files.glob("*.jsonl"))).open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, rng.choice([size, rng.randrange(size + 1)]) - _PART))
        lines = file.read(_PART).split(b"\n")[1:-1]
    if not lines:
        return
    line = orjson.loads(rng.choice(lines))
    key = line["session"], line["id"]
    found = projection.search(word(*place(key[1])), limit=5)
    if not found.hits and found.fresh and named(logs, done=False).fate(key) == "kept":
        raise AssertionError(f"{key} was acknowledged, is named by no request, and is not found")


def _look_for_gone(projection: Projection, logs: Path, rng: random.Random) -> None:
    """Look for something that was forgotten before."""
    gone = named(logs, done=True)
    if words := sorted(gone.words()):
        wanted = rng.choice(words)
        _check_nothing(wanted, (hit.id for hit in projection.search(wanted).hits))
    if gone.sessions:
        session = rng.choice(sorted(gone.sessions))
        with contextlib.suppress(NotFound):
            _check_nothing(session, [projection.session(session).session])
        wanted = rng.choice(words_in(session))
        hits = projection.search(wanted).hits
        _check_nothing(wanted, (hit.id for hit in hits if hit.session == session))


def _check_nothing(wanted: str, found: Iterable[str]) -> None:
    if there := list(found):
        raise AssertionError(f"{wanted} was forgotten before, and is shown: {there}")


def forget_some(path: Path, seed: str, files: Path, logs: Path, name: str, *writers: str) -> None:
    """Forget until the end; record what is asked for, and when it is done.

    Args:
        path: the journal.
        seed: decides what is forgotten.
        files: the folder of the acknowledged keys.
        logs: the folder of the logs of forgetters.
        name: of this forgetter.
        writers: whose messages it forgets; of the last of them one each time.
    """
    life, rng = Life(), random.Random(seed)
    finish_forgetting(path)
    with (logs / f"{name}.jsonl").open("ab+") as file:
        without_torn_line(file)

        def record(**line: object) -> None:
            line["at"] = time.monotonic_ns() // 1000
            os.write(file.fileno(), orjson.dumps(line) + b"\n")

        while life.continues:
            chosen = _choose(files, named(logs, done=False), rng, writers)
            if chosen is None:
                pause(life, 0.1)
                continue
            # a seed gives a restarted forgetter the numbers of its earlier life again
            number = time.monotonic_ns()
            selection, keys = chosen
            record(asked=number, sessions=selection.sessions, keys=keys)
            outcome = forget(path, selection, reason="the soak")
            record(done=number, lines=outcome.lines, pending=len(outcome.pending))
            if rng.random() < _COMPACTED:
                with contextlib.suppress(EraserBusy):
                    compact(path)
            pause(life, rng.uniform(0.0, 2.0))


def _choose(
    files: Path, before: Named, rng: random.Random, writers: Sequence[str]
) -> tuple[Selection, list[Key]] | None:
    """Choose what is to be forgotten, and return it with the keys of single messages.

    It is something of which an acknowledged message is there for certain.
    """
    kept = {
        writer: [key for key in acknowledged_keys(files, writer) if before.fate(key) == "kept"]
        for writer in writers
    }
    *others, last = [keys for keys in kept.values() if keys] or [[]]
    if not others:
        return None
    keys = [rng.choice(rng.choice(others)) for _ in range(rng.randint(1, _MOST))]
    kind = rng.choice(["messages", "messages", "query", "session", "both"])
    if kind == "query":
        return Selection(query=word(*place(keys[0][1]))), keys[:1]
    keys.append(rng.choice(last))
    if kind == "messages":
        return Selection(messages=tuple(keys)), keys
    session, *rest = keys[0][0], *(keys[1:] if kind == "both" else keys[-1:])
    rest = [key for key in rest if key[0] != session]
    return Selection(sessions=(session,), messages=tuple(rest)), rest


def finish(path: Path) -> None:
    """Carry out what is pending; print how many segments are still pending then."""
    print(len(finish_forgetting(path).pending))


def main() -> None:
    """Play the role that the arguments name, with a wrong clock and a sabotage."""
    role, sabotage, *rest = sys.argv[1:]
    with skewed(random.Random(os.urandom(8))), SABOTAGES[sabotage]():
        if role == "write":
            journal, seed, files, name, fsync = rest
            write(Path(journal), seed, Path(files), name, cast("Fsync", fsync))
        elif role == "fill":
            journal, files, name, count, bulk = rest
            fill(Path(journal), Path(files), name, int(count), int(bulk))
        elif role == "bare":
            write_bare(*map(Path, rest[2:]))
        elif role == "read":
            journal, seed, files, logs = rest
            read(Path(journal), seed, Path(files), Path(logs))
        elif role == "forget":
            journal, seed, files, logs, name, *writers = rest
            forget_some(Path(journal), seed, Path(files), Path(logs), name, *writers)
        elif role == "project":
            project(Path(rest[0]), rest[1:])
        elif role == "finish":
            finish(Path(rest[0]))
        else:
            sys.exit(f"no role is called {role!r}")


if __name__ == "__main__":
    main()
