"""What was kept out of the mirrors, and what is damaged here: shown until it is settled.

A chunk that was kept out is passed once: a relay that starts again does not meet it, so it must be
remembered. It is settled when what stands here is what the machine that wrote it has, too.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from journal.process import clock
from projector.relay.fleet.have import parse_have

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from projector.relay.chunk import Place
    from projector.relay.files.mirror import Mirrors
    from projector.relay.files.ours import Ours
    from projector.relay.fleet.have import Have
    from projector.relay.inbound import Inbound
    from projector.relay.state import State

_log = logging.getLogger("projector.relay")


class Notices:
    """The problems of `Inbound`, kept from run to run.

    Args:
        machine: the uuid of this machine.
        former: the uuids that it had before.
        state: remembers them.
        inbound: finds them, and has those that are remembered from now on.
        ours: the segments of this machine.
        mirrors: those of the others.
    """

    def __init__(
        self,
        machine: str,
        former: Sequence[str],
        state: State,
        inbound: Inbound,
        ours: Ours,
        mirrors: Mirrors,
    ) -> None:
        self._machine = machine
        self._former = former
        self._state = state
        self._found = inbound.problems
        self._ours = ours
        self._mirrors = mirrors
        self._kept = state.kept_out()
        for place, (what, _) in self._kept.items():
            self._found[place] = what

    def settle(self, own: Callable[[], str]) -> bool:
        """Forget what is not so any more; return whether there was something.

        Args:
            own: returns the hash over all that is here.

        Raises:
            RelayError, JournalError, OSError: a report or a segment cannot be read.
        """
        if not self._found:
            return False
        mine, count = own(), len(self._found)
        reports = [(seen, parse_have(text.encode())) for seen, text in self._state.peers().values()]
        same = [(seen, have) for seen, have in reports if have.hash == mine]
        for place in tuple(self._found):
            _, since = self._kept.get(place, ("", clock.wall()))
            if self._is_settled(place, since, same):
                del self._found[place]
        return len(self._found) < count

    def save(self) -> None:
        """Remember those that are new, before the cursor passes them, and forget the others."""
        for place in tuple(self._kept):
            if place not in self._found:
                del self._kept[place]
                self._state.drop_kept_out(place)
        for place, what in self._found.items():
            if self._kept.get(place, ("", 0))[0] != what:
                _log.warning("%s", what)
                self._kept[place] = what, clock.wall()
                self._state.note_kept_out(place, *self._kept[place])

    def _is_settled(self, place: Place, since: int, same: list[tuple[int, Have]]) -> bool:
        if place.machine == self._machine:
            return not self._ours.damage(place)
        if self._mirrors.is_superseded(place.segment):
            return True
        was_ours = place.machine in self._former
        return any(
            seen > since and (was_ours or place.machine in {have.machine, *have.former})
            for seen, have in same
        )
