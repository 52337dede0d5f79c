"""Flushing: the transcript is compared with a list, and events make it contain the list."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from journal.errors import EventError
from journal.format.event import check_event
from journal.format.event_types import (
    MESSAGE_APPENDED,
    MESSAGE_ARCHIVED,
    MESSAGE_RESTORED,
    MESSAGE_REVISED,
)
from journal.format.new_event import check_iterable, new_event
from journal.format.record import refusal
from journal.process import clock
from projector.store.flush.arrange import arrange
from projector.store.flush.forgotten import Remaining, plan_without_forgotten
from projector.store.flush.listed import Listed, Mistake, read_list
from projector.store.flush.looking import Looking
from projector.store.flush.placeholder import placeholder
from projector.store.flush.redacting import redact_list, restore_given
from projector.store.flush.report import FlushReport, Refused
from projector.store.flush.words import digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from projector.store.flush.plan import Plan
    from projector.store.flush.transcript import Transcript

_IN_ONE_EVENT = 10_000
"""Ids that one event names."""
_SPELLED = 5
"""Mistakes that an error message lists."""

OMITTED = "omitted"
"""Reason of an archival: the message is no longer in the list that was flushed."""


class Flushing(Looking):
    """Whole conversations, flushed again and again.

    ::

        talk = [{"role": "user", "content": "Where is it?"}]
        store.flush("s1", talk)
        talk.append({"role": "assistant", "content": "In line three."})
        report = store.flush("s1", talk)
        print(report.kept, report.added)
    """

    def flush(self, session: str, messages: Sequence[Mapping[str, Any]]) -> FlushReport:
        """Make the transcript contain the whole conversation: each message once, in order.

        It can be called any number of times, from any process, after any failure. Messages of the
        list are matched with those of the transcript (`docs/flush.md` has all rules):

        - A message with an `id` is the message with this id. It is revised if the caller's list
          has other words for it than before.
        - A message without an id is matched by its words (role, content, tool calls) as a diff
          does: the longest common beginning, then the longest common subsequence.
        - The last message of this handle's previous flush may have grown, as one does that
          streams. It is revised.
        - If the list has every own message, those without a match are matched at any place: the
          list is in another order. Not those that may have left a window and been written again.
        - As many new messages between two matches as there are own messages that the list lacks,
          with the same roles, are edits of these. So is a changed system prompt in front.
        - Everything else is new. A message that was removed behind the same message comes back.

        A list cannot show whether a missing message was removed or has left a window. So a
        message is hidden only if it is behind the last match and this handle flushed it before,
        or read it before its first flush of the session. It is archived, is still found, and comes
        back when the list has it again. All other messages stay; see `replace_messages` and
        `remove_messages`.

        A message that no record can hold (over 16 MiB, NaN, a lone surrogate) is stored as far as
        possible and marked in `extra.refused`. A message that was forgotten is not written again.

        Args:
            session: its id.
            messages: the fields of each message, and perhaps `id`.

        Returns:
            The report on each message. As a sequence, the ids that were added to the transcript.

        Raises:
            EventError: something in the list is not a message, or an id occurs twice; the index
                is named. All other messages are stored.
            ReadError: a lane cannot be read.
            AppendError, SyncError, ClosedError: as `Journal.append_many`.
        """
        check_iterable("messages", messages)
        listed, mistakes = read_list(messages)
        account = self._open_account(session)
        try:
            listed, given = redact_list(listed, self.journal.redactor, account.transcript.forgotten)
            left = plan_without_forgotten(session, listed, account, given)
            now = clock.of(self.journal.path).reserve()
            events, report = _events(session, left, listed, account.transcript, now)
            restore_given(events, left.plan.ids, left.listed, given)
            try:
                self.add(events)
            except EventError:
                while found := _mistakes(session, left.plan, left.listed):
                    mistakes += found
                    wrong = {mistake.index for mistake in found}
                    listed = [message for message in listed if message.at not in wrong]
                    left = plan_without_forgotten(session, listed, account, given)
                events, report = _events(session, left, listed, account.transcript, now)
                restore_given(events, left.plan.ids, left.listed, given)
                refused = _replace_refused(
                    events, dict(zip(left.plan.ids, left.listed, strict=True))
                )
                self.add(events)
                report = replace(report, refused=tuple(refused))
            account.note(left.plan.ids, left.listed)
        finally:
            self._memory.put(session, account)
        if mistakes:
            raise EventError(_mistake_text(mistakes, len(listed)))
        return report


def _events(
    session: str,
    left: Remaining,
    listed: Sequence[Listed],
    transcript: Transcript,
    now: tuple[int, int],
) -> tuple[list[dict[str, Any]], FlushReport]:
    """Return the events of a plan, and the report of what they do; `now` is a time and an order.

    A process that is killed in the write leaves the first of them. Every beginning of this order
    is a valid state: archivals, restorations, revisions, new messages.
    """
    plan = left.plan
    places = arrange(plan, transcript, *now) if plan.slots else {}
    events = [
        *_listing(session, MESSAGE_ARCHIVED, plan.hidden, {"reason": OMITTED}),
        *_listing(session, MESSAGE_RESTORED, plan.restored, {}),
    ]
    moved = {id: fields for id, fields in places.items() if id in transcript.messages}
    for id in dict.fromkeys([*plan.fields, *moved]):
        data = {"message": id, **plan.fields.get(id, {}), **moved.get(id, {})}
        events.append(new_event(session, MESSAGE_REVISED, data))
    added, restored = set(plan.added), set(plan.restored)
    for id, message in zip(plan.ids, left.listed, strict=True):
        if id in added:
            data = _put(message.data, places.get(id, {}))
            events.append(new_event(session, MESSAGE_APPENDED, data, id=id))
    return events, FlushReport(
        ids=left.ids(listed),
        added=tuple(plan.added),
        restored=tuple(plan.restored),
        revised=tuple(id for id in plan.fields if id not in restored),
        kept=tuple(plan.kept),
        moved=tuple(moved),
        hidden=tuple(plan.hidden),
        forgotten=tuple(left.forgotten[at] for at in sorted(left.forgotten)),
    )


def _mistakes(session: str, plan: Plan, listed: Sequence[Listed]) -> list[Mistake]:
    """Return the mistakes in the messages that are to be written."""
    added = set(plan.added)
    found = []
    for id, message in zip(plan.ids, listed, strict=True):
        try:
            if id in added:
                check_event(session, id, MESSAGE_APPENDED, message.data)
            elif id in plan.fields:
                data = {"message": id, **plan.fields[id]}
                check_event(session, id, MESSAGE_REVISED, data)
        except EventError as error:
            found.append(Mistake(message.at, str(error)))
    return found


def _mistake_text(mistakes: list[Mistake], stored: int) -> str:
    """Return the error message that names the mistakes."""
    ordered = sorted(mistakes, key=lambda mistake: mistake.index)
    shown = "; ".join(str(mistake) for mistake in ordered[:_SPELLED])
    more = f"; and {len(ordered) - _SPELLED} more" if len(ordered) > _SPELLED else ""
    return f"{shown}{more} (the other {stored} messages of the list are stored)"


def _listing(
    session: str, type: str, ids: Sequence[str], more: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    for start in range(0, len(ids), _IN_ONE_EVENT):
        data = {"messages": list(ids[start : start + _IN_ONE_EVENT]), **more}
        yield new_event(session, type, data)


def _put(data: dict[str, Any], place: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data of a new message with the fields of its place.

    A timestamp or parent of the caller that these replace is kept in `extra`.
    """
    given = {name: data[name] for name in place if name in data and data[name] != place[name]}
    if not given:
        return data | dict(place)
    return data | dict(place) | {"extra": data.get("extra", {}) | given}


def _replace_refused(events: list[dict[str, Any]], listed: Mapping[str, Listed]) -> list[Refused]:
    """Replace messages that no record can hold by placeholders; return which these are."""
    refused = []
    for event in events:
        data = event["data"]
        id = event.get("id") or data.get("message")
        message = listed.get(id)
        reason = refusal(event["session"], id or "", event["type"], data)
        if message is not None and reason is not None:
            event["data"] = placeholder(data, digest(message.data), reason)
            refused.append(Refused(message.at, id, reason))
    return refused
