"""A message that forks repeat counts once, in the session where it is at home."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from journal import Journal
from journal.format.event_types import (
    MESSAGE_APPENDED,
    MESSAGE_ARCHIVED,
    MESSAGE_REMOVED,
    MESSAGE_RESTORED,
    MESSAGE_REVISED,
    SESSION_CREATED,
    SESSION_DELETED,
    USAGE_ADDED,
)
from projector import Projection, Selection, SessionStore
from projector.forgetting.forget import forget

if TYPE_CHECKING:
    from pathlib import Path

    from projector import Hit

_IDS = [f"3f2b8c4e-0000-4000-8000-00000000000{n}" for n in range(6)]
_START = 1_767_225_600_000_000


def _said(session: str, number: int, content: str, *, at: int = 0, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - the fields of a message
    timestamp = _START + 1_000_000 * (at or number)
    data = {"role": "user", "content": content, "timestamp": timestamp, **fields}
    return {"session": session, "id": _IDS[number], "type": MESSAGE_APPENDED, "data": data}


def _event(session: str, type: str, **data: Any) -> dict[str, Any]:  # noqa: ANN401 - the fields of any event
    return {"session": session, "type": type, "data": data}


_PARENT = [_said("parent", 0, "quokka one"), _said("parent", 1, "quokka two")]
_FORK = [
    _said("fork", 0, "quokka one"),
    _said("fork", 1, "quokka two"),
    _said("fork", 2, "wombat", at=9),
]


def _append(path: Path, *events: dict[str, Any]) -> None:
    with Journal.open(path) as journal:
        journal.append_many(events)


def _found(path: Path, query: str, **filters: Any) -> list[tuple[str, str | None]]:  # noqa: ANN401 - filters of a search
    """Return the session and the home of each hit, sorted."""
    with Projection.open(path) as projection:
        hits: list[Hit] = list(projection.search(query, **filters))
    return sorted(((hit.session, hit.home) for hit in hits), key=str)


def _counts(path: Path) -> dict[str, tuple[int, int]]:
    """Return the messages and the replays of each session."""
    with Projection.open(path) as projection:
        return {view.session: (view.messages, view.replays) for view in projection.sessions()}


def test_a_fork_reads_whole_and_each_message_is_found_and_counted_once(journal_dir: Path) -> None:
    """A parent and its fork: search, totals, and the fork's own title, start and preview."""
    _append(journal_dir, *_PARENT, *_FORK)
    assert _found(journal_dir, "quokka") == [("parent", None)] * 2
    assert _found(journal_dir, "wombat") == [("fork", None)]
    with Projection.open(journal_dir) as projection:
        messages = projection.messages("fork")
        assert [(m.content, m.home) for m in messages] == [
            ("quokka one", "parent"),
            ("quokka two", "parent"),
            ("wombat", None),
        ]
        fork, parent = projection.session("fork"), projection.session("parent")
        assert (fork.messages, fork.replays, parent.messages, parent.replays) == (1, 2, 2, 0)
        assert (fork.parent, fork.relation, fork.preview) == ("parent", "fork", "wombat")
        assert fork.started == _START + 9_000_000
        status = projection.status()
        assert (status.messages, status.replays, status.duplicates) == (3, 2, 0)
        forks = projection.read(
            lambda db: db.execute("SELECT session, parent, relation FROM sessions").fetchall()
        )[0]
        assert ("fork", "parent", "fork") in forks


def test_a_search_finds_replays_where_it_is_asked_to(journal_dir: Path) -> None:
    """`include_replays` finds them in every session, or in the one that is asked for."""
    theirs = {"source": "editor"}
    _append(journal_dir, *_PARENT, *_FORK, _event("fork", SESSION_CREATED, **theirs))
    everywhere = _found(journal_dir, "quokka", include_replays=True)
    assert everywhere == [("fork", "parent")] * 2 + [("parent", None)] * 2
    assert _found(journal_dir, "quokka", session="fork") == []
    in_fork = _found(journal_dir, "quokka", session="fork", include_replays=True)
    assert in_fork == [("fork", "parent")] * 2
    assert _found(journal_dir, "quokka", source="editor", include_replays=True) == in_fork
    assert _found(journal_dir, "quokka", role="tool", include_replays=True) == []
    late = _START + 500_000
    with Projection.open(journal_dir) as projection:
        hits = projection.search(
            "quokka", until=late, include_replays=True, sort="oldest", limit=2, offset=1
        )
        assert len(hits) == 1
        first = projection.search("quokka", until=late, include_replays=True)
        assert {(hit.session, hit.home) for hit in first} == {("fork", "parent"), ("parent", None)}


@pytest.mark.slow
@pytest.mark.parametrize("order", [*permutations(range(3))])
def test_the_order_of_arrival_decides_nothing(journal_dir: Path, order: tuple[int, ...]) -> None:
    """Fork first, parent first, and both before what names the parent."""
    named = [_event("fork", SESSION_CREATED, parent="parent")]
    # the fork has the earlier messages of its own: only what it names decides
    early = [_said("fork", 3, "first of all", at=-50), *_FORK]
    parts = [[*_PARENT, _said("parent", 4, "third")], early, named]
    for index in order:
        _append(journal_dir, *parts[index])
        with Projection.open(journal_dir) as projection:
            projection.status()
            projection.sessions()  # it applies what is new
    assert _found(journal_dir, "quokka") == [("parent", None)] * 2
    assert _counts(journal_dir) == {"parent": (3, 0), "fork": (2, 2)}


def test_the_home_is_the_session_without_messages_of_its_own_else_the_earliest(
    journal_dir: Path,
) -> None:
    """No session names a parent: a session that was copied whole comes first."""
    _append(journal_dir, *_FORK, *_PARENT)
    assert _found(journal_dir, "quokka") == [("parent", None)] * 2
    _append(journal_dir, _said("parent", 4, "parent goes on", at=20))
    assert _found(journal_dir, "quokka") == [("fork", None)] * 2
    _append(journal_dir, _said("parent", 5, "earlier, as it turns out", at=3))
    assert _found(journal_dir, "quokka") == [("parent", None)] * 2


def test_a_chain_of_forks_leads_to_the_first_also_over_one_that_lacks_the_message(
    journal_dir: Path,
) -> None:
    """`c` continues `b`, which lacks the message, and that continues `z`."""
    _append(
        journal_dir,
        _said("c", 0, "quokka one"),
        _said("z", 0, "quokka one"),
        _said("z", 1, "late", at=30),
        _event("c", SESSION_CREATED, parent="b"),
        _event("b", SESSION_CREATED, parent="z"),
    )
    assert _found(journal_dir, "quokka") == [("z", None)]
    assert _found(journal_dir, "quokka", include_replays=True) == [("c", "z"), ("z", None)]


def test_a_cycle_of_parents_has_one_home(journal_dir: Path) -> None:
    """Two sessions name each other: the other rules decide."""
    _append(
        journal_dir,
        _said("a", 0, "quokka"),
        _said("b", 0, "quokka"),
        _event("a", SESSION_CREATED, parent="b"),
        _event("b", SESSION_CREATED, parent="a"),
    )
    assert _found(journal_dir, "quokka") == [("a", None)]


@pytest.mark.parametrize("way", ["removed", "deleted", "archived"])
def test_what_goes_at_home_is_at_home_in_the_next_session(journal_dir: Path, way: str) -> None:
    """After a removal the replay is promoted; after a restore it is a replay again."""
    _append(journal_dir, *_PARENT, *_FORK)
    assert _counts(journal_dir)["fork"] == (1, 2)
    with SessionStore.open(journal_dir) as store:
        if way == "deleted":
            store.delete("parent")
        else:
            type = MESSAGE_REMOVED if way == "removed" else MESSAGE_ARCHIVED
            _append(journal_dir, _event("parent", type, messages=_IDS[:2]))
        assert _found(journal_dir, "quokka", session="fork") == [("fork", None)] * 2
        assert _counts(journal_dir)["fork"] == (3, 0)
    if way == "removed":
        _append(journal_dir, _event("parent", MESSAGE_RESTORED, messages=_IDS[:1]))
        assert _found(journal_dir, "quokka") == [("fork", None), ("parent", None)]


def test_a_revision_at_home_leaves_the_replay_its_own_words(journal_dir: Path) -> None:
    """With other words it is another message, and with the same words it is a replay again."""
    _append(journal_dir, *_PARENT, *_FORK)
    _append(journal_dir, _event("parent", MESSAGE_REVISED, message=_IDS[0], content="emu"))
    assert _found(journal_dir, "emu") == [("parent", None)]
    assert _found(journal_dir, '"quokka one"') == [("fork", None)]
    _append(journal_dir, _event("fork", MESSAGE_REVISED, message=_IDS[0], content="emu"))
    assert _found(journal_dir, '"quokka one"') == []
    assert _found(journal_dir, "emu") == [("parent", None)]


def test_to_forget_a_message_forgets_its_replays_and_to_forget_its_session_promotes_them(
    journal_dir: Path,
) -> None:
    """What is found in one session alone is forgotten in all; a session takes only its own."""
    rewritten = [_said("fork", n, f"quokka {n}", at=40 + n, line=f"l{n}") for n in (0, 1)]
    original = [_said("parent", n + 3, f"quokka {n}", line=f"l{n}") for n in (0, 1)]
    _append(journal_dir, *rewritten, *original, _event("fork", SESSION_CREATED, parent="parent"))
    assert _found(journal_dir, "quokka") == [("parent", None)] * 2
    forget(journal_dir, Selection(query='"quokka 0"'))
    assert _found(journal_dir, '"quokka 0"', include_replays=True) == []
    assert _found(journal_dir, "quokka") == [("parent", None)]


def test_a_line_that_says_so_is_a_replay_whatever_its_id_and_time(journal_dir: Path) -> None:
    """The field `line` names what the source copied; equal texts without it are two messages."""
    for session, at in (("a", 1), ("b", 50)):
        for number, line in ((0, "x"), (1, "y")):
            one = _said(session, number, f"quokka {number}", at=at + number, line=f"{line}-1")
            _append(journal_dir, one | {"id": f"{session}{number}"})
        yes = {"role": "user", "content": "quokka yes", "timestamp": _START}
        _append(journal_dir, _event(session, MESSAGE_APPENDED, **yes))
    assert _found(journal_dir, "quokka") == [("a", None)] * 3 + [("b", None)]


def test_usage_of_a_call_that_a_fork_repeats_counts_once(journal_dir: Path) -> None:
    """The same call in two sessions counts where it is at home, until that is deleted.

    A `call` that is no id, such as "all", is another one in each session.
    """
    called = {"input_tokens": 5, "estimated_cost": 0.5, "call": "msg_0123456789abcdef"}
    _append(
        journal_dir,
        *_FORK,
        _event("fork", USAGE_ADDED, **called),
        _event("fork", USAGE_ADDED, input_tokens=7, call="msg_0123456789abcdeg"),
        _event("fork", USAGE_ADDED, output_tokens=1, call="all"),
        _event("parent", USAGE_ADDED, output_tokens=1, call="all"),
        *_PARENT,
        _event("parent", USAGE_ADDED, **called),
        _event("parent", USAGE_ADDED, **{**called, "input_tokens": 6}),
    )
    with Projection.open(journal_dir) as projection:
        totals = {view.session: view.usage for view in projection.sessions()}
        assert totals["parent"] == {"input_tokens": 6, "output_tokens": 1, "estimated_cost": 0.5}
        assert totals["fork"] == {"input_tokens": 7, "output_tokens": 1}
    _append(journal_dir, _event("parent", SESSION_DELETED))
    with Projection.open(journal_dir) as projection:
        used = projection.session("fork").usage
        assert used == {"input_tokens": 12, "output_tokens": 1, "estimated_cost": 0.5}


def test_a_replay_is_not_in_the_index(journal_dir: Path) -> None:
    """The full-text index has as many texts as there are messages at home."""
    _append(journal_dir, *_PARENT, *_FORK)
    with Projection.open(journal_dir) as projection:
        query = "SELECT count(*) FROM fts_docsize"
        assert projection.read(lambda db: db.execute(query).get)[0] == 3
