"""What a store writes and reads of messages."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Unpack

from journal.format.event_types import (
    MESSAGE_APPENDED,
    MESSAGE_ARCHIVED,
    MESSAGE_REMOVED,
    MESSAGE_RESTORED,
    MESSAGE_REVISED,
    REMOVED,
    TRANSCRIPT_REPLACED,
)
from journal.format.fields.message import message_data
from journal.format.lossless import check_text
from journal.format.new_event import check_iterable, checked
from journal.process.ids import uuid7
from projector.errors import NotFound, QueryError
from projector.fold.messages import IN_ARCHIVE, IN_TRANSCRIPT
from projector.store.flush.flushing import Flushing
from projector.store.flush.listed import read_all
from projector.store.transcript import new_transcript
from projector.views import messages as message_view
from projector.views.freshness import Listing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from journal.format.fields.message import MessageFields, MoreMessageFields
    from projector.search.results import Results
    from projector.store.fields import SearchFilters
    from projector.views.messages import MessageView


class Messages(Flushing):
    """Messages: appended, changed, removed and restored, read and searched.

    ::

        first = store.append("s1", "user", "hello", id="m1", source="cli")
        store.append("s1", "assistant", "Hello. What can I do?", id="m2")
        store.revise_message("s1", first, content="Hello")
        store.archive_messages("s1", ["m2"], "too long")
        store.restore_messages("s1", ["m2"])
        store.remove_messages("s1", ["m2"])
        print([message.content for message in store.messages("s1", archived=True)])
        print(store.search("hello", limit=5))
        store.rewind("s1", first)
        store.replace_messages("s1", [{"role": "system", "content": "A summary."}, {"id": first}])

    The fields of a message are those of `Journal.append_message`. None means absent.
    """

    def append(
        self,
        session: str,
        role: str,
        content: str | list[Any] | None = None,
        *,
        id: str | None = None,
        **fields: Unpack[MoreMessageFields],
    ) -> str:
        """Append one message; return its id.

        Raises:
            EventError: a field is unknown or of the wrong kind; nothing was written.
            AppendError, SyncError, ClosedError: as `Journal.append`.
        """
        id = uuid7() if id is None else id
        data = message_data({"role": role, "content": content, **fields})
        self._add(session, MESSAGE_APPENDED, data, id)
        return id

    def replace_messages(
        self, session: str, messages: Sequence[Mapping[str, Any]], *, rest: str = REMOVED
    ) -> list[str]:
        """Make these messages the whole transcript, in one record.

        A message whose `id` is known is kept, and the given fields are set. A `parent` that comes
        later in the new transcript does not count any more; that of a new message is in `extra`.

        Args:
            session: its id.
            messages: the fields of each message, and perhaps its `id`, in order.
            rest: what happens to all others: `removed`, or `archived` (searches still find them).

        Returns:
            The ids of the messages of the new transcript.

        Raises:
            EventError: a message cannot be stored; its index is named; nothing was written.
            AppendError, SyncError, ClosedError: as `Journal.append`.
        """
        check_iterable("messages", messages)
        id = uuid7()
        listed = read_all(messages)
        account = self._open_account(session)
        try:
            items = new_transcript(id, listed, account.transcript.placed())
            data: dict[str, Any] = {"messages": items, "seen": self._seen([session])[session]}
            if rest != REMOVED:
                data["rest"] = rest
            self._add(session, TRANSCRIPT_REPLACED, data, id)
            ids = [item.get("id") or item["message"] for item in items]
            account.note(ids, listed)
        finally:
            self._memory.put(session, account)
        return ids

    def revise_message(self, session: str, id: str, **fields: Unpack[MessageFields]) -> None:
        """Change fields of a message; the last writer of each wins.

        Raises:
            EventError, AppendError, SyncError, ClosedError: as `append`.
        """
        self._add(session, MESSAGE_REVISED, {"message": id, **message_data({**fields})})

    def remove_messages(self, session: str, ids: Iterable[str], reason: str | None = None) -> None:
        """Remove messages from the transcript and from searches.

        Raises:
            EventError, AppendError, SyncError, ClosedError: as `append`.
        """
        self._list(session, MESSAGE_REMOVED, ids, reason)

    def archive_messages(self, session: str, ids: Iterable[str], reason: str | None = None) -> None:
        """Remove messages from the transcript; searches still find them.

        Raises:
            EventError, AppendError, SyncError, ClosedError: as `append`.
        """
        self._list(session, MESSAGE_ARCHIVED, ids, reason)

    def restore_messages(self, session: str, ids: Iterable[str], reason: str | None = None) -> None:
        """Return removed or archived messages to the transcript.

        Raises:
            EventError, AppendError, SyncError, ClosedError: as `append`.
        """
        self._list(session, MESSAGE_RESTORED, ids, reason)

    def _list(self, session: str, type: str, ids: Iterable[str], reason: str | None) -> None:
        check_iterable("ids", ids)
        data: dict[str, Any] = {"messages": list(ids)}
        if reason is not None:
            data["reason"] = reason
        checked(session, None, type, data)
        self._check_open()
        if data["messages"]:
            self._add(session, type, data)

    def rewind(self, session: str, id: str, reason: str | None = None) -> list[str]:
        """Remove a message and all after it from the transcript; return their ids.

        Raises:
            QueryError: `session` or `id` is no text.
            NotFound: the transcript has no such message.
            AppendError, SyncError, ClosedError: as `append`.
            NotProjected, ProjectionError: as `read`.
        """
        check_text("id", id, QueryError)
        ids = [message.id for message in self._messages(session, IN_TRANSCRIPT)]
        if id not in ids:
            raise NotFound(f"the transcript of session {session!r} has no message {id!r}")
        gone = ids[ids.index(id) :]
        self.remove_messages(session, gone, reason)
        return gone

    def messages(self, session: str, *, archived: bool = False) -> Listing[MessageView]:
        """Return the messages of a session in order; with `archived`, also the archived ones.

        The attribute `behind` of the list is what it lacks.

        Raises:
            QueryError: `session` is no text.
            NotFound: there is no such session.
            NotProjected, ProjectionError: as `read`.
        """
        found = self._messages(session, IN_ARCHIVE if archived else IN_TRANSCRIPT)
        self._memory.note_read(session, (message.id for message in found))
        return found

    def _messages(self, session: str, state: int) -> Listing[MessageView]:
        check_text("session", session, QueryError)
        query = partial(message_view.messages, name=session, state=state)
        found, fresh = self.read(query, sessions=[session])
        return Listing(found, fresh.behind)

    def search(self, query: str, **filters: Unpack[SearchFilters]) -> Results:
        """Search messages; filters as for `Projection.search`.

        Raises:
            QueryError, EventError, ValueError: as `Projection.search`.
            NotProjected, ProjectionError: as `read`.
        """
        return self.projection.after(self.position, self._timeout).search(query, **filters)
