"""Says what this machine has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal import __version__
from journal.process import clock
from projector.relay.files.own import rewritten
from projector.relay.have import Have, hash_of
from projector.relay.identity import former_of, machine_of

if TYPE_CHECKING:
    from journal.fs.directory import Directory
    from projector.relay.config import Config
    from projector.relay.files.mirror import Mirrors
    from projector.relay.files.ours import Ours
    from projector.relay.files.own import Names
    from projector.relay.loop.outbound import Outbound

_MOST_REWRITTEN = 4_000
"""Uuids of rewritten segments in a report, at most: the newest."""


class Reporter:
    """Makes the reports of a machine.

    Args:
        journal: the journal.
        config: has the machine's name.
        ours: its segments.
        names: remembers headers.
        outbound: what was sent.
        mirrors: those of the others.
    """

    def __init__(
        self,
        journal: Directory,
        config: Config,
        ours: Ours,
        names: Names,
        outbound: Outbound,
        mirrors: Mirrors,
    ) -> None:
        self._lanes = journal.lanes
        self._machine = machine_of(journal)
        self._former = former_of(journal)
        self._name = config.name
        self._ours = ours
        self._names = names
        self._outbound = outbound
        self._mirrors = mirrors

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
        own = self._ours.list()
        return Have(
            machine=self._machine,
            former=list(self._former),
            name=self._name,
            version=__version__,
            clock=clock.wall(),
            cursor=cursor,
            hash=hash_of(segments),
            held=held,
            unsent=sum(max(0, s.size - self._outbound.sent(s).size) for s in own),
            rewritten=rewritten(self._lanes, self._names)[-_MOST_REWRITTEN:],
        )
