"""`JournalSessionService`, and `SqliteSessionService` of google-adk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.bench.parts.frameworks.sides import TEXT, Again, Found, name_in

if TYPE_CHECKING:
    from tools.bench.parts.frameworks.counting import Batch

BATCH = 1
"""ADK appends one event at a time."""
_APP, _USER, _COUNT = "app", "ada", "count"
_EPOCH = 1_790_000_000.0


class _Service:
    """A session service of either kind. Each event counts the events before it in the state."""

    def __init__(self, service: Any) -> None:  # noqa: ANN401 - of ADK
        self._service = service
        self._sessions: dict[str, Any] = {}

    async def load(self, session: str) -> None:
        """Load the session with its last event, or create it."""
        from google.adk.errors.already_exists_error import AlreadyExistsError
        from google.adk.sessions.base_session_service import GetSessionConfig

        named = {"app_name": _APP, "user_id": _USER, "session_id": session}
        config = GetSessionConfig(num_recent_events=1)
        found = await self._service.get_session(**named, config=config)
        if found is None:
            try:
                found = await self._service.create_session(**named, state={_COUNT: 0})
            except AlreadyExistsError:
                found = await self._service.get_session(**named, config=config)
        self._sessions[session] = found

    async def add(self, session: str, batch: Batch) -> None:
        """Append an event to the session as it was loaded."""
        from google.adk.errors._stale_session_error import StaleSessionError

        if session not in self._sessions:
            await self.load(session)
        loaded = self._sessions[session]
        number = loaded.state[_COUNT] + 1 if batch.number is None else batch.number
        try:
            await self._service.append_event(loaded, _event(batch, number))
        except StaleSessionError as error:
            raise Again from error
        finally:
            del loaded.events[:-1]  # what is appended later does not depend on them

    async def read(self, session: str) -> Found:
        """Return the names of a session's events."""
        named = {"app_name": _APP, "user_id": _USER, "session_id": session}
        found = await self._service.get_session(**named)
        events = [] if found is None else found.events
        counts = {event.actions.state_delta[_COUNT] for event in events}
        names = [name_in(event.content.parts[0].text) for event in events]
        return Found(names, len(set(names)) - len(counts))

    async def close(self) -> None:
        """Close the service."""
        await self._service.close()


class Ours(_Service):
    """A service on a journal."""

    def __init__(self, folder: str) -> None:
        from projector.adapters.adk import JournalSessionService

        super().__init__(JournalSessionService(Path(folder) / "journal"))


class Theirs(_Service):
    """A service on SQLite."""

    def __init__(self, folder: str) -> None:
        from google.adk.sessions.sqlite_session_service import SqliteSessionService

        super().__init__(SqliteSessionService(str(Path(folder) / "sessions.db")))


def _event(batch: Batch, number: int) -> Any:  # noqa: ANN401 - of ADK
    from google.adk.events.event import Event
    from google.adk.events.event_actions import EventActions
    from google.genai import types

    (name,) = batch.names
    # an event that is appended again is the same one, so it has the same time
    moment = {} if batch.number is None else {"timestamp": _EPOCH + batch.number}
    return Event(
        **moment,
        id=name,
        invocation_id=f"i-{batch.id}",
        author="agent",
        content=types.Content(role="model", parts=[types.Part(text=f"{name} {TEXT}")]),
        actions=EventActions(state_delta={_COUNT: number}),
    )
