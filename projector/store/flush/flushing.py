"""The handle that flushes: what stands is looked at, and made what the list says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal import clock
from journal.directory import LANES
from journal.errors import EventError
from journal.event import check_event
from journal.reader import list_segments
from journal.record import refusal
from journal.vocabulary import (
    MESSAGE_APPENDED,
    MESSAGE_ARCHIVED,
    MESSAGE_RESTORED,
    MESSAGE_REVISED,
)
from projector.errors import ProjectionError
from projector.store.flush.arrange import arrange
from projector.store.flush.handed import Handed, Mistake, hand_over
from projector.store.flush.memory import Account, Memory
from projector.store.flush.placeholder import stand_in
from projector.store.flush.reconcile import Plan, reconcile
from projector.store.flush.report import FlushReport, Refused
from projector.store.flush.standing import Standing
from projector.store.flush.tails import Offsets, is_shorter, read_on, unread
from projector.store.own import Own
from projector.watermark import load_marks

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping, Sequence

    import apsw

    from journal.shared_lane import Fsync

_SCANNED = 8 * 1024 * 1024
"""Bytes that are looked through rather than waiting until they are applied."""
_NEAR = 512 * 1024
"""Bytes that are read on from what is remembered before the projection is asked."""
_IN_ONE_EVENT = 10_000
"""Ids that one event names."""
_TOLD = 5
"""Mistakes that an error spells out."""

OMITTED = "omitted"
"""Reason of an archival: the list that was flushed has the message no more."""


class Flushing(Own):
    """Conversations that are handed over whole."""

    def __init__(self, path: str | os.PathLike[str], fsync: Fsync, timeout: float) -> None:
        super().__init__(path, fsync, timeout)
        self._memory = Memory()

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
            plan, handed = _planned(session, handed, account, mistakes)
            report = self._write(session, plan, handed, account.standing)
            account.note(plan.ids, handed)
        finally:
            self._memory.put(session, account)
        if mistakes:
            raise EventError(_told(mistakes, len(handed)))
        return report

    def _write(
        self, session: str, plan: Plan, handed: Sequence[Handed], standing: Standing
    ) -> FlushReport:
        """Append what a plan says; say what it was.

        A process that dies in the write leaves the first of the events. So they come in an order
        in which each part is a step: what goes, what comes back, what makes room, what is new.
        """
        places = arrange(plan, standing, clock.wall()) if plan.slots else {}
        events = [
            *_listing(MESSAGE_ARCHIVED, session, plan.hidden, {"reason": OMITTED}),
            *_listing(MESSAGE_RESTORED, session, plan.restored, {}),
        ]
        there = standing.messages
        changed = {id: fields for id, fields in places.items() if id in there}
        for id in dict.fromkeys([*plan.fields, *changed]):
            data = {"message": id, **plan.fields.get(id, {}), **changed.get(id, {})}
            events.append({"type": MESSAGE_REVISED, "session": session, "data": data})
        added = set(plan.added)
        for id, message in zip(plan.ids, handed, strict=True):
            if id in added:
                data = _put(message.data, places.get(id, {}))
                event = {"type": MESSAGE_APPENDED, "session": session, "data": data, "id": id}
                events.append(event)
        refused = self._append(events, dict(zip(plan.ids, handed, strict=True)))
        came = {*plan.restored, *plan.added}
        return FlushReport(
            ids=tuple(plan.ids),
            added=tuple(plan.added),
            restored=tuple(plan.restored),
            revised=tuple(id for id in plan.fields if id not in came),
            kept=tuple(plan.kept),
            moved=tuple(changed),
            hidden=tuple(plan.hidden),
            refused=tuple(refused),
        )

    def _append(self, events: list[dict[str, Any]], handed: Mapping[str, Handed]) -> list[Refused]:
        """Append events; put something else in the place of messages that no record can hold."""
        try:
            self.add(events)
        except EventError:
            refused = list(_stand_in(events, handed))
            if not refused:
                raise
            self.add(events)
            return refused
        return []

    def _standing(self, session: str) -> Account:
        """Return the account of a session, taken out of the memory, with what stands now.

        It waits for nobody unless much is unapplied.

        Raises:
            ReadError: a lane cannot be read.
        """
        account = self._memory.take(session)
        try:
            if not account.is_read or not self._is_near(account.offsets):
                self._load(session, account)
            self._read_on(session, account)
        except BaseException:
            self._memory.put(session, account)
            raise
        return account

    def _is_near(self, offsets: Offsets) -> bool:
        """Say whether less is unread of the lanes than the projection has not applied."""
        refs = list_segments(self.journal.path / LANES)
        if is_shorter(offsets, refs):
            return False
        behind = unread(offsets, refs)
        return behind <= _NEAR or behind <= min(_SCANNED, self._unapplied())

    def _unapplied(self) -> int:
        """Return how many bytes of the lanes the projection has not applied."""
        refs = list_segments(self.journal.path / LANES)
        try:
            return self.projection.peek(lambda db: unread(_applied(db), refs))
        except ProjectionError:
            return unread({}, refs)

    def _load(self, session: str, account: Account) -> None:
        """Read what stands as far as it is applied."""
        try:
            if self._unapplied() > _SCANNED:
                self.projection.read(lambda _: None)
            loaded = self.projection.peek(lambda db: _loaded(db, session))
        except ProjectionError:  # a writer must not fail with the projection: the lanes know all
            loaded = _loaded(None, session)
        account.standing, account.offsets = loaded

    def _read_on(self, session: str, account: Account) -> None:
        """Take in what the lanes hold behind what was read."""
        account.is_read = False  # what is read half is not to be gone on with
        refs = list_segments(self.journal.path / LANES)
        for event in read_on(account.offsets, refs, session):
            account.standing.go_on(event)
        account.is_read = True


def _loaded(db: apsw.Connection | None, session: str) -> tuple[Standing, Offsets]:
    standing = Standing()
    if db is not None:
        standing.load(db, session)
    return standing, _applied(db)


def _applied(db: apsw.Connection | None) -> Offsets:
    """Return how far a projection has applied the lanes."""
    marks = {} if db is None else load_marks(db)
    return {at: mark.offset for at, mark in marks.items()}


def _planned(
    session: str,
    handed: list[Handed],
    account: Account,
    mistakes: list[Mistake],
) -> tuple[Plan, list[Handed]]:
    """Return a plan, and the messages that it is for: those that turn out to be none are left out.

    What stands already is not looked at: it was stored.
    """
    while True:
        plan = reconcile(handed, account.standing, account.held)
        found = list(_mistakes(session, plan, handed))
        if not found:
            return plan, handed
        mistakes += found
        wrong = {mistake.index for mistake in found}
        handed = [message for message in handed if message.index not in wrong]


def _mistakes(session: str, plan: Plan, handed: Sequence[Handed]) -> Iterator[Mistake]:
    added = set(plan.added)
    for id, message in zip(plan.ids, handed, strict=True):
        try:
            if id in added:
                check_event(MESSAGE_APPENDED, session, id, message.data)
            elif id in plan.fields:
                data = {"message": id, **plan.fields[id]}
                check_event(MESSAGE_REVISED, session, id, data)
        except EventError as error:
            yield Mistake(message.index, str(error))


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


def _stand_in(events: list[dict[str, Any]], handed: Mapping[str, Handed]) -> Iterator[Refused]:
    """Put into events what records can hold; yield the messages that they cannot."""
    for event in events:
        data = event["data"]
        id = event.get("id") or data.get("message")
        message = handed.get(id)
        reason = refusal(event["type"], event["session"], id or "", data)
        if message is not None and reason is not None:
            event["data"] = stand_in(data, message.words, reason)
            yield Refused(message.index, id, reason)
