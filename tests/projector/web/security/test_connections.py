"""Slow and many readers, by raw sockets: what they hold is bounded and given back."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from journal import Journal
from projector.web import urls
from projector.web.export.download import MOST as DOWNLOADS
from projector.web.live.stream import MOST as STREAMS
from projector.web.security import connection
from projector.web.security.connection import MOST as CONNECTIONS
from tests.projector.web.served import served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.projector.web.served import Served

_SIZE = 1_000_000


@pytest.fixture(scope="module")
def viewer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A viewer of a session with a very long message, which waits half a second for a reader."""
    path = tmp_path_factory.mktemp("connections") / "journal"
    with Journal.open(path) as journal:
        journal.append_message("s1", "user", "x" * _SIZE, id="m1")
    with pytest.MonkeyPatch.context() as patch, served(path) as found:
        patch.setattr(connection, "PATIENCE", 0.5)
        yield found


def _ask(stack: ExitStack, viewer: Served, target: str, method: str = "GET") -> socket.socket:
    """Send a request and read nothing; the system takes little of the answer in advance."""
    asking = stack.enter_context(socket.socket())
    asking.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    asking.settimeout(20)
    asking.connect(("127.0.0.1", viewer.port))
    asking.sendall(f"{method} {target} HTTP/1.1\r\nHost: {viewer.host}\r\n\r\n".encode())
    return asking


def _status(asking: socket.socket) -> int:
    return int(asking.recv(64).split()[1])


def _soon(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_streams_are_counted_and_their_places_given_back(viewer: Served) -> None:
    """Of more that ask at one moment, exactly so many are answered; who leaves makes room."""
    with ExitStack() as stack:
        asked = [_ask(stack, viewer, "/events") for _ in range(STREAMS + 12)]
        found = [_status(each) for each in asked]
        assert (found.count(200), found.count(503)) == (STREAMS, 12)
    assert _soon(lambda: _is_answered(viewer, "/events?session=s1"))
    with ExitStack() as stack:
        # a stream without a reader would never end
        for _ in range(2 * STREAMS):
            head = viewer.get("/events", method="HEAD")
            assert (head.status, head.body) == (200, b"")
        assert head.headers["content-type"] == "text/event-stream; charset=utf-8"
        for _ in range(STREAMS + 1):
            assert viewer.get("/events?session=none").status == 404
        assert _status(_ask(stack, viewer, "/events")) == 200


def _is_answered(viewer: Served, target: str) -> bool:
    with ExitStack() as stack:
        return _status(_ask(stack, viewer, target)) == 200


def test_downloads_without_a_reader_make_room(viewer: Served) -> None:
    """All places are taken by readers that take nothing; they lose them, and others are served."""
    address = urls.page(urls.EXPORT, id="s1", format="json")
    with ExitStack() as stack:
        stalled = [_ask(stack, viewer, address) for _ in range(DOWNLOADS)]
        assert [_status(each) for each in stalled] == [200] * DOWNLOADS  # they have begun
        assert _soon(lambda: viewer.get(address).status == 200)
        # what is read now ends before the last chunk: the file is not complete
        assert any(not _all_of(each).endswith(b"\r\n0\r\n\r\n") for each in stalled)


def _all_of(asking: socket.socket) -> bytes:
    found = bytearray()
    try:
        while piece := asking.recv(65_536):
            found += piece
    except ConnectionResetError:
        pass
    return bytes(found)


def test_what_waits_for_all_readers_is_bounded(
    viewer: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above the bound the readers that wait longest are left; a reader that reads gets all."""
    monkeypatch.setattr(connection, "PATIENCE", 60.0)
    # the system holds up to half of an answer: two whole ones wait with half of it each
    monkeypatch.setattr(connection, "MOST_WAITING", _SIZE)
    address = urls.page(urls.MESSAGE, session="s1", id="m1")
    with ExitStack() as stack:
        stalled = [_ask(stack, viewer, address) for _ in range(6)]
        time.sleep(
            0.5
        )  # one that is stalled later than the reader below would close its connection
        assert viewer.get(address).body.count(b"x") >= _SIZE
        whole = [len(_all_of(each)) >= _SIZE for each in _ended(stalled)]
        assert whole.count(True) <= 2
        assert len(whole) == 6


def _ended(stalled: list[socket.socket]) -> list[socket.socket]:
    """Return them after a moment, in which the server has left some; none keeps its connection."""
    time.sleep(0.3)
    for each in stalled:
        each.settimeout(1)
    return [_Short(each) for each in stalled]  # type: ignore[misc]


class _Short:
    """Reads as a socket does; a connection that is kept open ends when nothing more comes."""

    def __init__(self, asking: socket.socket) -> None:
        self._asking = asking

    def recv(self, size: int) -> bytes:
        """Return what comes within a second."""
        try:
            return self._asking.recv(size)
        except TimeoutError:
            return b""


def test_who_never_asks_is_left(viewer: Served) -> None:
    """Nothing, half a request, and a byte now and then, before and after another request."""
    with ExitStack() as stack:
        silent = stack.enter_context(socket.create_connection(("127.0.0.1", viewer.port), 20))
        half = stack.enter_context(socket.create_connection(("127.0.0.1", viewer.port), 20))
        half.sendall(b"GET /sessions HTT")
        again = _ask(stack, viewer, "/assets/icon.svg")
        assert _status(again) == 200
        again.sendall(b"GET /")
        for each in (silent, half, again):
            _all_of(each)  # it ends


def test_a_further_connection_is_refused(viewer: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """It gets 503 with the headers of every answer, and there is room again afterwards."""
    monkeypatch.setattr(connection, "PATIENCE", 60.0)
    with ExitStack() as stack:
        for _ in range(CONNECTIONS):
            stack.enter_context(socket.create_connection(("127.0.0.1", viewer.port), 20))
        refused = stack.enter_context(socket.create_connection(("127.0.0.1", viewer.port), 20))
        answer = _all_of(refused)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"content-security-policy: default-src 'none'" in answer.lower()
    assert _soon(lambda: _is_answered(viewer, "/events"))


def test_all_threads_allocate_in_one_heap() -> None:
    """The C library reports one heap after several threads have allocated at one moment."""
    program = (
        "import ctypes, sys, threading\n"
        "from projector.web.serve import share_memory\n"
        "if not hasattr(ctypes.CDLL(None), 'malloc_info'): sys.exit(3)\n"
        "share_memory()\n"
        "gate = threading.Barrier(5)\n"
        "def work():\n"
        "    gate.wait(); bytearray(5000); [bytes(600 + n) for n in range(20000)]; gate.wait()\n"
        "for _ in range(4): threading.Thread(target=work).start()\n"
        "gate.wait(); gate.wait()\n"
        "c = ctypes.CDLL(None); c.fdopen.restype = ctypes.c_void_p\n"
        "c.malloc_info(0, ctypes.c_void_p(c.fdopen(1, b'w'))); c.fflush(None)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, timeout=60, text=True
    )
    if done.returncode == 3:
        pytest.skip("the C library does not report its heaps")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("<heap nr=") == 1
