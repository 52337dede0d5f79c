"""The session service of Google's Agent Development Kit (ADK) on a journal."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Self, Unpack
from uuid import uuid4

from google.adk.errors._stale_session_error import StaleSessionError
from google.adk.errors.already_exists_error import AlreadyExistsError
from google.adk.errors.session_not_found_error import SessionNotFoundError
from google.adk.events.event import Event
from google.adk.sessions import Session
from google.adk.sessions.base_session_service import (
    BaseSessionService,
    GetSessionConfig,
    ListSessionsResponse,
)

from journal import new_event
from projector.adapters.adk.keys import (
    SESSIONS,
    SOURCE,
    STATES,
    Place,
    event_key,
    key_set,
    last_event,
    last_part,
    lasting,
    state_events,
    state_of,
)
from projector.adapters.adk.messages import dumped, message_events
from projector.adapters.late_store import LateStore
from projector.adapters.naming import joined, split
from projector.store import AsyncSessionStore, KeyView, SessionStore

if TYPE_CHECKING:
    import os

    from projector.adapters.late_store import StoreOptions

_STALE = (
    "the session was modified in storage since it was loaded; load it again before another event"
    " is appended"
)


class JournalSessionService(BaseSessionService):
    """A session service that appends to a journal. Safe for threads, processes and event loops.

    ::

        async with JournalSessionService("~/agents") as service:
            runner = Runner(agent=agent, app_name="app", session_service=service)

    Of several processes that append to one session, one succeeds and the others get
    `StaleSessionError`. An event that was stored is stored once, also if it is appended again.

    Args:
        journal: the path of a journal, or an open store, which `close` leaves open.
        options: `fsync`, `timeout` and `redact`, as for `SessionStore.open`.
    """

    def __init__(
        self,
        journal: str | os.PathLike[str] | SessionStore,
        **options: Unpack[StoreOptions],
    ) -> None:
        self._opened = LateStore(journal, options)
        self._awaited: AsyncSessionStore | None = None

    async def __aenter__(self) -> Self:
        await self._store()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the store if it was opened here; again does nothing."""
        await asyncio.to_thread(self._opened.close)

    async def _store(self) -> AsyncSessionStore:
        store = await asyncio.to_thread(lambda: self._opened.store)
        if self._awaited is None:
            self._awaited = AsyncSessionStore(store)
        return self._awaited

    async def create_session(
        self,
        *,
        app_name: str,
        user_id: str,
        state: dict[str, Any] | None = None,
        session_id: str | None = None,
    ) -> Session:
        """Create a session.

        Raises:
            AlreadyExistsError: the user has a session with this id.
            EventError: the state has what JSON would change; nothing was written.
            ArbiterBusy, NotProjected: as `SessionStore.decide`.
        """
        id = (session_id or "").strip() or str(uuid4())
        place = Place(app_name, user_id, id)
        now = time.time()
        created = {"at": now, "nonce": uuid4().hex[:8], "app": app_name, "user": user_id, "id": id}
        events = [
            new_event(
                place.session,
                "session.created",
                {"source": SOURCE, "user": user_id, "extra": {"app": app_name}},
            ),
            *state_events(place, state or {}),
            key_set(place.namespace, "created", created),
        ]

        def question(keys: KeyView) -> tuple[Session | None, list[dict[str, Any]]]:
            if keys.get("created", namespace=place.namespace) is not None:
                return None, []
            before = state_of(keys, place)
            return _session(place, before | lasting(state or {}), [], now, 0), events

        # of the session, too: what creates it must come behind what has deleted it
        read = [*place.namespaces, place.session]
        session = await (await self._store()).keys.decide(question, namespaces=read)
        if session is None:
            raise AlreadyExistsError(f"Session with id {id} already exists.")
        return session

    async def get_session(
        self,
        *,
        app_name: str,
        user_id: str,
        session_id: str,
        config: GetSessionConfig | None = None,
    ) -> Session | None:
        """Return a session with its events, or the last of them; None if there is none.

        Raises:
            NotProjected, ProjectionError: as `SessionStore.read_all`.
        """
        place = Place(app_name, user_id, session_id.strip() if session_id else session_id)
        recent = None if config is None else config.num_recent_events
        limit = -1 if recent is None else recent

        def question(keys: KeyView) -> Session | None:
            created = keys.get("created", namespace=place.namespace)
            if created is None:
                return None
            found = _events(keys, place, limit)
            number, last = last_event(keys, place)
            updated = created["at"] if last is None else last["timestamp"]
            return _session(place, state_of(keys, place), found, updated, number)

        session = await (await self._store()).keys.ask(question, namespaces=place.namespaces)
        if session is not None and config is not None and config.after_timestamp is not None:
            session.events = _since(session.events, config.after_timestamp)
        return session

    async def list_sessions(
        self, *, app_name: str, user_id: str | None = None
    ) -> ListSessionsResponse:
        """Return the sessions of an app, or of one of its users, without events.

        The one that was changed last is the last.

        Raises:
            NotProjected, ProjectionError: as `SessionStore.read_all`.
        """
        above = (app_name,) if user_id is None else (app_name, user_id)

        def question(keys: KeyView) -> list[Session]:
            found = []
            for namespace in keys.namespaces(f"{SESSIONS}{joined(*above)}/"):
                place = Place(*split(namespace.removeprefix(SESSIONS)))
                created = keys.get("created", namespace=namespace)
                if created is not None:
                    number, last = last_event(keys, place)
                    updated = created["at"] if last is None else last["timestamp"]
                    found.append(_session(place, state_of(keys, place), [], updated, number))
            return found

        sessions = await (await self._store()).keys.ask(question)
        sessions.sort(key=lambda session: (session.last_update_time, session.user_id, session.id))
        return ListSessionsResponse(sessions=sessions)

    async def delete_session(self, *, app_name: str, user_id: str, session_id: str) -> None:
        """Delete a session; the state of the app and of the user stays."""
        place = Place(app_name, user_id, session_id.strip() if session_id else session_id)
        store = await self._store()
        if await store.keys.get("created", namespace=place.namespace) is not None:
            await store.delete(place.namespace, place.session)

    async def get_user_state(self, *, app_name: str, user_id: str) -> dict[str, Any]:
        """Return what all sessions of a user share, by names without `user:`."""
        prefix = f"user/{joined(app_name, user_id)}/"
        store = await self._store()
        found = await store.keys.ask(
            lambda keys: keys.items(prefix, namespace=STATES), namespaces=[STATES]
        )
        return {last_part(key): value for key, value in found.items()}

    async def append_event(self, session: Session, event: Event) -> Event:
        """Append an event to a session, and what it changes in the state.

        Raises:
            StaleSessionError: another event was appended since the session was loaded.
            SessionNotFoundError: there is no such session.
            EventError: the event has what JSON would change; nothing was written.
            ArbiterBusy, NotProjected: as `SessionStore.decide`.
        """
        if event.partial:
            return event
        self._apply_temp_state(session, event)
        event = self._trim_temp_delta_state(event)
        place = Place(session.app_name, session.user_id, session.id)
        stored = dumped(event)
        delta = event.actions.state_delta if event.actions else {}

        def question(keys: KeyView) -> tuple[tuple[str, int], list[dict[str, Any]]]:
            created = keys.get("created", namespace=place.namespace)
            if created is None:
                return ("missing", 0), []
            number, last = last_event(keys, place)
            seen = _seen(session, number, last)
            if seen < number and keys.get(event_key(seen + 1), namespace=place.namespace) == stored:
                return ("again", number), []
            if seen != number:
                return ("stale", number), []
            if last == stored and session.events and session.events[-1] == event:
                return ("known", number), []
            id = f"{created['nonce']}-{number + 1}"
            return ("new", number + 1), [
                *state_events(place, delta),
                *message_events(place.session, id, event, SOURCE),
                # it is last: an event that is there is whole
                key_set(place.namespace, event_key(number + 1), stored),
            ]

        outcome, number = await (await self._store()).keys.decide(
            question, namespaces=place.namespaces
        )
        if outcome == "missing":
            raise SessionNotFoundError(f"Session {session.id} not found.")
        if outcome == "stale":
            raise StaleSessionError(_STALE)
        session._storage_update_marker = str(number)  # noqa: SLF001 - ADK's place for it
        if outcome == "known":
            return event
        session.last_update_time = event.timestamp
        return self._commit_event_to_session(session, event)


def _events(keys: KeyView, place: Place, limit: int) -> list[Event]:
    found = keys.items("e/", namespace=place.namespace, limit=limit, last_first=limit >= 0)
    events = [Event.model_validate(event) for event in found.values()]
    return events[::-1] if limit >= 0 else events


def _since(events: list[Event], moment: float) -> list[Event]:
    """Return the events behind the last one that is older than a moment."""
    older = [at for at, event in enumerate(events, 1) if event.timestamp < moment]
    return events[older[-1] :] if older else events


def _session(
    place: Place, state: dict[str, Any], events: list[Event], updated: float, number: int
) -> Session:
    session = Session(
        id=place.id,
        app_name=place.app,
        user_id=place.user,
        state=state,
        events=events,
        last_update_time=updated,
    )
    session._storage_update_marker = str(number)  # noqa: SLF001 - ADK's place for it
    return session


def _seen(session: Session, number: int, last: dict[str, Any] | None) -> int:
    """Return the number of the last event that a session has.

    Args:
        session: the session.
        number: of the last event that is stored.
        last: that event.
    """
    marker = session._storage_update_marker  # noqa: SLF001 - ADK's place for it
    if marker is not None and marker.isdecimal():
        return int(marker)
    # a session that another program made has no marker
    if last is None or (session.events and session.events[-1].id == last.get("id")):
        return number
    return (
        number
        if session.last_update_time >= last["timestamp"]
        else min(number - 1, len(session.events))
    )
