"""The session service of Google's Agent Development Kit on a journal.

The cases of ADK's own `tests/unittests/sessions/test_session_service.py` that are about any service
are here in other words, for the distribution has no tests. Those about the tables, transactions,
locks and addresses of its SQL services say nothing about this one.
"""

from __future__ import annotations

import asyncio
import threading
import time
from functools import wraps
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("google.adk.sessions")

from google.adk.agents import BaseAgent, InvocationContext
from google.adk.errors._stale_session_error import StaleSessionError
from google.adk.errors.already_exists_error import AlreadyExistsError
from google.adk.errors.session_not_found_error import SessionNotFoundError
from google.adk.events.event import Event
from google.adk.events.event_actions import EventActions
from google.adk.sessions import Session
from google.adk.sessions.base_session_service import GetSessionConfig
from google.genai import types

from journal import EventError
from projector import SessionStore
from projector.adapters.adk import JournalSessionService
from tests.adapters.forked import longest_gap, run_forked
from tests.adapters.recipes import run_example

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("default")
APP, USER = "my_app", "ada"
Service = JournalSessionService


def on_service(
    test: Callable[[JournalSessionService], Coroutine[Any, Any, None]],
) -> Callable[[Path], None]:
    """Run a test on a loop, with a service in a new journal."""

    @wraps(test)
    def run(journal_dir: Path) -> None:
        async def opened() -> None:
            async with JournalSessionService(journal_dir) as service:
                await test(service)

        asyncio.run(opened())

    del run.__wrapped__  # pytest would look at its arguments
    return run


async def create(
    service: Service, id: str | None = None, user: str = USER, **state: Any
) -> Session:
    """Create a session; `app__x` is `app:x`."""
    named = {name.replace("__", ":"): value for name, value in state.items()}
    return await service.create_session(
        app_name=APP, user_id=user, session_id=id, state=named or None
    )


async def get(
    service: Service, session: Session | str, user: str = USER, **config: Any
) -> Session | None:
    """Return a session as it is stored."""
    id = session if isinstance(session, str) else session.id
    return await service.get_session(
        app_name=APP,
        user_id=user,
        session_id=id,
        config=GetSessionConfig(**config) if config else None,
    )


def said(text: str = "", author: str = "user", **fields: Any) -> Event:
    """Return an event that says something and changes the state by `delta`."""
    actions = EventActions(state_delta=fields.pop("delta", {}))
    content = types.Content(role=author, parts=[types.Part(text=text)]) if text else None
    return Event(author=author, content=content, actions=actions, **fields)


@on_service
async def test_a_session_that_does_not_exist_is_none(service: Service) -> None:
    """It is no error to ask for one."""
    assert await get(service, "123") is None


@on_service
async def test_a_session_is_created_read_and_deleted(service: Service) -> None:
    """What is read equals what was created; after the deletion there is none, and may be again."""
    session = await create(service, key="value")
    assert (session.app_name, session.user_id, session.state) == (APP, USER, {"key": "value"})
    assert session.id
    assert session.last_update_time <= time.time()
    assert await get(service, session) == session
    await service.delete_session(app_name=APP, user_id=USER, session_id=session.id)
    assert await get(service, session) is None
    again = await create(service, session.id)
    assert again.state == {}
    await service.append_event(again, said("hello again"))
    assert await get(service, session) == again


@on_service
async def test_sessions_are_listed_with_their_state(service: Service) -> None:
    """Those of one user, or of all; the one that was changed last is the last."""
    for n in range(3):
        await create(service, f"s{n}", key=f"v{n}")
    await create(service, "other", user="bob", key="b")
    first = await get(service, "s0")
    assert first is not None
    await service.append_event(first, said("hello"))
    mine = (await service.list_sessions(app_name=APP, user_id=USER)).sessions
    assert [(it.id, it.state, it.events) for it in mine] == [
        ("s1", {"key": "v1"}, []),
        ("s2", {"key": "v2"}, []),
        ("s0", {"key": "v0"}, []),
    ]
    everyone = (await service.list_sessions(app_name=APP)).sessions
    assert {(it.user_id, it.id) for it in everyone} == {
        *((USER, f"s{n}") for n in range(3)),
        ("bob", "other"),
    }
    assert (await service.list_sessions(app_name="my")).sessions == []


@on_service
async def test_the_state_of_an_app_is_shared_by_its_users(service: Service) -> None:
    """From the creation of a session, and from an event."""
    session = await create(service, "s1", app__k1="v1")
    await service.append_event(session, said(delta={"app:k2": "v2"}))
    assert (await create(service, "s2", user="bob")).state == {"app:k1": "v1", "app:k2": "v2"}
    found = await get(service, "s1")
    assert found is not None
    assert found.state == {"app:k1": "v1", "app:k2": "v2"}


@on_service
async def test_the_state_of_a_user_is_shared_by_the_users_sessions(service: Service) -> None:
    """Another user has none of it."""
    session = await create(service, "s1", user__k1="v1")
    await service.append_event(session, said(delta={"user:k2": "v2"}))
    assert (await create(service, "s2")).state == {"user:k1": "v1", "user:k2": "v2"}
    assert (await create(service, "s1", user="bob")).state == {}


@on_service
async def test_the_state_of_a_session_is_its_own(service: Service) -> None:
    """Another session of the user has none of it."""
    session = await create(service, "s1", k1="v1")
    await service.append_event(session, said(delta={"k2": "v2"}))
    found = await get(service, "s1")
    assert found is not None
    assert found.state == {"k1": "v1", "k2": "v2"}
    assert (await create(service, "s2")).state == {}


@on_service
async def test_temporary_state_is_in_memory_only(service: Service) -> None:
    """The next agent of the invocation reads it; neither state nor events keep it."""
    session = await create(service, "s1", temp__begin="b")
    assert session.state == {}
    event = said(delta={"temp:k1": "v1", "k2": "v2"})
    await service.append_event(session, event)
    assert session.state == {"temp:k1": "v1", "k2": "v2"}
    assert event.actions.state_delta == {"k2": "v2"}
    found = await get(service, "s1")
    assert found is not None
    assert found.state == {"k2": "v2"}
    assert found.events[0].actions.state_delta == {"k2": "v2"}


@on_service
async def test_users_may_have_sessions_of_the_same_id(service: Service) -> None:
    """Each gets the own one, also where the names have slashes."""
    session = await create(service, "s/1", user="a")
    await service.append_event(session, said("hello"))
    await create(service, "s/1", user="b")
    other = await get(service, "s/1", user="b")
    assert other is not None
    assert (other.user_id, other.events) == ("b", [])
    await create(service, "1", user="a/s")
    assert [it.id for it in (await service.list_sessions(app_name=APP, user_id="a")).sessions] == [
        "s/1"
    ]


@on_service
async def test_an_id_is_given_once(service: Service) -> None:
    """A second session of the same id is refused, and the first one is unchanged."""
    session = await create(service, "s1", k="v")
    with pytest.raises(AlreadyExistsError):
        await create(service, "s1", k="other")
    assert await get(service, "s1") == session


@on_service
async def test_an_event_comes_back_equal(service: Service) -> None:
    """With its bytes, its metadata and its actions."""
    session = await create(service)
    event = Event(
        invocation_id="invocation",
        author="user",
        content=types.Content(
            role="user",
            parts=[
                types.Part(text="an image"),
                types.Part.from_bytes(data=b"\x00\xff image", mime_type="image/png"),
            ],
        ),
        turn_complete=True,
        partial=False,
        actions=EventActions(
            artifact_delta={"file": 0},
            transfer_to_agent="agent",
            escalate=True,
            state_delta={"empty": None, "list": [1, 2.5, {"a": "b"}], "text": "é"},
        ),
        long_running_tool_ids={"tool1"},
        error_code="error_code",
        error_message="error_message",
        interrupted=True,
        grounding_metadata=types.GroundingMetadata(
            web_search_queries=["query"],
            search_entry_point=types.SearchEntryPoint(sdk_blob=b"blob"),
        ),
        usage_metadata=types.GenerateContentResponseUsageMetadata(
            prompt_token_count=1, candidates_token_count=1, total_token_count=2
        ),
        citation_metadata=types.CitationMetadata(),
        custom_metadata={"custom": "value"},
        timestamp=1700000000.123,
        input_transcription=types.Transcription(text="in", finished=True),
        output_transcription=types.Transcription(text="out", finished=True),
    )
    await service.append_event(session, event)
    found = await get(service, session)
    assert found == session
    assert found is not None
    assert found.events == [event]


@pytest.mark.parametrize("value", [(1, 2), {"a": (1,)}, b"bytes", {1: 2}, float("nan"), 2**70])
def test_what_json_would_change_is_refused(journal_dir: Path, value: object) -> None:
    """Nothing is written, and the event can be appended without it."""

    async def run() -> None:
        async with JournalSessionService(journal_dir) as service:
            session = await create(service, "s1")
            with pytest.raises(EventError):
                await service.append_event(session, said(delta={"key": value}))
            with pytest.raises(EventError):
                await service.create_session(app_name=APP, user_id=USER, state={"key": value})
            found = await get(service, "s1")
            assert found is not None
            assert (found.events, found.state) == ([], {})

    asyncio.run(run())


@on_service
async def test_the_last_update_is_that_of_the_last_event(service: Service) -> None:
    """In the caller's session and in the stored one."""
    session = await create(service)
    moment = session.last_update_time + 10
    await service.append_event(session, said("hello", timestamp=moment))
    assert session.last_update_time == moment
    found = await get(service, session)
    assert found is not None
    assert found.last_update_time == moment


@on_service
async def test_an_event_for_a_stale_session_is_refused(service: Service) -> None:
    """Only what was appended to a session as it was is stored."""
    first = await create(service, "s1")
    await service.append_event(first, said("one", delta={"k1": "v1"}))
    second = await get(service, "s1")
    assert second is not None
    await service.append_event(second, said("two", delta={"k2": "v2"}))
    with pytest.raises(StaleSessionError, match="modified in storage"):
        await service.append_event(first, said("three", delta={"k3": "v3"}))
    found = await get(service, "s1")
    assert found == second
    assert found is not None
    assert found.state == {"k1": "v1", "k2": "v2"}


@on_service
async def test_of_two_events_at_once_one_is_stored(service: Service) -> None:
    """The other one is refused, each time."""
    await create(service, "s1")
    for n in range(6):
        latest = await get(service, "s1")
        assert latest is not None
        pair = [latest, latest.model_copy(deep=True)]
        results = await asyncio.gather(
            *(service.append_event(it, said(f"{n}.{at}")) for at, it in enumerate(pair)),
            return_exceptions=True,
        )
        assert sorted(type(result).__name__ for result in results) == ["Event", "StaleSessionError"]
    found = await get(service, "s1")
    assert found is not None
    assert len(found.events) == 6


@on_service
async def test_a_session_that_drifted_in_time_is_not_stale(service: Service) -> None:
    """Its revision counts; one that has none is compared by its last event."""
    session = await create(service, "s1")
    first = said("one", timestamp=session.last_update_time + 10)
    await service.append_event(session, first)
    session.last_update_time -= 0.0001
    await service.append_event(session, said("two", timestamp=first.timestamp + 10))
    session._storage_update_marker = None
    session.last_update_time -= 0.0001
    await service.append_event(session, said("three", timestamp=first.timestamp + 20))
    found = await get(service, "s1")
    assert found is not None
    assert len(found.events) == 3
    made = Session(id="s1", app_name=APP, user_id=USER)
    with pytest.raises(StaleSessionError):
        await service.append_event(made, said("four"))


@on_service
async def test_a_session_is_read_with_its_last_events(service: Service) -> None:
    """By their number, by a moment, and by both."""
    session = await create(service, "s1")
    for n in range(1, 6):
        await service.append_event(session, said("x", timestamp=float(n)))

    async def times(**config: Any) -> list[float]:
        found = await get(service, "s1", **config)
        assert found is not None
        return [event.timestamp for event in found.events]

    assert await times() == [1, 2, 3, 4, 5]
    assert await times(num_recent_events=0) == []
    assert await times(num_recent_events=3) == [3, 4, 5]
    assert await times(num_recent_events=9) == [1, 2, 3, 4, 5]
    assert await times(after_timestamp=4.0) == [4, 5]
    assert await times(after_timestamp=50.0) == []
    assert await times(after_timestamp=4.0, num_recent_events=3) == [4, 5]
    # a part of a session is no stale session
    part = await get(service, "s1", num_recent_events=0)
    assert part is not None
    await service.append_event(part, said("y", timestamp=6.0))
    assert await times(num_recent_events=1) == [6]


@on_service
async def test_a_partial_event_is_not_stored(service: Service) -> None:
    """Neither in the caller's session."""
    session = await create(service)
    await service.append_event(session, said("hel", partial=True))
    found = await get(service, session)
    assert found is not None
    assert (session.events, found.events) == ([], [])


@on_service
async def test_an_event_needs_its_session(service: Service) -> None:
    """An event for a session that is not there is refused."""
    with pytest.raises(SessionNotFoundError):
        await service.append_event(Session(id="s1", app_name=APP, user_id=USER), said("hello"))


@on_service
async def test_the_state_of_a_user_is_read_without_a_session(service: Service) -> None:
    """The latest values, of this user and this app only."""
    assert await service.get_user_state(app_name=APP, user_id=USER) == {}
    session = await create(service)
    await service.append_event(
        session, said(delta={"user:profile": {"name": "Ada"}, "user:count": 1, "own": 1})
    )
    await service.append_event(session, said(delta={"user:count": 2}))
    assert await service.get_user_state(app_name=APP, user_id=USER) == {
        "profile": {"name": "Ada"},
        "count": 2,
    }
    assert await service.get_user_state(app_name=APP, user_id="bob") == {}
    assert await service.get_user_state(app_name="other", user_id=USER) == {}


@on_service
async def test_an_event_that_is_appended_again_is_stored_once(service: Service) -> None:
    """By the same session, by one that was loaded before it, and by one that was loaded after."""
    session = await create(service, "s1")
    before = await get(service, "s1")
    event = said("Where is the quokka?", delta={"k": "v"})
    await service.append_event(session, event.model_copy(deep=True))
    await service.append_event(session, event.model_copy(deep=True))
    assert before is not None
    await service.append_event(before, event.model_copy(deep=True))
    after = await get(service, "s1")
    assert after is not None
    await service.append_event(after, event.model_copy(deep=True))
    assert session == before == after == await get(service, "s1")
    assert len(after.events) == 1
    store = (await service._store()).store
    assert len(store.search("quokka")) == 1
    # another event may have the same id
    await service.append_event(after, said("Where is the numbat?", id=event.id))
    assert len(after.events) == 2


@on_service
async def test_what_is_said_is_a_session_of_the_journal(service: Service) -> None:
    """It is found, shown and counted like any other, with ADK as its source."""
    session = await create(service, "s1")
    call = types.FunctionCall(id="c1", name="look_up", args={"animal": "quokka"})
    answer = types.FunctionResponse(id="c1", name="look_up", response={"island": "Rottnest"})
    used = types.GenerateContentResponseUsageMetadata(prompt_token_count=7)
    await service.append_event(session, said("Where does it live?"))
    for author, part in (
        ("agent", types.Part(function_call=call)),
        ("agent", types.Part(function_response=answer)),
        ("agent", types.Part(text="On an island.")),
    ):
        content = types.Content(role="model", parts=[part])
        await service.append_event(
            session, Event(author=author, content=content, usage_metadata=used)
        )
    store = (await service._store()).store
    (found,) = store.sessions(source="google-adk")
    assert (found.session, found.user, found.messages) == ("adk:my_app/ada/s1", USER, 4)
    assert found.usage["input_tokens"] == 21
    messages = store.messages(found.session)
    assert [it.role for it in messages] == ["user", "assistant", "tool", "assistant"]
    assert [hit.role for hit in store.search("rottnest", source="google-adk")] == ["tool"]
    assert [hit.role for hit in store.search("quokka", tool="look_up")] == ["assistant"]


def append_ten(path: Path, name: str) -> None:
    """Append ten events to a session that others append to."""

    async def run() -> None:
        async with JournalSessionService(path) as service:
            stored = 0
            while stored < 10:
                session = await get(service, "s1")
                assert session is not None
                try:
                    await service.append_event(session, said(f"{name} {stored}"))
                    stored += 1
                except StaleSessionError:
                    continue

    asyncio.run(run())


def test_processes_append_to_one_session(journal_dir: Path) -> None:
    """Each event is stored once, and each process's events are in its order."""

    async def begin() -> None:
        async with JournalSessionService(journal_dir) as service:
            await create(service, "s1")

    asyncio.run(begin())
    run_forked(append_ten, journal_dir)

    async def check() -> None:
        async with JournalSessionService(journal_dir) as service:
            found = await get(service, "s1")
            assert found is not None
            texts = [event.content.parts[0].text for event in found.events]
            for name in ("a", "b"):
                mine = [text for text in texts if text.startswith(name)]
                assert mine == [f"{name} {n}" for n in range(10)]

    asyncio.run(check())
    with SessionStore.open(journal_dir) as store:
        assert store.session("adk:my_app/ada/s1").messages == 20


def test_event_loops_share_a_service(journal_dir: Path) -> None:
    """Each loop in its own thread: a service belongs to none of them."""
    with SessionStore.open(journal_dir) as store:
        service = JournalSessionService(store)

        async def run(name: str) -> None:
            session = await create(service, name)
            for n in range(3):
                await service.append_event(session, said(f"{name} {n}"))

        threads = [threading.Thread(target=lambda n=name: asyncio.run(run(n))) for name in "abc"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert [it.messages for it in store.sessions(source="google-adk")] == [3, 3, 3]
        asyncio.run(service.close())
        store.keys.get("a given store stays open")


@on_service
async def test_what_a_program_says_with_the_shorthands_of_the_client_is_stored(
    service: Service,
) -> None:
    """A `UserContent` is a `Content` when it is read."""
    session = await create(service, "s1")
    await service.append_event(session, Event(author="user", content=types.UserContent("Hello")))
    found = await get(service, session)
    assert found is not None
    assert found.events[0].content == types.Content(role="user", parts=[types.Part(text="Hello")])


def test_the_example_of_the_docs_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is written, with an agent that answers one thing."""

    class Fixed(BaseAgent):
        """Answers without a model."""

        async def _run_async_impl(self, ctx: InvocationContext) -> AsyncGenerator[Event, None]:
            yield Event(
                author=self.name,
                invocation_id=ctx.invocation_id,
                content=types.ModelContent("In line three."),
            )

    run_example("Google ADK", monkeypatch, tmp_path, agent=Fixed(name="fixed"))
    with SessionStore.open(tmp_path / "agents") as store:
        (session,) = store.sessions(source="google-adk")
        said = [message.content for message in store.messages(session.session)]
    assert said == ["Where is the bug?", "In line three."]


def test_the_loop_goes_on_while_another_process_decides(journal_dir: Path) -> None:
    """An append to a session waits for the lock of decisions in a thread."""

    async def work() -> None:
        async with JournalSessionService(journal_dir) as service:
            session = await create(service, "s1")
            await service.append_event(session, Event(author="user"))
            await get(service, session)
            await service.delete_session(app_name=APP, user_id=USER, session_id="s1")

    assert longest_gap(journal_dir, work) < 0.2
