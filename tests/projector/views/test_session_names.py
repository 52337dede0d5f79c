"""Short ids of sessions, and which session a text names."""

from __future__ import annotations

from uuid import UUID

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from projector.errors import NotFound
from projector.views.session_names import find_session, short_ids


def database(*names: str, deleted: tuple[str, ...] = ()) -> apsw.Connection:
    """Return a database with these sessions, and what the functions read of them."""
    db = apsw.Connection(":memory:")
    db.execute("CREATE TABLE _sessions(session TEXT UNIQUE, known, message_total)")
    rows = [(name, 1, 1) for name in names] + [(name, 0, 0) for name in deleted]
    db.executemany("INSERT INTO _sessions VALUES (?, ?, ?)", rows)
    return db


alike = st.text(st.sampled_from("ab0-_:/北 %+"), min_size=1, max_size=24)
ids = st.sets(
    st.uuids().map(str)
    | alike
    | st.builds("".join, st.lists(st.sampled_from(("same/folder/", "x" * 40, "7")), min_size=1)),
    min_size=1,
    max_size=12,
)


@given(ids)
def test_a_short_id_names_its_session(names: set[str]) -> None:
    """Each short id finds the session it was made for, however alike the ids are."""
    db = database(*names)
    short = short_ids(db, names)
    assert {name: find_session(db, text) for name, text in short.items()} == {n: n for n in names}
    assert max(map(len, short.values())) <= 20


@pytest.mark.parametrize(
    ("id", "others", "short"),
    [
        ("8e1f2a3b-1c2d-4000-8000-000000000001", (), "8e1f2a3b"),
        ("019f0675-387a-79c2-9e8d-1", ("019f0675-3901-79c2-9e8d-2",), "019f0675-387a"),
        ("20260101_120000_abc123", ("20260101_130000_abd123",), "20260101_120000"),
        ("20260101_120000_abc123", ("20260101_120000_abd123",), "20260101_120000_abc"),
        ("agent-a1", (), "agent-a1"),
        ("/home/u/a/chat.jsonl:17", ("/home/u/b/chat.jsonl:18",), "jsonl:17"),
        ("x" * 300 + "1", ("x" * 300 + "2",), "xxxxxxx1"),
        ("x" * 150 + "1" + "x" * 150, ("x" * 150 + "2" + "x" * 150,), "+87291cf4"),
        ("北京的天气怎么样请你今天告诉我", (), "+cdfb06dc"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_short_ids_of_sources(id: str, others: tuple[str, ...], short: str) -> None:
    """The beginning that no other id has, else the end, else a hash; at the end of a word."""
    assert short_ids(database(id, *others), [id]) == {id: short}


def test_deleted_sessions_do_not_count() -> None:
    """A session that is deleted is not found, and makes no other one's short id longer."""
    db = database("abcdefgh-one-and-only", deleted=("abcdefgh-two-is-deleted",))
    assert short_ids(db, ["abcdefgh-one-and-only"]) == {"abcdefgh-one-and-only": "abcdefgh"}
    assert find_session(db, "abcdefgh") == "abcdefgh-one-and-only"
    with pytest.raises(NotFound, match="no session matches 'abcdefgh-two'"):
        find_session(db, "abcdefgh-two")


def test_an_id_comes_before_a_beginning_and_that_before_an_end() -> None:
    """A text that could mean several sessions means the nearest."""
    db = database("ab", "abc", "cab", "xc")
    assert find_session(db, "ab") == "ab"
    assert find_session(db, "abc") == "abc"
    assert find_session(db, "c") == "cab"
    assert find_session(db, "bc") == "abc"


def test_an_ambiguous_text_lists_what_it_could_mean() -> None:
    """Long ids are listed by short ones; at most five are."""
    long = [f"session-{'x' * 60}-{number}" for number in (10, 11)]
    with pytest.raises(NotFound, match=r"several sessions match 'session': xxxxx-10, xxxxx-11;"):
        find_session(database(*long), "session")
    names = [str(UUID(int=number, version=4)) for number in range(9)]
    with pytest.raises(NotFound, match=r"'0000': 00000000-.*, \.\.\.; give more of the id"):
        find_session(database(*names), "0000")
    with pytest.raises(NotFound, match="several sessions match '1': a1, b1;"):
        find_session(database("a1", "b1"), "1")
