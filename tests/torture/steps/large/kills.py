"""Projectors of parts and their drainers are killed while a journal changes: nothing is lost.

Each round has a journal in two parts, with a projector and a drainer for each, and ClickHouse
behind HTTP. They are killed and paused at random, also just before or after documents are stored.
The sink is down for a while, and its requests end before they are run, or after it without an
answer. Meanwhile sessions are deleted, and in half of the rounds one is forgotten.

Whatever happens, the parts end with the digest of one projection of all events, the sink has row by
row what they have, nothing forgotten is in one of its rows, and the receipt says so.
"""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack, closing
from random import Random
from threading import Event
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from journal import Journal
from journal.fs.directory import open_directory
from journal.verify import verify
from projector import Parts, Projection
from projector.fold.part import Part
from projector.forgetting.erasures import erasures
from projector.forgetting.finish import finish_forgetting
from projector.forgetting.forget import forget, plan
from projector.forgetting.in_sink import note_removed
from projector.forgetting.selection import Selection
from projector.sink.config import Config, read_config, write_config
from projector.sink.verify import compare
from tests.support.programs import clickhouse
from tests.support.programs.restarted import Program
from tests.support.programs.sinks import assert_equal, drain
from tests.torture.arguments import Amount, step_parser
from tests.torture.rounds import run_seeds

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.support.programs.clickhouse import Server

_AMOUNT = Amount(whole=60, sample=1, unit="rounds")
_ACTIONS = 5
_PATIENCE = 2.0
"""Seconds until something is stored after events were appended; a drainer may be waiting longer."""
_PARTS = ("1/2", "2/2")
_SESSIONS = 6
_FORGOTTEN = "mausoleumword"


def run_round(seed: int, folder: Path) -> dict[str, int]:
    """Run one round in an empty folder; return how many events were appended, and inserts ended.

    Raises:
        AssertionError: something is lost, doubled, damaged or different.
    """
    random = Random(seed)
    path = folder / "journal"
    table = f"t{uuid4().hex}"
    events = 0
    with ExitStack() as stack:
        server = stack.enter_context(clickhouse.serving())
        journal = open_directory(path)
        write_config(journal, Config(server.url, "tests", table))
        events += _append(random, path, 40)
        command = ("projector", "--journal", path)
        programs = [
            Program(*command, *words, "--part", part)
            for part in _PARTS
            for words in (("run",), ("sink", "run"))
        ]
        for program in programs:
            stack.callback(program.end)
        trouble = _Trouble(random, server, programs)
        at = random.randrange(2 * _ACTIONS)  # it begins a new pass, which mends what was lost
        for number in range(_ACTIONS):
            trouble.arm()
            events += _append(random, path, random.choice([1, 10, 200]))
            if number == at:
                _forget(path)
            _hit(random, programs)
            trouble.wait()
        for program in programs:
            program.end()
        trouble.disarm()
        _check(path, f"tests.{table}")
    return {"events": events, "inserts ended": trouble.ended}


def _append(random: Random, path: Path, count: int) -> int:
    """Append messages and what changes them; return how many events there are more."""
    changes = []
    data: dict[str, Any]
    for _ in range(count):
        session = f"s{random.randrange(_SESSIONS)}"
        id = f"m{random.randrange(10_000)}"
        match random.randrange(10):
            case 0:
                type, data = "message.revised", {"message": id, "content": f"revised {id}"}
            case 1:
                type, data = "message.removed", {"messages": [id]}
            case 2:
                type, data = "message.archived", {"messages": [id]}
            case 3 if random.random() < 0.1:
                type, data = "session.deleted", {}
            case _:
                line = {"line": f"line-{id[1:3]}"} if random.random() < 0.2 else {}
                words = f"words of {session} {id} {_FORGOTTEN if session == 's0' else ''}"
                data = {"role": random.choice(["user", "tool"]), "content": words, **line}
                type = "message.appended"
        event = {"session": session, "type": type, "data": data}
        changes.append(event | ({"id": f"{id}-{uuid4().hex[:8]}"} if "role" in data else {}))
    with Journal.open(path, fsync="never") as journal:
        journal.append_many(changes)
    return len(changes)


def _forget(path: Path) -> None:
    """Forget the session whose messages have the word."""
    found = plan(path, Selection(sessions=("s0",)))
    if found:
        forget(path, found)


def _hit(random: Random, programs: list[Program]) -> None:
    """Kill or pause programs, or leave them alone."""
    program = random.choice(programs)
    match random.choice(["killed", "all killed", "paused", "left", "left", "left"]):
        case "killed":
            program.kill()
        case "all killed":
            for each in programs:
                each.kill()
        case "paused":
            program.pause(random.uniform(0, 0.5))


class _Trouble:
    """Ends requests that store documents without an answer, before or after they are run.

    Attributes:
        ended: how many it ended.
    """

    def __init__(self, random: Random, server: Server, programs: list[Program]) -> None:
        self._random, self._server, self._programs = random, server, programs
        self.ended = 0
        self._is_stored = Event()

    def arm(self) -> None:
        """Choose the request that ends next, and whether the programs are killed then."""
        number = self._random.randint(1, 2)
        kills = self._random.random() < 0.5

        def end(_: int) -> bool:
            nonlocal number
            if not self._server.statement.startswith(b"INSERT"):
                return False
            self._is_stored.set()
            number -= 1
            if number:
                return False
            self.ended += 1
            for program in self._programs if kills else ():
                program.kill()
            return True

        self.disarm()
        self._is_stored.clear()
        setattr(self._server, self._random.choice(["before", "after"]), end)
        if self._random.random() < 0.1:
            self._server.is_down = True
            time.sleep(self._random.uniform(0, 0.5))
            self._server.is_down = False

    def wait(self) -> None:
        """Return when something is stored, or is not for some time."""
        self._is_stored.wait(_PATIENCE)

    def disarm(self) -> None:
        """Let all requests be answered."""
        self._server.before = self._server.after = lambda _: False


def _check(path: Path, table: str) -> None:
    """Fail unless all is there once, and equal."""
    finish_forgetting(path)
    for part in _PARTS:
        drain(path, part=part, batch=50)
    journal = open_directory(path)
    note_removed(journal)
    assert not verify(path / "lanes").problems
    with Parts.open(path) as parts, Projection.open(path) as whole:
        assert parts.digest() == whole.digest()
    with closing(read_config(journal).connect()) as sink:
        for part in _PARTS:
            found = compare(journal, sink, Part.parse(part))
            assert found.is_equal, found
            assert found.forgotten in (None, "removed"), found
    assert_equal(path, table, *_PARTS)
    query = f"SELECT count() FROM {table} WHERE position(text, '{_FORGOTTEN}') > 0"
    listed = erasures(path)
    if listed:
        assert int(clickhouse.run(query)) == 0
        assert [each.receipt and each.receipt.sink for each in listed] == ["removed"] * len(listed)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rounds of the command line; return the exit code."""
    parser = step_parser(__doc__, seed=1)
    _AMOUNT.add_to(parser)
    given = parser.parse_args(arguments)
    holds = "parts and sink are equal to one projection"
    return run_seeds("large.kills", run_round, _AMOUNT, given, holds)


if __name__ == "__main__":
    sys.exit(main())
