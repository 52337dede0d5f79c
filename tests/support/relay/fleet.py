"""Machines of a fleet: journals that share one server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal import Journal
from journal.fs.directory import open_directory
from journal.verify import verify
from projector import Projection
from projector.relay.config import Config, write_config
from projector.relay.identity import name_machine
from projector.relay.lock import relay_lock
from projector.relay.loop.run import relay_once
from projector.relay.status import read_status

if TYPE_CHECKING:
    from pathlib import Path

    from projector.relay.status import Status


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

    def relay(self) -> None:
        """Send and receive until nothing is left."""
        with relay_lock(self.directory):
            relay_once(self.directory, self.config)

    def status(self) -> Status:
        """Return what `journal relay status` shows."""
        return read_status(self.directory)

    def open(self) -> Projection:
        """Open the projection."""
        return Projection.open(self.path)

    def found(self) -> set[str]:
        """Return the ids of all messages."""
        with Projection.open(self.path) as projection:
            sessions = projection.sessions()
            return {m.id for s in sessions for m in projection.messages(s.session)}

    def digest(self) -> str:
        """Return the digest of the projection."""
        with Projection.open(self.path) as projection:
            return projection.digest()


def assert_same(*machines: Machine, kinds: frozenset[str] = frozenset()) -> None:
    """Fail unless all machines have the same bytes and events, and no damage.

    Args:
        machines: all of the fleet, none of which relays now.
        kinds: of problems that `verify` may find.
    """
    for _ in range(4):
        for machine in machines:
            machine.relay()
        hashes = {machine.name: machine.status().hash for machine in machines}
        if len(set(hashes.values())) == 1:
            break
    assert len(set(hashes.values())) == 1, hashes
    digests = {machine.name: machine.digest() for machine in machines}
    assert len(set(digests.values())) == 1, digests
    appended = {id for machine in machines for id in machine.ids}
    for machine in machines:
        assert machine.found() == appended
        problems = verify(machine.path / "lanes").problems
        assert {problem.kind for problem in problems} <= kinds, problems
