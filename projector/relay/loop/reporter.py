"""Says what this machine has, and notes what the others say."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from journal import __version__
from journal.process import clock
from projector.relay.errors import ChunkError
from projector.relay.files.own import rewritten
from projector.relay.fleet.have import Have, hash_of, parse_have
from projector.relay.fleet.names import note_machines
from projector.relay.identity import former_of, machine_of

if TYPE_CHECKING:
    from journal.fs.directory import Directory
    from projector.relay.config import Config
    from projector.relay.files.mirror import Mirrors
    from projector.relay.files.own import Names
    from projector.relay.loop.outbound import Outbound
    from projector.relay.server.jetstream import JetStream
    from projector.relay.state import State

_log = logging.getLogger("projector.relay")
_MOST_REWRITTEN = 4_000
"""Uuids of rewritten segments in a report, at most: the newest."""
_LEAVE = 60.0
"""Seconds between two reports that are left in the stream while the relay runs, at least."""


class Reporter:
    """Makes the reports of a machine, and remembers those of the others.

    Attributes:
        changed: whether something has changed since the last report, or another machine asks.

    Args:
        journal: the journal.
        config: has the machine's name.
        state: remembers the reports.
        names: remembers headers.
        outbound: what was sent.
        mirrors: those of the others.
    """

    def __init__(
        self,
        journal: Directory,
        config: Config,
        state: State,
        names: Names,
        outbound: Outbound,
        mirrors: Mirrors,
    ) -> None:
        self.changed = False
        self._journal = journal
        self._machine = machine_of(journal)
        self._former = former_of(journal)
        self._name = config.name
        self._receives = config.receive
        self._state = state
        self._names = names
        self._outbound = outbound
        self._mirrors = mirrors
        self._left = b""
        self._left_at = -_LEAVE
        self._has_heard = True

    def hear(self, data: bytes) -> None:
        """Take what another machine says now: its report, or nothing, which asks for ours."""
        if data:
            self.note(data, clock.wall())
        else:
            self.changed = True

    def note(self, data: bytes, at: int) -> None:
        """Remember the report of another machine.

        Args:
            data: the report.
            at: when it was made, by our clock, microseconds since 1970.
        """
        try:
            found = parse_have(data)
        except ChunkError as error:
            _log.warning("%s", error)
            return
        if found.machine != self._machine:
            self._state.note_peer(found.machine, at - found.age, data.decode())
            self._has_heard = True

    def note_machines(self) -> None:
        """Note the names of the machines that have reported, where the projector reads them.

        Raises:
            ReadError, OSError: it cannot be done.
        """
        if self._has_heard:
            self._has_heard = False
            found = [
                (seen, parse_have(text.encode())) for seen, text in self._state.peers().values()
            ]
            note_machines(self._journal, self._name, found)

    async def send(self, carrier: JetStream, cursor: int) -> None:
        """Tell what this machine has to all that are connected, and now and then to the others.

        Raises:
            CarrierError: there is no answer.
            ReadError, OSError: a lane cannot be read.
        """
        self.changed = False
        if time.monotonic() - self._left_at >= _LEAVE:
            await self.leave(carrier, cursor)
        else:
            await carrier.report(self.report(cursor).encode())

    async def leave(self, carrier: JetStream, cursor: int) -> None:
        """Tell it, and leave it in the stream for machines that are not connected now.

        Raises:
            CarrierError, ReadError, OSError: as `send`.
        """
        have = self.report(cursor)
        await carrier.report(have.encode())
        content = replace(have, clock=0, cursor=0).encode()
        if content != self._left:
            await carrier.leave_report(self._machine, have.encode())
            self._left = content
        self._left_at = time.monotonic()

    async def read_left(self, carrier: JetStream, ahead: int) -> None:
        """Read the reports that the others left in the stream, without following it.

        Args:
            carrier: has the stream.
            ahead: microseconds by which our clock is ahead of the carrier's.

        Raises:
            CarrierError: there is no answer.
        """
        async for found in carrier.reports():
            self.note(found.report, found.at + ahead)

    async def leave_others(self, carrier: JetStream) -> None:
        """Leave what absent machines reported, if the stream has no report of them any more.

        Without it, a new machine would not know their names, nor that they are behind.

        Raises:
            CarrierError: there is no answer.
        """
        left = {self._machine}
        async for found in carrier.reports():
            with suppress(ChunkError):  # as if there was none
                left.add(parse_have(found.report).machine)
        for machine, (seen, text) in self._state.peers().items():
            if machine not in left:
                have = replace(parse_have(text.encode()), age=max(0, clock.wall() - seen))
                await carrier.leave_report(machine, have.encode())

    def hash(self) -> str:
        """Return the hash over all that is here.

        Raises:
            ReadError, OSError: a lane cannot be read.
        """
        return self.report(0).hash

    def report(self, cursor: int) -> Have:
        """Return the report of a machine that has followed the stream up to a cursor.

        Raises:
            ReadError, OSError: a lane cannot be read.
        """
        segments = self._outbound.all_sent()
        held = {self._machine: sum(size for _, size, _ in segments)}
        for each in self._mirrors.held():
            segments.append((each.place.segment, each.size, each.crc))
            held[each.place.machine] = held.get(each.place.machine, 0) + each.size
        return Have(
            machine=self._machine,
            former=list(self._former),
            name=self._name,
            version=__version__,
            clock=clock.wall(),
            cursor=cursor,
            hash=hash_of(segments),
            held=held,
            unsent=self._outbound.unsent(),
            rewritten=rewritten(self._journal.lanes, self._names)[-_MOST_REWRITTEN:],
            receives=self._receives,
        )
