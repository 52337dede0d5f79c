"""What a machine does for the others: it gives them bytes, and a keeper sends what was lost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from journal.process import clock
from projector.relay.errors import Refused
from projector.relay.files.own import chunks, prefix_crc

if TYPE_CHECKING:
    from projector.relay.chunk import Chunk, Place
    from projector.relay.config import Config
    from projector.relay.files.held import Held
    from projector.relay.files.mirror import Mirrors
    from projector.relay.files.ours import Ours
    from projector.relay.loop.reporter import Reporter
    from projector.relay.server.jetstream import JetStream
    from projector.relay.state import State


class Help:
    """Serves what this machine has.

    Args:
        machine: the uuid of this machine.
        config: says whether it is a keeper.
        state: remembers when the carrier was reset.
        ours: its own segments.
        mirrors: those of the others.
        carrier: where a keeper sends.
        reporter: leaves the reports of absent machines.
    """

    def __init__(
        self,
        machine: str,
        config: Config,
        state: State,
        ours: Ours,
        mirrors: Mirrors,
        carrier: JetStream,
        reporter: Reporter,
    ) -> None:
        self._machine = machine
        self._config = config
        self._state = state
        self._ours = ours
        self._mirrors = mirrors
        self._carrier = carrier
        self._reporter = reporter

    def serve(self, place: Place, offset: int) -> Chunk | None:
        """Return bytes that another machine asks for; None if they are not here.

        A segment that another one replaces is not served: what was erased does not come back.

        Raises:
            OSError: a file cannot be read.
        """
        if place.machine != self._machine:
            return self._mirrors.read(place, offset)
        segment = self._ours.find(place)
        if segment is None or self._ours.is_superseded(place.segment):
            return None
        before = prefix_crc(segment.path, offset)
        return None if before is None else next(chunks(segment, place, offset, before), None)

    async def keep(self) -> None:
        """Send what the mirrors have and the carrier has lost, if this machine is a keeper.

        Raises:
            CarrierError: there is no answer.
            OSError: a mirror cannot be read.
        """
        reset = int(self._state.get("reset", "0"))
        if not self._config.keep or self._state.get("kept") == str(reset):
            return
        if clock.wall() - reset < self._config.keep_after * 1_000_000:
            return
        places = {(h.place.folder, h.place.number): h for h in self._mirrors.held()}
        for held in (places[key] for key in sorted(places)):
            await self._keep(held)
        await self._reporter.leave_others(self._carrier)
        self._state.put(kept=reset)

    async def _keep(self, held: Held) -> None:
        last = await self._carrier.last(held.place)
        while not last.is_whole and (chunk := self._mirrors.read(held.place, last.end)):
            if chunk.before != last.crc:
                return  # the carrier has other bytes: a fork, which its origin finds out
            try:
                fence = await self._carrier.send(chunk, last.fence)
            except Refused:
                return  # its origin is back
            last = replace(
                last, fence=fence, end=chunk.end, crc=chunk.after, is_whole=chunk.whole is not None
            )
