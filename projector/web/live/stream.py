"""The stream of events for one page."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING

from anyio import to_thread
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from journal.cli.kit.clean import json_line
from projector.db.schema import APPLIED
from projector.errors import NotFound, ProjectionError
from projector.views.browsing.message_window import end_of, find
from projector.web import params as given
from projector.web.live.sse import HEARTBEAT, encode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    import apsw
    from anyio import CapacityLimiter
    from starlette.requests import Request

    from projector.web.live.hub import Hub
    from projector.web.reading import Readings

MOST = 100
"""Streams that are open at a time: each holds a connection."""
_QUIET = 15.0
"""Seconds without a change after which a heartbeat is sent."""
_PAUSE = 0.1
"""Seconds between two looks: what is written in them is seen at once."""


@dataclass(frozen=True, slots=True)
class State:
    """What a page is of.

    Attributes:
        applied: when something was applied last; microseconds since 1970. None of a session.
        messages: how many messages the session has; None of all sessions.
        last: id of its last message; None if it has none, or of all sessions.
    """

    applied: int | None
    messages: int | None
    last: str | None


def events(
    readings: Readings, hub: Hub, limiter: CapacityLimiter
) -> Callable[[Request], Awaitable[Response]]:
    """Return what answers with a stream: of one session (`session`), or of all.

    Each event is named `changed` and has the state as JSON; the first one comes at once.
    """
    streams: set[object] = set()

    async def answer(request: Request) -> Response:
        if len(streams) >= MOST:
            return PlainTextResponse(f"{MOST} pages listen already\n", 503)
        look = partial(_state, readings, given.text(request.query_params, "session"))
        try:
            first = await to_thread.run_sync(look, limiter=limiter)
        except NotFound as error:
            return PlainTextResponse(f"{error}\n", 404)
        except ProjectionError as error:
            return PlainTextResponse(f"{error}\n", 503)
        mark = object()
        streams.add(mark)

        async def stream() -> AsyncIterator[str]:
            try:
                async for text in _changes(hub, limiter, look, first):
                    yield text
            finally:
                streams.discard(mark)

        return StreamingResponse(stream(), media_type="text/event-stream")

    return answer


async def _changes(
    hub: Hub, limiter: CapacityLimiter, look: Callable[[], State], first: State
) -> AsyncIterator[str]:
    known: State | None = None
    now = first
    while not hub.is_closed:
        # before the look: what is written during it wakes again
        change = hub.next_change()
        if known is not None:
            try:
                now = await to_thread.run_sync(look, limiter=limiter)
            except (NotFound, ProjectionError):  # deleted, or between two generations
                now = known
        if now != known:
            known = now
            yield encode("changed", json_line(asdict(now)))
        while not await hub.wait(change, _QUIET):
            yield HEARTBEAT
            change = hub.next_change()
        await asyncio.sleep(_PAUSE)


def _state(readings: Readings, session: str | None) -> State:
    return readings.peek(lambda db: _look(db, session))


def _look(db: apsw.Connection, session: str | None) -> State:
    if session is None:
        return State(
            db.execute("SELECT value FROM _meta WHERE key = ?", (APPLIED,)).get, None, None
        )
    return State(None, *end_of(db, find(db, session)))
