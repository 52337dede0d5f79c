"""Places for answers that are sent for long: a number of them at a time."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from starlette.responses import Response, StreamingResponse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

    from starlette.types import Receive, Scope, Send


class Slots:
    """Counts places. Safe for threads.

    Args:
        most: how many there are.
    """

    def __init__(self, most: int) -> None:
        self._most, self._taken = most, 0
        self._lock = Lock()

    def take(self) -> bool:
        """Take a place; return whether there was one."""
        with self._lock:
            if self._taken >= self._most:
                return False
            self._taken += 1
            return True

    def leave(self) -> None:
        """Give a place back."""
        with self._lock:
            self._taken -= 1


class Sent(StreamingResponse):
    """An answer that is made while it is sent.

    Args:
        pieces: of its body.
        close: called once, when it is sent or its reader has left.
        headers: of the answer.
    """

    def __init__(
        self,
        pieces: AsyncIterator[str] | Iterator[bytes],
        close: Callable[[], None],
        headers: Mapping[str, str],
    ) -> None:
        super().__init__(pieces, headers=headers)
        self._close = close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._close()

    def headers_alone(self) -> Response:
        """Return the same answer without its body."""
        self._close()
        found = Response(headers=dict(self.headers))
        del found.headers["Content-Length"]  # it is not known before the text is made
        return found
