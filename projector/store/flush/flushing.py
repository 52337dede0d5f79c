"""The handle that flushes: what stands is looked at, and made what the list says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from journal import clock
from journal.errors import EventError
from journal.event import check_event
from journal.record import refusal
from journal.vocabulary import (
    MESSAGE_APPENDED,
    MESSAGE_ARCHIVED,
    MESSAGE_RESTORED,
    MESSAGE_REVISED,
)
from projector.store.flush.arrange import arrange
from projector.store.flush.handed import Handed, Mistake, hand_over
from projector.store.flush.looking import Looking
from projector.store.flush.placeholder import stand_in
from projector.store.flush.reconcile import reconcile
from projector.store.flush.report import FlushReport, Refused
from projector.store.flush.words import digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from projector.store.flush.plan import Plan
    from projector.store.flush.standing import Standing

_IN_ONE_EVENT = 10_000
"""Ids that one event names."""
_TOLD = 5
"""Mistakes that an error spells out."""

OMITTED = "omitted"
"""Reason of an archival: the list that was flushed has the message no more."""


class Flushing(Looking):
    """Conversations that are handed over whole."""

    def flush(self, session: str, messages: Sequence[Mapping[str, Any]]) -> FlushReport:
        """Hand over the whole conversation so far: the transcript has each message once, in order.

        It may be done any number of times, from any process, after any failure. Afterwards the
        transcript has every message of the list, in the order of the list; what else it has stays
        between them. Messages are paired with those that stand there:

        - One with an `id` is the one that has this id, in the transcript or not. If the caller's
          list says something else than before, it is revised.
        - One without is paired by what it says (role, content, tool calls) as a diff would pair
          it: the common beginning first, then the longest common subsequence.
        - The last message of this handle's last flush may go on, as one does that streams: the
          message in its place that begins with all it said is the same, revised.
        - Between two common messages as many others, of the same roles, in the place of as many
          that the handle flushed before are edits of these; so is another system prompt in front.
        - What is left of the list is new. One that stood behind the same message and was taken
          out comes back.

        Nobody can tell by a list alone whether what it lacks was taken back or has left a window.
        So only what stands behind the last common message is taken out of the transcript, and
        only if this handle flushed it before, or read it before it flushed anything. It is
        archived, still to be found, and comes back when it is said again. What is missing in
        front or in between, what others wrote, and all that a new handle does not know of stay;
        see `replace`, `remove`.

        A message that no record can hold (over 16 MiB; NaN, a lone surrogate) is kept as far as
        one can; `extra.refused` says why it is not whole.

        Args:
            session: its id.
            messages: of each message its fields, and perhaps `id`.

        Returns:
            What became of each message. As a sequence, the ids of those that came in.

        Raises:
            EventError: something in the list is no message, or an id stands twice; its index is
                named. The others are stored.
            ReadError: a lane cannot be read.
            AppendError, SyncError, ClosedError: as `Journal.append_many`.
        """
        handed, mistakes = hand_over(messages)
        account = self._standing(session)
        try:
            plan = reconcile(handed, account.standing, account.held)
            events, report = _events(session, plan, handed, account.standing)
            try:
                self.add(events)
            except EventError:
                while found := _mistakes(session, plan, handed):
                    mistakes += found
                    wrong = {mistake.index for mistake in found}
                    handed = [message for message in handed if message.at not in wrong]
                    plan = reconcile(handed, account.standing, account.held)
                events, report = _events(session, plan, handed, account.standing)
                refused = _stand_in(events, dict(zip(plan.ids, handed, strict=True)))
                self.add(events)
                report = replace(report, refused=tuple(refused))
            account.note(plan.ids, handed)
        finally:
            self._memory.put(session, account)
        if mistakes:
            raise EventError(_told(mistakes, len(handed)))
        return report


def _events(
    session: str, plan: Plan, handed: Sequence[Handed], standing: Standing
) -> tuple[list[dict[str, Any]], FlushReport]:
    """Return the events that do what a plan says, and what they do.

    A process that dies in the write leaves the first of them. So they come in an order in which
    each part is a step: what goes, what comes back, what makes room, what is new.
    """
    places = arrange(plan, standing, clock.wall()) if plan.slots else {}
    events = [
        *_listing(MESSAGE_ARCHIVED, session, plan.hidden, {"reason": OMITTED}),
        *_listing(MESSAGE_RESTORED, session, plan.restored, {}),
    ]
    moved = {id: fields for id, fields in places.items() if id in standing.messages}
    for id in dict.fromkeys([*plan.fields, *moved]):
        data = {"message": id, **plan.fields.get(id, {}), **moved.get(id, {})}
        events.append({"type": MESSAGE_REVISED, "session": session, "data": data})
    added, restored = set(plan.added), set(plan.restored)
    for id, message in zip(plan.ids, handed, strict=True):
        if id in added:
            data = _put(message.data, places.get(id, {}))
            events.append({"type": MESSAGE_APPENDED, "session": session, "data": data, "id": id})
    return events, FlushReport(
        ids=tuple(plan.ids),
        added=tuple(plan.added),
        restored=tuple(plan.restored),
        revised=tuple(id for id in plan.fields if id not in restored),
        kept=tuple(plan.kept),
        moved=tuple(moved),
        hidden=tuple(plan.hidden),
    )


def _mistakes(session: str, plan: Plan, handed: Sequence[Handed]) -> list[Mistake]:
    """Return what is no message, of what is to be written."""
    added = set(plan.added)
    found = []
    for id, message in zip(plan.ids, handed, strict=True):
        try:
            if id in added:
                check_event(MESSAGE_APPENDED, session, id, message.data)
            elif id in plan.fields:
                data = {"message": id, **plan.fields[id]}
                check_event(MESSAGE_REVISED, session, id, data)
        except EventError as error:
            found.append(Mistake(message.at, str(error)))
    return found


def _told(mistakes: list[Mistake], stored: int) -> str:
    """Return the text of an error that names what is no message."""
    ordered = sorted(mistakes, key=lambda mistake: mistake.index)
    shown = "; ".join(str(mistake) for mistake in ordered[:_TOLD])
    more = f"; and {len(ordered) - _TOLD} more" if len(ordered) > _TOLD else ""
    return f"{shown}{more} (the other {stored} messages of the list are stored)"


def _listing(
    type: str, session: str, ids: Sequence[str], more: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    for start in range(0, len(ids), _IN_ONE_EVENT):
        data = {"messages": list(ids[start : start + _IN_ONE_EVENT]), **more}
        yield {"type": type, "session": session, "data": data}


def _put(data: dict[str, Any], place: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data of a message that stands at a place.

    What the caller said of its moment and its parent is kept in `extra`, where the place needs
    others.
    """
    given = {name: data[name] for name in place if name in data and data[name] != place[name]}
    if not given:
        return data | dict(place)
    return data | dict(place) | {"extra": data.get("extra", {}) | given}


def _stand_in(events: list[dict[str, Any]], handed: Mapping[str, Handed]) -> list[Refused]:
    """Put into events what records can hold; return the messages that they cannot."""
    refused = []
    for event in events:
        data = event["data"]
        id = event.get("id") or data.get("message")
        message = handed.get(id)
        reason = refusal(event["type"], event["session"], id or "", data)
        if message is not None and reason is not None:
            event["data"] = stand_in(data, digest(message.data), reason)
            refused.append(Refused(message.at, id, reason))
    return refused
