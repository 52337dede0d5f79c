"""The stream of events for one page."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING

from anyio import to_thread
from starlette.responses import PlainTextResponse, Response

from journal.cli.kit.clean import json_line
from journal.errors import JournalError
from projector.db.schema import APPLIED
from projector.errors import NotFound, ProjectionError
from projector.views.browsing.changes import count_changes, end_of
from projector.views.browsing.message_window import find
from projector.web import params as given
from projector.web.live.sse import HEARTBEAT, encode
from projector.web.sending.slots import Sent, Slots

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    import apsw
    from anyio import CapacityLimiter
    from starlette.requests import Request

    from projector.web.live.hub import Hub
    from projector.web.reading import Readings

MOST = 100
"""Streams that are open at a time: each holds a connection."""
QUIET = 10.0
"""Seconds without a change after which a heartbeat is sent, and the lag is looked at."""
_PAUSE = 0.1
"""Seconds between two looks: what is written in them is seen at once."""


@dataclass(frozen=True, slots=True)
class State:
    """What a page is of.

    Attributes:
        applied: when something was applied last; microseconds since 1970. None of a session.
        messages: how many messages the session has; None of all sessions.
        last: id of its last message; None if it has none, or of all sessions.
        changes: another number as soon as messages that were there may have been revised, hidden
            or forgotten; None of all sessions.
    """

    applied: int | None
    messages: int | None
    last: str | None
    changes: int | None


GONE = State(None, 0, None, 0)
"""A session that was deleted or forgotten."""


def events(
    readings: Readings, hub: Hub, limiter: CapacityLimiter
) -> Callable[[Request], Awaitable[Response]]:
    """Return what answers with a stream: of one session (`session`), or of all.

    An event `changed` has the state as JSON; the first one comes at once. An event `behind` has
    what a page says of events that are not applied yet, or nothing if there are none.
    """
    slots = Slots(MOST)

    async def answer(request: Request) -> Response:
        # before the look: many that ask at the same moment must not all find a place
        if not slots.take():
            return PlainTextResponse(f"{MOST} pages listen already\n", 503)
        try:
            look = partial(_state, readings, given.text(request.query_params, "session"))
            first = await to_thread.run_sync(look, limiter=limiter)
        except _ERRORS as error:
            slots.leave()
            return PlainTextResponse(f"{error}\n", _status(error))
        except BaseException:
            slots.leave()
            raise
        lag = partial(_lag, readings)
        pieces = _changes(hub, limiter, look, first, lag)
        sent = Sent(pieces, slots.leave, _HEADERS)
        return sent.headers_alone() if request.method == "HEAD" else sent

    return answer


_HEADERS = {"Content-Type": "text/event-stream; charset=utf-8"}
_ERRORS = (NotFound, ProjectionError, JournalError, ValueError)
"""What a look can fail with."""


def _status(error: Exception) -> int:
    if isinstance(error, NotFound):
        return 404
    return 400 if isinstance(error, ValueError) else 503


async def _changes(
    hub: Hub,
    limiter: CapacityLimiter,
    look: Callable[[], State],
    first: State,
    lag: Callable[[], str | None],
) -> AsyncIterator[str]:
    known = first
    said: str | None = None  # what the page says of the lag is not known
    yield encode("changed", json_line(asdict(first)))
    while not hub.is_closed:
        # before the look: what is written during it wakes again, and what was written since the
        # first look is seen
        change = hub.next_change()
        try:
            now = await to_thread.run_sync(look, limiter=limiter)
        except NotFound:  # it was deleted or forgotten: the page asks, and says so
            now = GONE
        except (ProjectionError, JournalError):  # between two generations
            now = known
        if now != known:
            known = now
            yield encode("changed", json_line(asdict(now)))
        while not await hub.wait(change, QUIET):
            change = hub.next_change()
            late = await to_thread.run_sync(lag, limiter=limiter)
            yield HEARTBEAT if late in {None, said} else encode("behind", f"{late}")
            said = said if late is None else late
        if said:
            said = None
            yield encode("behind", "")
        await asyncio.sleep(_PAUSE)


def _lag(readings: Readings) -> str | None:
    """Return what a page says of events that are not applied; None if it is not known."""
    try:
        behind = readings.behind()
    except (ProjectionError, JournalError):  # between two generations
        return None
    return "" if behind is None else f"{behind}."


def _state(readings: Readings, session: str | None) -> State:
    return readings.peek(lambda db: _look(db, session))


def _look(db: apsw.Connection, session: str | None) -> State:
    if session is None:
        applied = db.execute("SELECT value FROM _meta WHERE key = ?", (APPLIED,)).get
        return State(applied, None, None, None)
    found = find(db, session)
    return State(None, *end_of(db, found), count_changes(db, found))
