"""Connections: those who do not read or do not ask are closed, and what is no HTTP is answered.

An answer is held in memory until its reader has taken it. So a reader that takes nothing, and many
slow ones together, lose their connections; what their answers held, and their place among the
downloads and streams, is free then.
"""

from __future__ import annotations

import socket
import sys
from http import HTTPStatus
from typing import TYPE_CHECKING

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from projector.web.security.headers import all_headers

if TYPE_CHECKING:
    import asyncio

MOST = 256
"""Connections that are open at a time; a further one gets 503."""
_BUFFER = 32 * 1024
"""Bytes of an answer that wait for a reader before no more of it is made."""
_SENDING = 256 * 1024
"""Bytes for which the system is asked for one reader; it would take megabytes."""
MOST_WAITING = 8 * 1024 * 1024
"""Bytes that wait for all readers together; above it, the one that waits longest is left."""
PATIENCE = 30.0
"""Seconds in which a reader must take a part of what waits for it, and a request must come."""
_PART = 16 * 1024
"""Bytes of such a part."""


class Connection(H11Protocol):
    """A connection to a browser or a program. Used on the event loop alone.

    Attributes:
        waits_since: when its reader was too slow first, by the loop; None if it is not.
    """

    _asking: asyncio.TimerHandle | None = None
    _reading: asyncio.TimerHandle | None = None
    waits_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin; refuse if there are too many."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=_BUFFER)
        if (connected := transport.get_extra_info("socket")) is not None:
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SENDING)
        if len(self.connections) > MOST:
            self._refuse(503, "too many connections are open")
            return
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the timers."""
        self._stop_asking()
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes of a request."""
        super().data_received(data)
        # the time runs from the first byte on: who sends one now and then does not extend it
        if self.conn.their_state in {h11.IDLE, h11.SEND_BODY}:
            self._await_request()
        else:
            self._stop_asking()

    def _await_request(self) -> None:
        if self._asking is None:
            self._asking = self.loop.call_later(PATIENCE, self.transport.abort)

    def pause_writing(self) -> None:
        """Wait for a reader, and not for ever."""
        super().pause_writing()
        self.waits_since = self.loop.time()
        self._await_reader()
        self._leave_the_slowest()

    def resume_writing(self) -> None:
        """Go on: the reader has taken what waited."""
        self._stop_waiting()
        super().resume_writing()

    def _await_reader(self) -> None:
        waiting = self.transport.get_write_buffer_size()
        self._reading = self.loop.call_later(PATIENCE, self._look_at_reader, waiting)

    def _look_at_reader(self, before: int) -> None:
        if before - self.transport.get_write_buffer_size() < _PART:
            self.transport.abort()
        else:
            self._await_reader()

    def _leave_the_slowest(self) -> None:
        """Close the connections that wait longest while all together hold too much."""
        waiting = [
            each
            for each in self.connections
            if isinstance(each, Connection) and each.waits_since is not None
        ]
        held = sum(each.transport.get_write_buffer_size() for each in waiting)
        for each in sorted(waiting, key=lambda one: one.waits_since or 0):
            if held <= MOST_WAITING or each is self:
                return
            held -= each.transport.get_write_buffer_size()
            each.transport.abort()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection without requests, also if the end of its answer is not taken."""
        super().timeout_keep_alive_handler()
        if self.transport.get_write_buffer_size() and self._reading is None:
            self._await_reader()

    def send_400_response(self, msg: str) -> None:
        """Answer to what is no HTTP. A request that names no server gets what another name gets."""
        if "Host" in str(sys.exc_info()[1]):
            self._refuse(421, "this server has another name")
        else:
            self._refuse(400, msg)

    def _refuse(self, status: int, why: str) -> None:
        self._stop_asking()
        body = f"{why}\n".encode()
        headers = all_headers(
            [
                (b"content-type", b"text/plain; charset=utf-8"),
                (b"content-length", str(len(body)).encode()),
                (b"connection", b"close"),
            ]
        )
        reason = HTTPStatus(status).phrase.encode()
        # of the parser's own: it has none for a connection whose answer has begun
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            response = h11.Response(status_code=status, headers=headers, reason=reason)
            for event in (response, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _stop_asking(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    def _stop_waiting(self) -> None:
        self.waits_since = None
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
