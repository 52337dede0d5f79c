"""ClickHouse for tests: chdb behind the HTTP interface of a server.

One process can open one folder of chdb at a time, so all tests of a process share one.
"""

from __future__ import annotations

import atexit
import os
import shutil
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from importlib.util import find_spec
from tempfile import mkdtemp
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from ssl import SSLContext

_LOCK = Lock()
_SHOWN = 40
"""Bytes of a statement that a test can see."""


@cache
def folder() -> str:
    """Return the folder of this process's ClickHouse, which is removed when it ends."""
    made, owner = mkdtemp(prefix="clickhouse-"), os.getpid()

    def remove() -> None:
        if os.getpid() == owner:  # not when a forked process ends
            shutil.rmtree(made, ignore_errors=True)

    atexit.register(remove)
    return made


@cache
def _session() -> Any:  # noqa: ANN401 - chdb has no types
    return import_module("chdb.session").Session(folder())


def needed() -> None:
    """Skip the test if chdb is not installed; with CI set it fails."""
    if find_spec("chdb") is None:
        if os.environ.get("CI"):
            pytest.fail("chdb is not installed: pip install 'agent-journal[chdb]'")
        pytest.skip("chdb is not installed: pip install 'agent-journal[chdb]'")


def run(sql: str) -> bytes:
    """Run a statement, as the server does."""
    with _LOCK:
        found = _session().query(sql)
    return found if isinstance(found, bytes) else bytes(found.bytes())


class Server:
    """A server that runs what it gets.

    Args:
        tls: its certificate; None for HTTP.

    Attributes:
        url: its address.
        before, after: called with the number of each request, before and after it is run; if one
            returns True, the connection ends without an answer.
        is_down: whether it answers each request with an error.
        requests: how many it got.
        statement: the beginning of the one that it got last.
        users: the values of the header `Authorization`.
    """

    def __init__(self, tls: SSLContext | None = None) -> None:
        self.before: Callable[[int], bool] = lambda _: False
        self.after: Callable[[int], bool] = lambda _: False
        self.is_down = False
        self.requests = 0
        self.statement = b""
        self.users: set[str | None] = set()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                server.requests += 1
                server.statement = body[:_SHOWN]
                number = server.requests
                server.users.add(self.headers["Authorization"])
                self.close_connection = server.before(number)
                if self.close_connection:
                    return
                code, answer = server.answer(body)
                self.close_connection = server.after(number)
                if self.close_connection:
                    return
                self.send_response(code)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                """Write nothing."""

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """Write nothing: tests kill clients."""

        self._http = Quiet(("127.0.0.1", 0), Handler)
        if tls is not None:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True)
        scheme = "http" if tls is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self._http.server_address[1]}"
        # it looks so often whether it was closed, and each test closes one
        Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, body: bytes) -> tuple[int, bytes]:
        """Run a request; return the status and the answer."""
        if self.is_down:
            return 503, b"the server is down"
        try:
            return 200, run(body.decode())
        except Exception as error:  # noqa: BLE001 - as a server answers
            return 400, str(error).encode()

    def close(self) -> None:
        """Stop."""
        self._http.shutdown()
        self._http.server_close()


@contextmanager
def serving(tls: SSLContext | None = None) -> Iterator[Server]:
    """Run a server."""
    server = Server(tls)
    try:
        yield server
    finally:
        server.close()
