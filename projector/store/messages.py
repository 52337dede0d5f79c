"""What a store writes and reads of messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from journal.ids import uuid7
from journal.lossless import check_text
from journal.vocabulary import (
    MESSAGE_APPENDED,
    MESSAGE_ARCHIVED,
    MESSAGE_REMOVED,
    MESSAGE_RESTORED,
    MESSAGE_REVISED,
    REMOVED,
    TRANSCRIPT_REPLACED,
)
from projector import message_view
from projector.effects import IN_ARCHIVE, IN_TRANSCRIPT
from projector.errors import NotFound, ProjectionError
from projector.freshness import Listing
from projector.store.own import Own
from projector.store.tails import tail
from projector.store.transcript import Standing, hand_over, new_transcript, standing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import apsw

    from projector.message_view import MessageView
    from projector.projection import Results
    from projector.store.fields import MessageFields, MoreOfMessage, SearchFilters

_SCANNED = 8 * 1024 * 1024
"""Bytes that are looked through rather than waiting until they are applied."""


class Messages(Own):
    """Messages: appended, flushed, changed, taken out and put back, read and searched.

    The fields of a message are those of `Journal.append_message`. None means that nothing is said.
    """

    def append(
        self,
        session: str,
        role: str,
        content: str | list[Any] | None = None,
        *,
        id: str | None = None,
        **fields: Unpack[MoreOfMessage],
    ) -> str:
        """Append one message; return its id.

        Raises:
            EventError: a field is unknown or of the wrong kind; nothing was written.
            AppendError, SyncError, ClosedError: as `Journal.append`.
        """
        id = uuid7() if id is None else id
        [message] = hand_over([{"id": id, "role": role, "content": content, **fields}], "")
        self._add(MESSAGE_APPENDED, session, message.data, id)
        return id

    def flush(self, session: str, messages: Sequence[Mapping[str, Any]]) -> list[str]:
        """Hand over the whole conversation so far; exactly what is new is added, in order.

        It may be done any number of times, from any process, after any failure: a message is
        known by its `id`, or else by its place and what it says (role, content, tool calls).
        What is known stays as it is (see `revise_message`, `replace`), unless the transcript was
        swept (`clear`, `delete`, `replace`) since it was said: then it is put back.

        Args:
            session: its id.
            messages: of each message its fields, and perhaps `id`.

        Returns:
            The ids of the messages that were added.

        Raises:
            EventError: a message cannot be stored; its index is named; nothing was written.
            AppendError, SyncError, ClosedError: as `Journal.append_many`.
        """
        known = self._standing(session)
        added: dict[str, dict[str, Any]] = {}
        again: list[str] = []
        for message in hand_over(messages, known.epoch):
            there = known.messages.get(message.id)
            if there is None:
                added[message.id] = message.data
            elif there.is_swept:
                again.append(message.id)
        events = [_event(MESSAGE_APPENDED, session, data, id) for id, data in added.items()]
        if again:
            events.append(_event(MESSAGE_RESTORED, session, {"messages": again}))
        self.add(events)
        return [*added, *again]

    def replace(
        self, session: str, messages: Sequence[Mapping[str, Any]], *, rest: str = REMOVED
    ) -> list[str]:
        """Make these messages the whole transcript, at once: it is one record.

        A message whose `id` is known is kept, with the fields that are given in force.

        Args:
            session: its id.
            messages: of each message its fields, and perhaps `id`, in order.
            rest: what becomes of the others: `removed`, or `archived` (they are still found).

        Returns:
            The ids of the messages of the new transcript.

        Raises:
            EventError: a message cannot be stored; its index is named; nothing was written.
            AppendError, SyncError, ClosedError: as `Journal.append`.
        """
        id = uuid7()
        known = self._standing(session)
        listed = new_transcript(hand_over(messages, id), known)
        data: dict[str, Any] = {"messages": listed}
        if rest != REMOVED:
            data["rest"] = rest
        self._add(TRANSCRIPT_REPLACED, session, data, id)
        return [item.get("id") or item["message"] for item in listed]

    def revise_message(self, session: str, id: str, **fields: Unpack[MessageFields]) -> None:
        """Change fields of a message; the last writer of each wins.

        Raises:
            EventError, AppendError, SyncError, ClosedError: as `append`.
        """
        [message] = hand_over([fields], "")
        self._add(MESSAGE_REVISED, session, {"message": id, **message.data})

    def remove(self, session: str, ids: Iterable[str], reason: str | None = None) -> None:
        """Take messages out of the transcript, and out of searches.

        Raises:
            EventError, AppendError, SyncError, ClosedError: as `append`.
        """
        self._list(MESSAGE_REMOVED, session, ids, reason)

    def archive(self, session: str, ids: Iterable[str], reason: str | None = None) -> None:
        """Take messages out of the transcript; they are still found.

        Raises:
            EventError, AppendError, SyncError, ClosedError: as `append`.
        """
        self._list(MESSAGE_ARCHIVED, session, ids, reason)

    def restore(self, session: str, ids: Iterable[str], reason: str | None = None) -> None:
        """Put messages back into the transcript that were removed or archived.

        Raises:
            EventError, AppendError, SyncError, ClosedError: as `append`.
        """
        self._list(MESSAGE_RESTORED, session, ids, reason)

    def _list(self, type: str, session: str, ids: Iterable[str], reason: str | None) -> None:
        data: dict[str, Any] = {"messages": list(ids)}
        if reason is not None:
            data["reason"] = reason
        if data["messages"]:
            self._add(type, session, data)

    def rewind(self, session: str, id: str, reason: str | None = None) -> list[str]:
        """Remove a message and all behind it from the transcript; return their ids.

        Raises:
            NotFound: the transcript has no such message.
            AppendError, SyncError, ClosedError: as `append`.
            NotProjected, ProjectionError: as `read`.
        """
        ids = [message.id for message in self.messages(session)]
        if id not in ids:
            raise NotFound(f"the transcript of session {session!r} has no message {id!r}")
        gone = ids[ids.index(id) :]
        self.remove(session, gone, reason)
        return gone

    def messages(self, session: str, *, archived: bool = False) -> Listing[MessageView]:
        """Return the messages of a session in order, perhaps with those that are archived.

        The list says how old it is.

        Raises:
            NotFound: there is no such session.
            NotProjected, ProjectionError: as `read`.
        """
        state = IN_ARCHIVE if archived else IN_TRANSCRIPT
        found, fresh = self.read(lambda db: message_view.messages(db, session, state=state))
        return Listing(found, fresh.behind)

    def search(self, query: str, **filters: Unpack[SearchFilters]) -> Results:
        """Search messages; filters as for `Projection.search`.

        Raises:
            QueryError, EventError, ValueError: as `Projection.search`.
            NotProjected, ProjectionError: as `read`.
        """
        return self.projection.after(self.position, self._timeout).search(query, **filters)

    def _standing(self, session: str) -> Standing:
        """Return what stands of a transcript, and wait for nobody unless much is unapplied."""
        check_text("session", session)
        try:
            found = self.projection.peek(lambda db: self._look(db, session, _SCANNED))
            if found is None:
                self.projection.read(lambda _: None)
                found = self.projection.peek(lambda db: self._look(db, session, None))
        except ProjectionError:  # a writer must not fail with the projection: the lanes know all
            found = self._look(None, session, None)
        return found or Standing.none()

    def _look(self, db: apsw.Connection | None, session: str, most: int | None) -> Standing | None:
        behind, events = tail(db, self.journal.path)
        if most is not None and behind > most:
            return None
        found = Standing.none() if db is None else standing(db, session)
        for event in events:
            if event.session == session:
                found.go_on(event)
        return found


def _event(type: str, session: str, data: dict[str, Any], id: str | None = None) -> dict[str, Any]:
    event = {"type": type, "session": session, "data": data}
    return event if id is None else event | {"id": id}
