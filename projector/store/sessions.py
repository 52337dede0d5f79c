"""What a store writes and reads of sessions themselves."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Unpack

from journal.erasure.requests import Forgotten
from journal.errors import EventError
from journal.format.event_types import (
    GONE,
    SESSION_CLEARED,
    SESSION_CREATED,
    SESSION_DELETED,
    SESSION_ENDED,
    SESSION_ENSURED,
    SESSION_REOPENED,
    SESSION_REVISED,
    SESSION_TITLED,
)
from journal.format.lossless import check_text, culprit
from journal.format.new_event import check_iterable, new_event
from journal.format.timestamps import moment
from journal.fs.directory import LANES
from journal.process.ids import uuid7
from journal.segments.gone import repeat_if_gone
from journal.segments.listing import list_segments
from projector.arguments import check_filters
from projector.errors import NotFound, QueryError, TitleTaken
from projector.fold.sessions import canonical
from projector.run.hiding import hidden_by
from projector.store.fields import present
from projector.store.handle import Handle
from projector.store.keys import check_storable
from projector.store.seen import seen_in
from projector.store.tails import applied, read_on
from projector.views import sessions as session_view
from projector.views.session_names import EXISTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    import apsw

    from projector.search.facets import FacetRow
    from projector.store.fields import FacetFilters, ListFilters, SessionFields
    from projector.views.freshness import Listing
    from projector.views.sessions import SessionView


class Sessions(Handle):
    """Sessions: created, changed, ended, deleted and listed.

    ::

        session = store.create(title="A bug in the parser", source="cli")
        store.ensure(session, model="m-1")
        store.revise(session, cwd="/src", clear=["model"])
        store.set_title(session, "Parser")
        store.claim_title(session, "The parser")  # TitleTaken if another session has it
        store.end(session, "done")
        store.reopen(session)
        print(store.session(session), store.exists(session), store.sessions(source="cli"))
        store.clear(session)
        store.delete(session)
        store.prune("2026-01-31T12:00:00Z", source="cli")

    The fields of a session are `title`, `source`, `model`, `cwd`, `parent` (the session that it
    continues or belongs to), `relation` (what it is of its parent: `fork`, `subagent` or
    `continuation`), `branch` and `commit` (of git), `user`, `system_prompt`, `config` (of the
    model), `started` (an aware datetime, an ISO 8601 string or microseconds since 1970), `gone`
    (likewise: when its source was found to have vanished) and `extra` (a dict for anything else).
    None means absent.
    """

    def create(self, session: str | None = None, **fields: Unpack[SessionFields]) -> str:
        """Create a session, or set more fields of one; return its id.

        Of several values of a field the last is in force. Messages may be appended before this,
        after it or without it. The same call again has no effect.

        Raises:
            EventError: a field is unknown or of the wrong kind; nothing was written.
            AppendError, SyncError, ClosedError: as `Journal.append`.
        """
        session = uuid7() if session is None else session
        self._append_once(session, SESSION_CREATED, _present(fields))
        return session

    def ensure(self, session: str, **fields: Unpack[SessionFields]) -> None:
        """Create a session unless it exists; set fields only where no other event sets them.

        Raises:
            EventError, AppendError, SyncError, ClosedError: as `create`.
        """
        self._append_once(session, SESSION_ENSURED, _present(fields))

    def revise(
        self, session: str, *, clear: Iterable[str] = (), **fields: Unpack[SessionFields]
    ) -> None:
        """Change fields of a session; the last writer of each wins.

        Args:
            session: its id.
            clear: names of fields to remove, such as `cwd` or `extra.<key>`.
            fields: new values.

        Raises:
            EventError, AppendError, SyncError, ClosedError: as `create`.
        """
        check_iterable("clear", clear)
        data = _present(fields)
        if gone := list(clear):
            for index, name in enumerate(gone):
                check_text(f"clear[{index}]", name)
            data["clear"] = gone
        self._add(session, SESSION_REVISED, data)

    def set_title(self, session: str, title: str) -> None:
        """Set the title of a session, even if another one has it; the last writer wins.

        Raises:
            EventError, AppendError, SyncError, ClosedError: as `create`.
        """
        self._add(session, SESSION_TITLED, {"title": title})

    def claim_title(self, session: str, title: str) -> None:
        """Set a title that no other session has.

        Raises:
            TitleTaken: another session has it; nothing was written.
            EventError: the title or the id of the session is invalid; nothing was written.
            ArbiterBusy, NotProjected: as `decide`.
        """
        event = new_event(session, SESSION_TITLED, {"title": title})
        check_storable(event)

        def question(db: apsw.Connection) -> tuple[str | None, list[dict[str, Any]]]:
            holder = titled(db, title, session)
            return holder, [event] if holder is None else []

        holder = self.decide(question)
        if holder is not None:
            raise TitleTaken(f"session {holder!r} has the title {title!r}", holder)

    def end(
        self,
        session: str,
        reason: str | None = None,
        *,
        ended: datetime | str | int | None = None,
    ) -> None:
        """End a session; a second end has no effect until the session is reopened.

        Raises:
            EventError, AppendError, SyncError, ClosedError: as `create`.
        """
        at = None if ended is None else moment("ended", ended)
        data = {"reason": reason, "ended": at}
        self._add(session, SESSION_ENDED, present(data))

    def reopen(self, session: str) -> None:
        """Revert the end of a session.

        Raises:
            AppendError, SyncError, ClosedError: as `create`.
        """
        self._add(session, SESSION_REOPENED, {})

    def clear(self, session: str) -> None:
        """Remove all messages of a session from its transcript and from searches.

        It removes what is in the journal at the call; what others append meanwhile stays.

        Raises:
            EventError, AppendError, SyncError, ClosedError: as `create`.
            ReadError: a lane cannot be read.
        """
        self._add(session, SESSION_CLEARED, {"seen": self._seen([session])[session]})

    def delete(self, *sessions: str) -> None:
        """Delete sessions with all that belongs to them; a new event creates them again.

        It deletes what is in the journal at the call; what others append meanwhile stays. The
        events stay in the journal; no query shows them any more. An event that is appended again
        with the same id stays deleted: what shall come back needs another id.

        Raises:
            EventError: an id is not valid; nothing was written.
            ReadError: a lane cannot be read.
            AppendError, SyncError, ClosedError: as `create`.
        """
        self._delete(self._seen(sessions))

    def _delete(self, seen: Mapping[str, Mapping[str, int]]) -> None:
        self.add(
            new_event(name, SESSION_DELETED, {"seen": dict(there)}) for name, there in seen.items()
        )

    def prune(self, before: datetime | str | int, *, source: str | None = None) -> list[str]:
        """Delete sessions that have ended and began before a moment; return their ids.

        Args:
            before: an aware datetime, an ISO 8601 string or microseconds since 1970.
            source: only sessions from this source.

        Raises:
            EventError: `before` is no moment.
            QueryError: `source` is no text.
            AppendError, SyncError, ClosedError: as `create`.
            NotProjected, ProjectionError: as `read`.
        """
        moved = moment("before", before)
        check_filters({"source": source})

        def query(db: apsw.Connection) -> dict[str, dict[str, int]]:
            # an event that is appended from here on is not covered: it creates the session again
            names = session_view.ended(db, moved, source)
            return {name: seen_in(db, name) for name in names}

        seen, _ = self.read(query)
        self._delete(seen)
        return list(seen)

    def session(self, name: str) -> SessionView:
        """Return the session with this id, or the only one whose id begins so, or ends so.

        Raises:
            QueryError: `name` is no text.
            NotFound: there is none, or there are several.
            NotProjected, ProjectionError: as `read`.
        """
        check_text("name", name, QueryError)
        return self.read(lambda db: session_view.session(db, name))[0]

    def exists(self, name: str) -> bool:
        """Return whether there is a session with exactly this id.

        If a projector is behind, events that are not applied are searched, too: a session with an
        event in the journal exists.

        Raises:
            NotProjected, ProjectionError: as `read`.
        """
        try:
            return self.session(name).session == name
        except NotFound as error:
            return error.behind is not None and self.projection.peek(
                lambda db: self._is_appended(db, name)
            )

    def _is_appended(self, db: apsw.Connection | None, name: str) -> bool:
        """Return whether a session has an event that is not applied and not forgotten."""
        hidden = Forgotten(()) if db is None else hidden_by(db, self.journal.path)
        lanes = self.journal.path / LANES
        found = repeat_if_gone(lambda: read_on(applied(db), list_segments(lanes), {name}))
        return any(hidden.apply(at.record.event, at.lane, at.record.seq)[0] for at in found)

    def sessions(self, /, **filters: Unpack[ListFilters]) -> Listing[SessionView]:
        """Return sessions, the one with the latest message first; `behind` is what the list lacks.

        The arguments are those of `Projection.sessions`: `limit`, `offset`, `sort`, and filters
        such as `source`, `parent` (only sessions that continue or belong to this one) or `project`.

        Raises:
            QueryError, EventError, ValueError: as `Projection.sessions`.
            NotProjected, ProjectionError: as `read`.
        """
        return self.projection.after(self.position, self._timeout).sessions(**filters)

    def facets(self, /, **filters: Unpack[FacetFilters]) -> Listing[FacetRow]:
        """Count the messages, and their sessions, that have each value of a facet.

        The arguments are those of `Projection.facets`: `by`, and filters.

        Raises:
            QueryError, EventError, ValueError: as `Projection.facets`.
            NotProjected, ProjectionError: as `read`.
        """
        return self.projection.after(self.position, self._timeout).facets(**filters)

    def _append_once(self, session: str, type: str, data: dict[str, Any]) -> None:
        """Append an event with an id made from its content: a repeated call has no effect."""
        try:
            digest = blake2b(canonical(data), digest_size=10).hexdigest()
        except TypeError as error:
            raise EventError(f"{culprit(data)}; nothing was written") from error
        self._add(session, type, data, f"{type}:{digest}")


def titled(db: apsw.Connection, title: str, but: str) -> str | None:
    """Return the session that has a title, other than the session `but`; None if none has."""
    query = (
        f"SELECT session FROM _sessions WHERE title = ? AND session <> ? AND {EXISTS}"
        # `set_title` gives a title to any number of sessions
        " ORDER BY session LIMIT 1"
    )
    found: str | None = db.execute(query, (title, but)).get
    return found


def _present(fields: SessionFields) -> dict[str, Any]:
    data = present(fields)
    for name in {"started", GONE} & data.keys():
        data[name] = moment(name, data[name])
    return data
