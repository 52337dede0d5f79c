"""Messages, transcripts, rewinding and views, without Hermes."""

from __future__ import annotations

import math
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from journal.process import clock
from projector.adapters.hermes import SessionDB
from projector.adapters.hermes.messages import messages

if TYPE_CHECKING:
    from pathlib import Path

    from projector.projection import Projection


def contents(db: SessionDB, **which: Any) -> list[str]:  # noqa: ANN401 - arguments of get_messages
    """Return the contents of the session `s`."""
    return [row["content"] for row in db.get_messages("s", **which)]


def talk(db: SessionDB, *contents: str) -> list[int]:
    """Append messages of alternating roles; return the ids."""
    roles = ["user", "assistant"]
    return [db.append_message("s", roles[at % 2], text) for at, text in enumerate(contents)]


def test_an_id_is_an_integer_for_later_calls(db: SessionDB) -> None:
    """Ids grow, are exact in JSON, and are the same in rows and searches."""
    ids = talk(db, "one fish", "two fish", "three")
    assert ids == sorted(set(ids))
    assert max(ids) < 2**53
    assert [row["id"] for row in db.get_messages("s")] == ids
    assert {row["id"] for row in db.search_messages("fish")} == set(ids[:2])
    assert [row["id"] for row in db.get_messages_around("s", ids[1], window=1)["window"]] == ids


def test_a_message_needs_no_session_and_keeps_every_field(db: SessionDB) -> None:
    """All arguments are returned; a session that was never created exists."""
    calls = [{"id": "c", "type": "function", "function": {"name": "run", "arguments": "{}"}}]
    db.append_message(
        "s",
        "assistant",
        content=[{"type": "text", "text": "hi"}],
        tool_calls=calls,
        finish_reason="stop",
        token_count=3,
        reasoning="why",
        reasoning_content="",
        reasoning_details=[{"n": 1}],
        codex_reasoning_items=[{"id": "r"}],
        platform_message_id="p",
        observed=True,
        effect_disposition="done",
        timestamp="1700000000.5",
        api_content="sent",
    )
    [row] = db.get_messages("s")
    assert row["content"] == [{"type": "text", "text": "hi"}]
    assert row["tool_calls"] == calls
    assert row["reasoning_details"] == '[{"n": 1}]'
    assert (row["timestamp"], row["observed"], row["active"], row["compacted"]) == (
        1_700_000_000.5,
        1,
        1,
        0,
    )
    [message] = db.get_messages_as_conversation("s")
    assert message == {
        "role": "assistant",
        "content": [{"type": "text", "text": "hi"}],
        "api_content": "sent",
        "effect_disposition": "done",
        "tool_calls": calls,
        "message_id": "p",
        "observed": True,
        "finish_reason": "stop",
        "reasoning": "why",
        "reasoning_content": "",
        "reasoning_details": [{"n": 1}],
        "codex_reasoning_items": [{"id": "r"}],
    }
    assert db.get_session("s") is not None
    assert db.has_platform_message_id("s", "p")
    assert not db.has_platform_message_id("s", "q")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (5, "5"),
        (True, "1"),
        (b"bytes \xff", "bytes \ufffd"),
        ("half \ud83d", "half \ufffd"),
        (
            [{"text": "half \ud83d, whole \ud83d\ude00"}],
            [{"text": "half \ufffd, whole \U0001f600"}],
        ),
        ({"an": "object"}, {"an": "object"}),
        ([math.nan], "[nan]"),
        ([2**64], "[18446744073709551616]"),
        (["a", ("b",)], ["a", ["b"]]),
    ],
)
def test_content_that_json_cannot_represent_is_stored(
    db: SessionDB, given: object, kept: object
) -> None:
    """A value that is no JSON is stored as Hermes stores it, or as its text."""
    db.append_message("s", "user", given)
    assert [row["content"] for row in db.get_messages("s")] == [kept]


def test_messages_stay_in_the_order_of_writing(
    db: SessionDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A timestamp in the past, or a clock that is set back, moves no message."""
    db.append_message("s", "user", "a")
    db.append_message("s", "user", "b", timestamp=1_700_000_000)
    db.append_message("s", "user", "c", timestamp=1_600_000_000)
    db.append_message("s", "user", "no moment at all", timestamp="yesterday")
    now = clock.wall()
    monkeypatch.setattr(clock, "wall", lambda: now - 10**9)
    db.append_message("s", "user", "d")
    assert contents(db) == ["a", "b", "c", "no moment at all", "d"]
    assert [row["timestamp"] for row in db.get_messages("s")][1:3] == [1.7e9, 1.6e9]


def test_another_handle_continues_after_the_last_message(db: SessionDB) -> None:
    """The first message of another handle is read last, also with an earlier timestamp."""
    talk(db, "a", "b")
    db.get_messages("s")
    with SessionDB(db.db_path) as other:
        other.append_message("s", "user", "c", timestamp=1_700_000_000)
        assert contents(other) == ["a", "b", "c"]


def test_pages_are_in_order(db: SessionDB) -> None:
    """`limit` and `offset` select a page; a negative limit is no limit."""
    talk(db, *"abcde")
    assert contents(db, limit=2, offset=1) == ["b", "c"]
    assert contents(db, offset=3) == ["d", "e"]
    assert contents(db, limit=-1) == [*"abcde"]
    assert contents(db, limit=0) == []


def test_a_new_transcript_replaces_everything(db: SessionDB) -> None:
    """The old messages are removed, inactive ones too, and are not found."""
    ids = talk(db, "old fish", "old answer", "older")
    db.rewind_to_message("s", ids[2])
    db.replace_messages("s", [{"role": "user", "content": "new"}, {"content": "without a role"}])
    assert contents(db, include_inactive=True) == ["new", "without a role"]
    assert [row["role"] for row in db.get_messages("s")] == ["user", "unknown"]
    assert db.search_messages("fish") == []
    assert not db.has_archived_messages("s")
    row = db.get_session("s")
    assert row is not None
    assert row["message_count"] == 2


def test_only_active_messages_are_replaced_on_request(db: SessionDB) -> None:
    """With `active_only`, archived and rewound messages keep their state."""
    ids = talk(db, "a fish", "b", "c")
    db.rewind_to_message("s", ids[2])
    assert db.archive_and_compact("s", [{"role": "user", "content": "in short"}]) == 1
    db.replace_messages("s", [{"role": "user", "content": "new"}], active_only=True)
    rows = db.get_messages("s", include_inactive=True)
    assert [(row["content"], row["active"], row["compacted"]) for row in rows] == [
        ("a fish", 0, 1),
        ("b", 0, 1),
        ("c", 0, 0),
        ("new", 1, 0),
    ]
    assert db.has_archived_messages("s")
    assert len(db.search_messages("fish")) == 1
    assert db.search_messages("short") == []


def test_a_transcript_that_is_too_large_for_a_record_is_replaced(
    db: SessionDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its messages are appended before, without being in the transcript."""
    talk(db, "a", "b")
    monkeypatch.setattr(messages, "_ONE_RECORD", 10)
    transcript = [{"role": "user", "content": text} for text in ("x", "y", "z")]
    db.replace_messages("s", transcript)
    assert contents(db, include_inactive=True) == ["x", "y", "z"]
    db.append_message("s", "user", "behind")
    assert contents(db) == ["x", "y", "z", "behind"]


def test_what_the_model_was_sent_is_stored_with_the_users_last_message(db: SessionDB) -> None:
    """It is stored if the content is that of the message; nothing else changes."""
    assert db.set_latest_user_api_content("s", "a", "sent") == 0
    db.append_message("s", "user", "a", platform_message_id="p")
    assert db.set_latest_user_api_content("s", "another", "sent") == 0
    assert db.set_latest_user_api_content("s", "a", "sent") == 1
    [row] = db.get_messages("s")
    assert (row["api_content"], row["platform_message_id"]) == ("sent", "p")


def test_a_rewind_can_be_undone(db: SessionDB) -> None:
    """Rewound messages are inactive and not found, until they are restored."""
    ids = talk(db, "a", "b", "c fish", "d")
    with pytest.raises(ValueError, match=r"message 7 not found in session s"):
        db.rewind_to_message("s", 7)
    with pytest.raises(ValueError, match=r"must be a 'user' message \(got role='assistant'"):
        db.rewind_to_message("s", ids[1])
    answer = db.rewind_to_message("s", ids[2])
    assert (answer["rewound_count"], answer["new_head_id"]) == (2, ids[1])
    assert answer["target_message"]["content"] == "c fish"
    assert contents(db) == ["a", "b"]
    assert contents(db, include_inactive=True) == ["a", "b", "c fish", "d"]
    assert db.search_messages("fish") == []
    row = db.get_session("s")
    assert row is not None
    assert row["rewind_count"] == 1
    assert [m["preview"] for m in db.list_recent_user_messages("s")] == ["a"]
    assert db.restore_rewound("s", ids[3]) == 1
    assert contents(db) == ["a", "b", "d"]
    assert db.restore_rewound("s", 0) == 1
    assert len(db.search_messages("fish")) == 1
    assert db.rewind_to_message("s", ids[0])["new_head_id"] is None


def test_a_long_session_is_shown_in_parts(db: SessionDB) -> None:
    """A view has a window around a message, and the first and last messages."""
    ids = talk(db, *(f"m{n}" for n in range(12)))
    db.append_message("s", "tool", "noise")
    view = db.get_anchored_view("s", ids[6], window=1, bookend=2)
    assert [row["content"] for row in view["window"]] == ["m5", "m6", "m7"]
    assert (view["messages_before"], view["messages_after"]) == (1, 1)
    assert [row["content"] for row in view["bookend_start"]] == ["m0", "m1"]
    assert [row["content"] for row in view["bookend_end"]] == ["m10", "m11"]
    assert db.get_messages_around("s", 5) == {
        "window": [],
        "messages_before": 0,
        "messages_after": 0,
    }
    assert db.get_anchored_view("s", 5)["bookend_start"] == []


def test_a_conversation_includes_its_ancestors(db: SessionDB) -> None:
    """Their messages come first, and a repeated message of the user is included once."""
    db.append_message("s", "user", " a ")
    db.append_message("s", "assistant", "b")
    db.append_message("s", "user", "go on")
    db.create_session("t", "cli", parent_session_id="s")
    db.append_message("t", "user", "go on")
    db.append_message("t", "assistant", "c")
    whole = db.get_messages_as_conversation("t", include_ancestors=True)
    assert [message["content"] for message in whole] == ["a", "b", "go on", "c"]
    model, shown = db.get_resume_conversations("t")
    assert [message["content"] for message in model] == ["go on", "c"]
    assert shown == whole
    prefix = db.get_ancestor_display_prefix("t")
    assert [message["content"] for message in prefix] == ["a", "b", "go on"]
    assert db.get_ancestor_display_prefix("s") == []


def test_a_message_is_appended_while_the_projection_cannot_be_read(db: SessionDB) -> None:
    """A damaged projection loses no append."""
    talk(db, "a")
    db.get_messages("s")
    projection: Projection = db._store.projection
    folder = db._store.journal.path / "projection"
    for path in folder.glob("*.db*"):
        path.write_bytes(b"no database at all")
    projection._reader.release()
    with SessionDB(db.db_path) as other:
        other.append_message("s", "assistant", "b", timestamp=1_700_000_000)
    assert sorted(contents(db)) == ["a", "b"]


def test_a_read_only_handle_appends_nothing(db: SessionDB, tmp_path: Path) -> None:
    """It reads; a write raises what Hermes's read-only connection raises."""
    talk(db, "a")
    with SessionDB(db.db_path, read_only=True) as reader:
        assert contents(reader) == ["a"]
        for write in (
            lambda: reader.append_message("s", "user", "b"),
            lambda: reader.replace_messages("s", []),
            lambda: reader.rewind_to_message("s", 1),
            lambda: reader.set_meta("k", "v"),
            lambda: reader.try_acquire_compression_lock("s", "h"),
            reader.vacuum,
        ):
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                write()
    with pytest.raises(sqlite3.OperationalError):
        SessionDB(tmp_path / "nowhere.db", read_only=True)


@pytest.mark.slow
def test_values_that_no_record_can_hold_are_shortened(db: SessionDB) -> None:
    """Texts over 16 MiB, deep nesting and an empty role raise no error, as in Hermes."""
    large = "x" * 17_000_000
    deep: list[Any] = []
    for _ in range(300):
        deep = [deep]
    db.append_message("s", "tool", large, tool_call_id="c1")
    db.append_message("s", "assistant", "short", reasoning=large)
    db.append_message("s", "assistant", tool_calls=[{"function": {"arguments": large}}])
    db.append_message("s", "user", deep)
    db.append_message("s", "", "nobody")
    rows = db.get_messages("s")
    assert [row["role"] for row in rows] == ["tool", "assistant", "assistant", "user", ""]
    assert rows[0]["content"].startswith("x" * 2000 + "\n[16,998,000 characters more")
    assert rows[0]["tool_call_id"] == "c1"
    assert (rows[1]["content"], rows[1]["reasoning"]) == ("short", None)
    assert rows[2]["content"].startswith("[Not stored: tool_calls: the record of ")
    assert rows[4]["content"] == "nobody"
    db.replace_messages("s", [{"role": "user", "content": large}, {"role": "", "content": "b"}])
    rows = db.get_messages("s")
    assert [row["role"] for row in rows] == ["user", ""]
    assert rows[0]["content"].startswith("x" * 2000)
