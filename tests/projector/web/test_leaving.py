"""What is made for a browser that does not wait any more is ended, by raw sockets."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from journal import Journal
from projector.web import urls
from projector.web.pages import search
from projector.web.reading import READERS
from tests.projector.web.served import served

if TYPE_CHECKING:
    from collections.abc import Iterator

    import apsw

    from journal.segments.machines import Machines
    from projector.search.find import SearchRequest
    from tests.projector.web.served import Served

_LONG = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 900000000)"
    " SELECT sum(i) FROM n"
)
"""A query that takes minutes."""
_PATIENCE = 10.0


class Searches:
    """Searches that take minutes, for each query but `quick`."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.ended = threading.Semaphore(0)
        self.errors: list[BaseException] = []
        self.queries: list[str] = []
        self._find = search._find

    def find(self, db: apsw.Connection, asked: SearchRequest, machines: Machines) -> object:
        """Query."""
        self.queries.append(asked.query.text)
        self.begun.release()
        if asked.query.text != "quick":
            try:
                db.execute(_LONG).fetchall()
            except BaseException as error:
                self.errors.append(error)
                raise
            finally:
                self.ended.release()
        return self._find(db, asked, machines)


@pytest.fixture(scope="module")
def viewer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A viewer of one message."""
    path = tmp_path_factory.mktemp("leaving") / "journal"
    with Journal.open(path) as journal:
        journal.append_message("s1", "user", "be quick", id="m1")
    with served(path) as found:
        yield found


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> Searches:
    """Searches of the viewer, which take long."""
    found = Searches()
    monkeypatch.setattr(search, "_find", found.find)
    return found


def _ask(viewer: Served, query: str) -> socket.socket:
    asking = socket.create_connection(("127.0.0.1", viewer.port), timeout=_PATIENCE)
    target = urls.page(urls.SEARCH, q=query)
    asking.sendall(f"GET {target} HTTP/1.1\r\nHost: {viewer.host}\r\n\r\n".encode())
    return asking


def test_a_search_ends_when_its_reader_leaves(viewer: Served, searches: Searches) -> None:
    """Its query is interrupted within a moment, and the handle answers the next search."""
    asking = _ask(viewer, "slow")
    assert searches.begun.acquire(timeout=_PATIENCE)
    assert not searches.ended.acquire(timeout=0.2)  # it goes on while its reader waits
    left = time.monotonic()
    asking.close()
    assert searches.ended.acquire(timeout=_PATIENCE)
    assert time.monotonic() - left < 1.0
    assert len(searches.errors) == 1
    for _ in range(READERS):
        answer = viewer.get(urls.page(urls.SEARCH, q="quick"))
        assert (answer.status, "<mark>quick</mark>" in answer.text) == (200, True)


def test_a_search_that_waits_for_a_thread_is_not_begun(viewer: Served, searches: Searches) -> None:
    """All threads are taken; of two that wait, the one whose reader stays is answered."""
    taken = [_ask(viewer, f"slow {number}") for number in range(READERS)]
    for _ in taken:
        assert searches.begun.acquire(timeout=_PATIENCE)
    gone = _ask(viewer, "gone")
    stays = _ask(viewer, "quick")
    time.sleep(0.1)
    gone.close()
    time.sleep(0.1)
    for each in taken:
        each.close()
    assert stays.recv(64).startswith(b"HTTP/1.1 200 ")
    stays.close()
    assert "gone" not in searches.queries


def test_who_closes_half_of_a_connection_has_left(viewer: Served, searches: Searches) -> None:
    """No browser does it; the server cannot tell whether it reads on."""
    asking = _ask(viewer, "slow")
    assert searches.begun.acquire(timeout=_PATIENCE)
    asking.shutdown(socket.SHUT_WR)
    assert searches.ended.acquire(timeout=_PATIENCE)
    asking.close()
