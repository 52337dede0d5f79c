"""Searching as in Hermes, without Hermes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from projector.reading.private import beside
from tests.support.projections import projector

if TYPE_CHECKING:
    from projector.adapters.hermes import SessionDB


def fill(db: SessionDB) -> None:
    """Append messages to three sessions."""
    db.create_session("a", "cli", model="m1")
    db.append_message("a", "user", "Where is docker compose?")
    db.append_message("a", "assistant", "docker is in CI")
    db.append_message("a", "tool", "docker: not found", tool_name="terminal")
    db.create_session("b", "telegram")
    db.append_message("b", "user", "北京的天气 docker")
    db.create_session("c", "tool")
    db.append_message("c", "user", "docker behind the scenes " + "and so on " * 60)


def test_a_hit_has_hermes_keys(db: SessionDB) -> None:
    """Matches are marked, and the messages around a hit are included, each shortened."""
    fill(db)
    [hit] = db.search_messages("compose")
    assert list(hit) == [
        "id",
        "session_id",
        "role",
        "snippet",
        "timestamp",
        "tool_name",
        "source",
        "model",
        "session_started",
        "context",
    ]
    assert hit["snippet"] == "Where is docker >>>compose<<<?"
    assert (hit["session_id"], hit["source"], hit["model"]) == ("a", "cli", "m1")
    assert hit["context"] == [
        {"role": "user", "content": "Where is docker compose?"},
        {"role": "assistant", "content": "docker is in CI"},
    ]
    [long] = db.search_messages("scenes")
    assert long["snippet"].endswith("...")
    assert len(long["context"][0]["content"]) == 200


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, "aaabc"),
        ({"source_filter": ["cli", "tool"]}, "aaac"),
        ({"source_filter": []}, ""),
        ({"exclude_sources": ["tool", "cli"]}, "b"),
        ({"exclude_sources": []}, "aaabc"),
        ({"role_filter": ["assistant", "tool"]}, "aa"),
        ({"role_filter": []}, "aaabc"),
        ({"limit": 0}, ""),
        ({"limit": -1}, "aaabc"),
        ({"role_filter": ["user"], "source_filter": ["cli"]}, "a"),
    ],
)
def test_filters_take_several_values(db: SessionDB, filters: dict[str, Any], found: str) -> None:
    """Any of several sources or roles, none of several sources; an empty list as in Hermes."""
    fill(db)
    sessions = [hit["session_id"] for hit in db.search_messages("docker", **filters)]
    assert "".join(sorted(sessions)) == found


def test_hits_are_sorted_by_time_on_request(db: SessionDB) -> None:
    """`newest` and `oldest` in any case; any other value sorts the best hit first."""
    fill(db)
    newest = [hit["timestamp"] for hit in db.search_messages("docker", sort=" Newest")]
    oldest = [hit["timestamp"] for hit in db.search_messages("docker", sort="oldest")]
    assert newest == sorted(newest, reverse=True)
    assert oldest == newest[::-1]
    assert len(db.search_messages("docker", sort="best")) == len(newest)
    page = db.search_messages("docker", sort="oldest", limit=2, offset=1)
    assert [hit["timestamp"] for hit in page] == oldest[1:3]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 0),
        ("   ", 0),
        ("***", 0),
        ("NOT docker", 5),
        ("and docker OR", 5),
        ("docker AND", 5),
        ('docker "compose', 1),
        ("天气", 1),
        ("compos*", 1),
        ("docker" + " " * 2100 + "zebra", 5),
    ],
)
def test_no_query_is_an_error(db: SessionDB, query: str, count: int) -> None:
    """An operator without an operand is ignored; a query without words finds nothing."""
    fill(db)
    assert len(db.search_messages(query)) == count


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("100%完成", "a"),
        ("100_完成", "c"),
        ("100完成", "abc"),
        ("达成100%", "a"),
        ("%完成率", "a"),
        ("完成率 OR 100_完成", "abc"),
        ("chat-send", "de"),
        ('"chat-send"', "de"),
    ],
)
def test_wildcards_of_sql_are_literal_in_chinese(db: SessionDB, query: str, found: str) -> None:
    """As in Hermes: signs count in Chinese, and words alone in what Hermes asks its index."""
    texts = ("达成100%完成率", "达成100完成率是目标", "100_完成", "chat-send it", "chat send it")
    for name, text in zip("abcde", texts, strict=True):
        db.create_session(name, "cli")
        db.append_message(name, "user", text)
    assert "".join(sorted(hit["session_id"] for hit in db.search_messages(query))) == found


@pytest.mark.slow
def test_search_works_beside_a_projector_that_hangs(
    db: SessionDB, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Applied messages are found, and the log warns that the last ones are not yet applied."""
    db.create_session("s1", "cli")
    db.append_message("s1", "user", "before it stopped")
    assert len(db.search_messages("before")) == 1
    assert db._writable is not None
    monkeypatch.setattr(db._writable, "_timeout", 0.05)
    monkeypatch.setattr(beside, "LIMIT", 0)  # it is too much to be read beside it
    with projector(db._writable.journal.path):
        db.append_message("s1", "user", "after it stopped")
        assert len(db.search_messages("stopped")) == 1
    assert "the answer lacks this handle's last events" in caplog.text
    assert len(db.search_messages("stopped")) == 2
