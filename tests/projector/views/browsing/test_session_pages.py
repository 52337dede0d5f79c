"""The list of sessions by the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from journal import Journal
from projector.projection import Projection
from projector.views.browsing.session_pages import LastSaid, children_of, last_said, session_page
from projector.views.session_filters import SessionFilters

if TYPE_CHECKING:
    from pathlib import Path

    import apsw

_DAY = 86_400_000_000
_BEGIN = 1_700_000_000_000_000


@pytest.fixture
def path(journal_dir: Path) -> Path:
    """A journal with 23 sessions: some have the same date, some have no message."""
    with Journal.open(journal_dir) as journal:
        for number in range(20):
            time = _BEGIN + number // 4 * _DAY
            journal.append_message(f"s{number:02}", "user", "x", id="m1", timestamp=time)
        for number in range(20, 23):
            data = {"source": "cli", "parent": "s00"}
            journal.append(session=f"s{number:02}", type="session.created", data=data)
        call = {"id": "c", "function": {"name": "Bash", "arguments": "{}"}}
        later = _BEGIN + 9 * _DAY
        journal.append_message("s00", "assistant", "y", id="m2", timestamp=later, tool_calls=[call])
    return journal_dir


@pytest.mark.parametrize("size", [1, 3, 20, 23, 100])
def test_pages_fit_together(path: Path, size: int) -> None:
    """Each session is on one page, in the order of the whole list, whatever the size."""

    def pages(db: apsw.Connection) -> list[str]:
        found, mark = [], None
        while True:
            page = session_page(db, after=mark, limit=size)
            assert len(page.sessions) <= size
            found += [view.session for view in page.sessions]
            mark = page.next
            if mark is None:
                return found

    with Projection.open(path) as projection:
        found, _ = projection.read(pages)
        assert found == [view.session for view in projection.sessions(limit=100)]
        assert found[0] == "s00"
        assert found[-3:] == ["s20", "s21", "s22"]


def test_pages_with_a_filter(path: Path) -> None:
    """Only sessions that pass are on them."""
    with Projection.open(path) as projection:
        page, _ = projection.read(
            lambda db: session_page(db, SessionFilters(source="cli"), limit=2)
        )
    assert [view.session for view in page.sessions] == ["s20", "s21"]
    assert page.next is not None


def test_what_was_said_last(path: Path) -> None:
    """The role of the last message, and whether it calls tools; None without one."""
    with Projection.open(path) as projection:
        names = ("s00", "s01", "s20", "nothing")
        found, _ = projection.read(lambda db: [last_said(db, name) for name in names])
        below, _ = projection.read(lambda db: (children_of(db, "s00"), children_of(db, "s01")))
    assert found == [LastSaid("assistant", True), LastSaid("user", False), None, None]  # noqa: FBT003 - fields of a value
    assert below == (3, 0)
