"""Machines of a fleet: journals that share one server."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from click.testing import CliRunner

from journal import Journal
from journal.cli import cli as journal_cli
from journal.fs.directory import open_directory
from journal.verify import verify
from projector import Projection
from projector.cli import cli as projector_cli
from projector.relay.config import Config, write_config
from projector.relay.errors import CarrierError
from projector.relay.fleet.status import read_status
from projector.relay.identity import name_machine
from projector.relay.lock import relay_lock
from projector.relay.loop.run import relay_once

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    from projector.relay.fleet.status import Status

_PATIENCE = 60.0
"""Seconds until a cluster must have a leader."""


class Machine:
    """A journal that has joined a fleet.

    Args:
        path: the journal's folder.
        url: of the server.
        options: further values of the configuration.
    """

    def __init__(self, path: Path, url: str, **options: object) -> None:
        self.path = path
        self.name = path.name
        self.ids: set[str] = set()
        self.directory = open_directory(path)
        values: dict[str, object] = {"fleet": "f", "name": path.name, "url": url} | options
        self.config = Config(**values)  # type: ignore[arg-type]
        name_machine(self.directory)
        write_config(self.directory, self.config)

    def join_as_copy(self, path: Path, original: Machine) -> None:
        """Be a machine whose folder is a copy of another one."""
        self.path = path
        self.name = path.name
        self.ids = set(original.ids)
        self.directory = open_directory(path)
        self.config = original.config

    def append(self, *ids: str, content: str = "hello") -> None:
        """Append messages to the session that has the machine's name."""
        with Journal.open(self.path, fsync="never") as journal:
            for id in ids:
                journal.append_message(self.name, "user", f"{content} {id}", id=id)
        self.ids |= set(ids)

    def roll(self) -> None:
        """Let the next append begin another segment: a writer does not continue a copy."""
        path = max((self.path / "lanes" / "1").glob("*.jsonl"))
        copy = path.with_suffix(".copy")
        copy.write_bytes(path.read_bytes())
        copy.chmod(0o600)
        copy.replace(path)

    def relay(self) -> None:
        """Send and receive until nothing is left."""
        with relay_lock(self.directory):
            relay_once(self.directory, self.config)

    def run(self, *arguments: object, program: str = "journal") -> Result:
        """Run a command of `journal` or `projector`."""
        cli = {"journal": journal_cli, "projector": projector_cli}[program]
        return CliRunner().invoke(cli, ["--journal", str(self.path), *map(str, arguments)])

    def status(self) -> Status:
        """Return what `journal relay status` shows."""
        return read_status(self.directory)

    def open(self) -> Projection:
        """Open the projection."""
        return Projection.open(self.path)

    def messages(self) -> list[str]:
        """Return the ids of all messages of all sessions, sorted."""
        with Projection.open(self.path) as projection:
            sessions = projection.sessions(limit=1_000)
            found = [m.id for s in sessions for m in projection.messages(s.session)]
        return sorted(found)

    def found(self) -> set[str]:
        """Return the ids of all messages."""
        return set(self.messages())

    def digest(self) -> str:
        """Return the digest of the projection."""
        with Projection.open(self.path) as projection:
            return projection.digest()


def until(work: Callable[[], object], ends: type[Exception] = Exception) -> None:
    """Repeat some work until the servers have a leader.

    Args:
        work: what is done.
        ends: after which error it is repeated.
    """
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            work()
        except ends:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
        else:
            return


def assert_same(*machines: Machine, kinds: frozenset[str] = frozenset()) -> None:
    """Fail unless all machines have the same bytes and events, and no damage.

    Four checks: the hashes over all segments that they report are equal; so are the digests; the
    events are those that were appended, each once; and `verify` finds no damage.

    Args:
        machines: all of the fleet, none of which relays now.
        kinds: of problems that `verify` may find.
    """
    for _ in range(4):
        for machine in machines:
            until(machine.relay, CarrierError)  # a cluster may be without a leader for a moment
        hashes = {machine.name: machine.status().hash for machine in machines}
        if len(set(hashes.values())) == 1:
            break
    assert len(set(hashes.values())) == 1, hashes
    digests = {machine.name: machine.digest() for machine in machines}
    assert len(set(digests.values())) == 1, digests
    appended = sorted({id for machine in machines for id in machine.ids})
    for machine in machines:
        assert machine.messages() == appended, machine.name
        problems = verify(machine.path / "lanes").problems
        assert {problem.kind for problem in problems} <= kinds, problems
