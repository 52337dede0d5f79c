"""Sessions and messages as readers get them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from journal import Journal
from projector import NotFound, Projection
from projector.views.messages import around, messages, placed
from tests.support.projections import Fact, catch_up, facts, message, scratch, write_lane

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from journal.format.fields.message import MoreMessageFields

T = 1_700_000_000_000_000
"""Microseconds: the time of the made-up conversations."""


@pytest.fixture
def journal(journal_dir: Path) -> Iterator[Journal]:
    """An empty journal."""
    with Journal.open(journal_dir) as journal:
        yield journal


@pytest.fixture
def projection(journal: Journal) -> Iterator[Projection]:
    """The projection of that journal."""
    with Projection.open(journal.path) as projection:
        yield projection


def _session(journal: Journal, session: str, type: str, **data: Any) -> None:  # noqa: ANN401 - any fields
    journal.append(session=session, type=f"session.{type}", data=data)


def test_a_session_has_the_fields_of_its_events(journal: Journal, projection: Projection) -> None:
    """Every field of a session's events is in its view, and its messages are counted."""
    extra = {"branch": "main"}
    _session(journal, "s1", "created", source="cli", model="m", cwd="/w", parent="s0", extra=extra)
    _session(journal, "s1", "titled", title="Docker on Fridays")
    journal.append_message("s1", "user", "hello", timestamp=T)
    journal.append_message("s1", "assistant", "hi", timestamp=T + 5)
    _session(journal, "s1", "ended", reason="done", ended=T + 9)
    view = projection.session("s1")
    assert (view.session, view.title, view.source) == ("s1", "Docker on Fridays", "cli")
    assert (view.model, view.cwd, view.parent) == ("m", "/w", "s0")
    assert (view.started, view.last, view.messages) == (T, T + 5, 2)
    assert (view.ended, view.end_reason, view.extra) == (T + 9, "done", extra)


def test_sessions_are_sorted_by_their_latest_message(
    journal: Journal, projection: Projection
) -> None:
    """Sessions are listed from the latest last message; those without messages come last."""
    journal.append_message("old", "user", "x", timestamp=T)
    journal.append_message("new", "user", "x", timestamp=T + 2)
    journal.append_message("middle", "user", "x", timestamp=T + 1)
    _session(journal, "silent", "titled", title="no messages")
    names = [view.session for view in projection.sessions()]
    assert names == ["new", "middle", "old", "silent"]
    assert [view.session for view in projection.sessions(limit=2, offset=1)] == names[1:3]


def test_a_unique_prefix_of_an_id_is_enough(journal: Journal, projection: Projection) -> None:
    """A unique prefix finds the session; wildcards of SQL have no meaning in it."""
    for name in ("abc-1", "abc-2", "b%d", "b_d-9", "abc"):
        journal.append_message(name, "user", "x")
    assert projection.session("abc-1").session == "abc-1"
    assert projection.session("b_").session == "b_d-9"
    assert projection.session("b%").session == "b%d"
    assert projection.session("abc").session == "abc", "an exact id is not ambiguous"
    with pytest.raises(NotFound, match="several sessions match 'abc-': abc-1, abc-2"):
        projection.session("abc-")
    for missing in ("%", "zzz", "ABC"):
        with pytest.raises(NotFound, match="no session matches"):
            projection.session(missing)


def test_messages_are_in_the_order_of_the_conversation(
    journal: Journal, projection: Projection
) -> None:
    """Messages are sorted by their date, and an answer comes after the message it answers."""
    journal.append_message("s", "assistant", "third", id="m3", timestamp=T + 1, parent="m2")
    journal.append_message("s", "user", "first", id="m1", timestamp=T)
    journal.append_message("s", "user", "second", id="m2", timestamp=T + 2, parent="m1")
    assert [view.content for view in projection.messages("s")] == ["first", "second", "third"]
    assert [view.time for view in projection.messages("s")] == [T, T + 2, T + 1]


def test_a_message_has_every_field_that_was_given(journal: Journal, projection: Projection) -> None:
    """A message's view has each field that was given, and no other."""
    call = {"id": "c1", "type": "function", "function": {"name": "run", "arguments": "{}"}}
    fields: MoreMessageFields = {
        "tool_calls": [call],
        "token_count": 7,
        "finish_reason": "stop",
        "reasoning": "because",
        "model": "m",
        "parent": "m0",
        "extra": {"deep": [1, None]},
    }
    parts = [{"type": "text", "text": "hello"}, "and more"]
    given = fields | {"timestamp": T, "source": "web"}
    journal.append_message("s", "assistant", parts, id="m1", **given)
    (view,) = projection.messages("s")
    assert (view.id, view.role, view.content, view.source) == ("m1", "assistant", parts, "web")
    assert (view.time, view.revised) == (T, False)
    assert view.fields == {**fields, "timestamp": T}


def test_a_message_inherits_the_source_of_its_session(
    journal: Journal, projection: Projection
) -> None:
    """A message without a source has the source of its session."""
    _session(journal, "s", "created", source="cli")
    journal.append_message("s", "user", "x", id="m1")
    journal.append_message("s", "user", "x", id="m2", source="web")
    assert {view.id: view.source for view in projection.messages("s")} == {"m1": "cli", "m2": "web"}
    assert len(projection.search("x", source="cli").hits) == 1


@pytest.mark.parametrize(
    "call",
    [
        {"tool_calls": [{"id": "c1", "type": "function", "function": {"name": "grep"}}]},
        {"content": [{"type": "tool_use", "id": "c1", "name": "grep", "input": {}}]},
    ],
)
def test_a_tool_result_has_the_tool_name_of_its_call(
    journal: Journal, projection: Projection, call: dict[str, Any]
) -> None:
    """A result without a tool name has the name of the call that it answers."""
    data = {"role": "assistant", "timestamp": T, **call}
    journal.append(session="s", type="message.appended", data=data)
    journal.append_message("s", "tool", "found", tool_call_id="c1", timestamp=T + 1)
    journal.append_message("s", "tool", "found", tool_call_id="c9", timestamp=T + 2)
    named = [view.fields.get("tool_name") for view in projection.messages("s")]
    assert named == [None, "grep", None]


def test_a_revised_message_shows_its_revision(journal: Journal, projection: Projection) -> None:
    """The revision is shown in views and found in search, and the view says that it is revised."""
    journal.append_message("s", "user", "teh cat", id="m1")
    data = {"message": "m1", "content": "the cat"}
    journal.append(session="s", id="r1", type="message.revised", data=data)
    (view,) = projection.messages("s")
    assert (view.content, view.revised) == ("the cat", True)
    assert len(projection.search('"the cat"').hits) == 1
    assert not projection.search("teh").hits


def test_an_unknown_session_has_no_messages(projection: Projection) -> None:
    """An unknown session gives an empty list of messages."""
    with pytest.raises(NotFound, match="no session has the id 'nowhere'"):
        projection.messages("nowhere")


def test_context_is_a_part_of_the_conversation(tmp_path: Path) -> None:
    """The neighbours of a message are those of the whole conversation, also at equal times.

    Lanes are numbered by arrival, so equal places and times are ordered by the lane's uuid.
    """
    write_lane(
        tmp_path / "lanes",
        "1",
        [Fact("z", n, message(f"z{n}", "x", time=T, timestamp=T)) for n in range(1, 4)],
    )
    write_lane(
        tmp_path / "lanes",
        "2",
        [Fact("a", n, message(f"a{n}", "x", time=T, timestamp=T)) for n in range(1, 4)],
    )
    with scratch(tmp_path / "1.db") as db:
        catch_up(db, tmp_path / "lanes")
        whole = [view.id for view in messages(db, "s")]
        assert whole == ["a1", "a2", "a3", "z1", "z2", "z3"]
        for row, key in db.execute("SELECT id, event_id FROM _events").fetchall():
            before, after = around(db, placed(db, int(str(row))), 2)
            at = whole.index(str(key))
            assert [view.id for view in before] == whole[max(at - 2, 0) : at]
            assert [view.id for view in after] == whole[at + 1 : at + 3]
        with pytest.raises(NotFound, match="1000000000"):
            placed(db, 10**9)


def test_facts_are_a_microsecond_apart() -> None:
    """Two events that these tests append have different times."""
    first, second = facts(message("m1", "a"), message("m2", "b"))
    assert second.event.time - first.event.time == 1
