"""Timestamps and parents that put messages in order: pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal.format.timestamps import EARLIEST
from journal.format.transcript_order import place_after

if TYPE_CHECKING:
    from projector.store.flush.plan import Plan, Slot
    from projector.store.flush.transcript import Recorded, Transcript

_LATEST = 2**52 - 1
"""The latest timestamp that is given here, in microseconds."""

_Place = tuple[int, int]
"""Place and depth of a message, as in `projector.fold.order`."""


def arrange(plan: Plan, transcript: Transcript, now: int, order: int) -> dict[str, dict[str, Any]]:
    """Return the fields that put messages in the order of a plan, by message id.

    A message between two others gets the place of the one before it as its timestamp, and its id
    as parent. If the one behind it has the same place, it gets a new parent too. A message at the
    end gets a parent only if the one before it has a later date.

    Args:
        plan: the transcript to be.
        transcript: the transcript now.
        now: the wall clock's time, microseconds; no message gets a later timestamp here.
        order: no message that is appended now gets a lower order, by which it is read if it has
            no timestamp. It may get a higher one: time passes until it is appended.
    """
    return _Arrangement(plan, transcript, now, order).fields


class _Arrangement:
    """A walk through the new order.

    `_last` and `_front` are the place and the id of the message before; `_is_new` is whether its
    place is new. `_is_open` is whether that place may be a later one, since the message is read by
    its order or comes behind one that is. `_is_plain` is whether it is read by its order alone.
    """

    def __init__(self, plan: Plan, transcript: Transcript, now: int, order: int) -> None:
        self.fields: dict[str, dict[str, Any]] = {}
        self._transcript, self._now, self._order = transcript, now, order
        self._placed: dict[str, _Place] = {}
        before = plan.before
        self._last: _Place | None = None if before is None else before.place
        self._front = "" if before is None else before.id
        self._is_new = self._is_open = self._is_plain = False
        self._coming = {slot.id for slot in plan.slots if not slot.stays}
        # a flush that was killed may have left messages that name parents which are added now
        self._moved = {
            slot.id
            for slot in plan.slots
            if not slot.stays and (slot.known is not None or slot.id in transcript.missing)
        }
        self._bound = self._bound_to(self._moved)
        limits = self._limits(plan.slots)
        for slot, limit in zip(plan.slots, limits, strict=True):
            if slot.stays and slot.known is not None:
                self._keep(slot.known)
            else:
                self._put(slot, limit)

    def _bound_to(self, moved: set[str]) -> set[str]:
        """Return the messages whose ancestors are among those that move.

        They need new parents: with the old ones, links could form a cycle.
        """
        if not moved:
            return set()
        bound: dict[str, bool] = dict.fromkeys(moved, True)
        for id in self._transcript.messages:
            chain = []
            at: str | None = id
            while at is not None and at not in bound and at in self._transcript.messages:
                chain.append(at)
                bound[at] = False
                at = self._transcript.messages[at].parent
            is_bound = at is not None and bound.get(at, False)
            bound |= dict.fromkeys(chain, is_bound)
        return {id for id, is_bound in bound.items() if is_bound} - moved

    def _limits(self, slots: list[Slot]) -> list[_Place | None]:
        """Return for each slot the place of the next message that keeps its place."""
        limits: list[_Place | None] = []
        limit = None
        for slot in reversed(slots):
            limits.append(limit)
            if slot.stays and slot.known is not None and slot.id not in self._bound:
                limit = slot.known.place
        return limits[::-1]

    def _keep(self, known: Recorded) -> None:
        is_behind = not self._is_new or self._last is None or known.place > self._last
        if known.id in self._bound:
            # its own id as parent means no parent
            self._set_fields(known.id, parent=self._front or known.id)
            self._place_at(known.id, place_after(known.moment, self._last))
        elif is_behind:
            self._last, self._front, self._is_new = known.place, known.id, False
        else:
            self._set_fields(known.id, parent=self._front)
            self._place_at(known.id, place_after(known.moment, self._last))

    def _put(self, slot: Slot, limit: _Place | None) -> None:
        place = self._own_place(slot)
        is_undated = self._is_undated(slot)
        if place is not None and self._is_free(place, limit, is_undated=is_undated):
            self._place_at(slot.id, place)
            if is_undated:
                # messages of one append have increasing orders
                self._is_open, self._is_plain, self._order = True, True, self._order + 1
        elif self._last is None:
            moment = self._moment(slot) if limit is None else self._date(limit[0] - 1)
            self._set_fields(slot.id, timestamp=moment)
            if slot.known is not None or (slot.listed is not None and "parent" in slot.listed.data):
                self._set_fields(slot.id, parent=slot.id)
            self._place_at(slot.id, (moment, 0))
        elif limit is None:
            self._set_fields(slot.id, parent=self._front)
            self._place_at(slot.id, place_after(self._moment(slot), self._last))
            self._is_open |= is_undated
        else:
            moment = self._date(self._last[0])
            self._set_fields(slot.id, timestamp=moment, parent=self._front)
            self._place_at(slot.id, place_after(moment, self._last))

    def _is_free(self, place: _Place, limit: _Place | None, *, is_undated: bool) -> bool:
        """Return whether a message is read in its order without new fields.

        An undated one may get a later place than this one. So it needs a timestamp in front of
        messages that stay, and a dated one behind it needs it as parent.
        """
        if self._last is not None and place <= self._last:
            return False
        if is_undated:
            # all undated ones of a lane can get the date of an earlier message that is later
            return limit is None and (self._is_plain or not self._is_open)
        return not self._is_open and (limit is None or place < limit)

    def _own_place(self, slot: Slot) -> _Place | None:
        """Return a message's place without new fields; None if its ancestors move."""
        known = slot.known
        if known is not None:
            parent = known.parent
        else:
            given = slot.listed.data.get("parent") if slot.listed is not None else None
            parent = given if isinstance(given, str) and given != slot.id else None
        if parent is None:
            return self._moment(slot), 0
        if parent in self._placed:
            return place_after(self._moment(slot), self._placed[parent])
        if parent in self._coming or parent in self._moved or parent in self._bound:
            return None
        above = self._transcript.messages.get(parent)
        return place_after(self._moment(slot), None if above is None else above.place)

    def _is_undated(self, slot: Slot) -> bool:
        """Return whether a message is new and has no timestamp: it is read by its order."""
        return slot.known is None and self._given(slot) is None

    def _given(self, slot: Slot) -> int | None:
        given = slot.listed.data.get("timestamp") if slot.listed is not None else None
        return given if isinstance(given, int) else None

    def _moment(self, slot: Slot) -> int:
        if slot.known is not None:
            return slot.known.moment
        given = self._given(slot)
        return self._order if given is None else given

    def _date(self, place: int) -> int:
        """Return a timestamp that is not behind a place."""
        return min(max(min(place, self._now), EARLIEST), _LATEST)

    def _set_fields(self, id: str, **fields: object) -> None:
        self.fields.setdefault(id, {}).update(fields)

    def _place_at(self, id: str, place: _Place) -> None:
        self._placed[id] = self._last = place
        self._front, self._is_new, self._is_plain = id, True, False
