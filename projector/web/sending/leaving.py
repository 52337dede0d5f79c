"""Work for a browser that does not wait any more is ended: it asks again with each letter typed."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from threading import Event
from typing import TYPE_CHECKING

import apsw
from anyio import create_task_group, to_thread
from starlette.responses import Response

from projector.errors import ProjectionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from anyio import CancelScope, CapacityLimiter
    from starlette.requests import Request

_STEPS = 2_000
"""Steps of SQLite's virtual machine between two looks: about a tenth of a millisecond."""
_LEFT = "the reader of the answer has left"
_left: ContextVar[Event | None] = ContextVar("left", default=None)
"""Set as soon as the reader has left that the work of this thread is for; None of any other."""


class ReaderLeft(ProjectionError):  # noqa: N818 - says what happened
    """The reader of the answer has left."""


async def answer(
    request: Request, work: Callable[[], Response], limiter: CapacityLimiter
) -> Response:
    """Return the answer that is made on another thread, and end that work if the reader leaves.

    Args:
        request: that is answered.
        work: makes the answer; `ending` ends its queries.
        limiter: of the threads.
    """
    left = Event()
    found = Response(status_code=503)  # it is not sent

    async def watch(scope: CancelScope) -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        left.set()
        scope.cancel()  # it may wait for a thread

    token = _left.set(left)
    try:
        async with create_task_group() as group:
            group.start_soon(watch, group.cancel_scope)
            found = await to_thread.run_sync(work, limiter=limiter)
            group.cancel_scope.cancel()
    finally:
        _left.reset(token)
    return found


def check() -> None:
    """Raise an error if the reader has left whose answer this thread makes.

    Raises:
        ReaderLeft: the reader has left.
    """
    left = _left.get()
    if left is not None and left.is_set():
        raise ReaderLeft(_LEFT)


@contextmanager
def ending(db: apsw.Connection) -> Iterator[None]:
    """End the queries of the block as soon as the reader has left whose answer this thread makes.

    Raises:
        ReaderLeft: the reader has left.
    """
    left = _left.get()
    if left is None:
        yield
        return
    db.set_progress_handler(left.is_set, _STEPS)
    try:
        yield
    except apsw.InterruptError as error:
        raise ReaderLeft(_LEFT) from error
    finally:
        db.set_progress_handler(None)
