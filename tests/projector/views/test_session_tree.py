"""Sessions are shown below the session that they continue or belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal import Journal
from journal.format.event_types import MESSAGE_APPENDED, SESSION_CREATED
from projector import Projection, session_tree

if TYPE_CHECKING:
    from pathlib import Path

_START = 1_767_225_600_000_000


def _append(path: Path, tree: dict[str, str | None]) -> None:
    """Append a session for each entry, a second apart, and what is above it."""
    with Journal.open(path) as journal:
        for second, (session, parent) in enumerate(tree.items()):
            if parent is not None:
                data: dict[str, object] = {"parent": parent}
                journal.append(session=session, type=SESSION_CREATED, data=data)
            data = {"role": "user", "content": "hi", "timestamp": _START + second * 1_000_000}
            journal.append(session=session, type=MESSAGE_APPENDED, data=data)


def _tree(path: Path, *, limit: int = 20, offset: int = 0) -> list[tuple[int, str]]:
    with Projection.open(path) as projection:
        nodes = projection.read(lambda db: session_tree(db, limit=limit, offset=offset))[0]
    return [(node.depth, node.view.session) for node in nodes]


def test_sessions_follow_their_parents_and_the_latest_tree_comes_first(journal_dir: Path) -> None:
    """A page is of trees; a session whose parent is not there has a tree of its own."""
    tree = {"a": None, "b": None, "child": "a", "lost": "never", "grandchild": "child", "x": "a"}
    _append(journal_dir, tree)
    whole = [(0, "a"), (1, "child"), (2, "grandchild"), (1, "x"), (0, "lost"), (0, "b")]
    assert _tree(journal_dir) == whole
    assert _tree(journal_dir, limit=1) == whole[:4]
    assert _tree(journal_dir, limit=1, offset=2) == whole[5:]


def test_a_cycle_of_parents_is_shown_once(journal_dir: Path) -> None:
    """Two sessions that name each other, and one below them."""
    _append(journal_dir, {"b": "a", "a": "b", "c": "b"})
    assert _tree(journal_dir) == [(0, "a"), (1, "b"), (2, "c")]
