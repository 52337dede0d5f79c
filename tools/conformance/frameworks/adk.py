"""The session service of Google's Agent Development Kit: a run on its own store and on ours.

ADK's distribution has no tests. The cases of its `test_session_service.py` are in other words in
`tests/adapters/test_adk.py`.
"""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.conformance.suite import HERE, Suite, is_own

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_RUN = f"{HERE}::test_a_runner_continues_its_session"

SUITE = Suite(
    name="adk",
    extra="adk",
    packages=("google-adk==2.13.0", "aiosqlite>=0.21"),
    source=None,
    tests=(_RUN,),
    sample=(_RUN,),
    passing=1,
    own=("tests/adapters/test_adk.py",),
)


def install() -> None:
    """Do nothing: the test opens our service by its name."""


def test_a_runner_continues_its_session() -> None:
    """A runner stores what the user and the agent say, and the state in its scopes."""
    said, state = asyncio.run(_run())
    if said != ["one", "turn 1", "two", "turn 2"]:
        raise AssertionError(f"the session has {said}")
    if state != {"turns": 2, "user:name": "Ada", "app:version": 3}:
        raise AssertionError(f"the state is {state}")


async def _run() -> tuple[list[str], dict[str, Any]]:
    """Return the texts and the state of a session after two turns, each of a new runner."""
    from google.adk.agents import BaseAgent
    from google.adk.events.event import Event
    from google.adk.events.event_actions import EventActions
    from google.adk.runners import Runner
    from google.genai import types

    class Counting(BaseAgent):
        """Says which turn it is."""

        async def _run_async_impl(self, ctx: Any) -> AsyncIterator[Event]:  # noqa: ANN401 - ADK's
            turn = ctx.session.state.get("turns", 0) + 1
            delta = {"turns": turn, "user:name": "Ada", "app:version": 3, "temp:scratch": 1}
            yield Event(
                author=self.name,
                invocation_id=ctx.invocation_id,
                content=types.Content(role="model", parts=[types.Part(text=f"turn {turn}")]),
                actions=EventActions(state_delta=delta),
            )

    with tempfile.TemporaryDirectory() as folder:
        for text in ("one", "two"):
            async with _service(Path(folder)) as service:
                if text == "one":
                    await service.create_session(app_name="app", user_id="ada", session_id="s")
                runner = Runner(app_name="app", agent=Counting(name="c"), session_service=service)
                message = types.Content(role="user", parts=[types.Part(text=text)])
                async for _ in runner.run_async(user_id="ada", session_id="s", new_message=message):
                    pass
        async with _service(Path(folder)) as service:
            found = await service.get_session(app_name="app", user_id="ada", session_id="s")
    texts = [event.content.parts[0].text for event in found.events if event.content]
    return texts, dict(found.state)


@asynccontextmanager
async def _service(folder: Path) -> AsyncIterator[Any]:
    if is_own():
        from google.adk.sessions.sqlite_session_service import SqliteSessionService

        service = SqliteSessionService(str(folder / "sessions.db"))
        yield service
        await service.close()
    else:
        from projector.adapters.adk import JournalSessionService

        async with JournalSessionService(folder / "journal") as service:
            yield service
