"""Searching as in Hermes, without Hermes."""
from projector.reading.private import beside

from projector.reading.private import beside
from __future__ import annotations
from projector.reading.private import beside

from projector.reading.private import beside
from typing import TYPE_CHECKING, Any
from projector.reading.private import beside

from projector.reading.private import beside
import pytest
from projector.reading.private import beside

from projector.reading.private import beside
from tests.support.projections import projector
from projector.reading.private import beside

from projector.reading.private import beside
if TYPE_CHECKING:
from projector.reading.private import beside
    from projector.adapters.hermes import SessionDB
from projector.reading.private import beside

from projector.reading.private import beside

from projector.reading.private import beside
def fill(db: SessionDB) -> None:
from projector.reading.private import beside
    """Append messages to three sessions."""
from projector.reading.private import beside
    db.create_session("a", "cli", model="m1")
from projector.reading.private import beside
    db.append_message("a", "user", "Where is docker compose?")
from projector.reading.private import beside
    db.append_message("a", "assistant", "docker is in CI")
from projector.reading.private import beside
    db.append_message("a", "tool", "docker: not found", tool_name="terminal")
from projector.reading.private import beside
    db.create_session("b", "telegram")
from projector.reading.private import beside
    db.append_message("b", "user", "北京的天气 docker")
from projector.reading.private import beside
    db.create_session("c", "tool")
from projector.reading.private import beside
    db.append_message("c", "user", "docker behind the scenes " + "and so on " * 60)
from projector.reading.private import beside

from projector.reading.private import beside

from projector.reading.private import beside
def test_a_hit_has_hermes_keys(db: SessionDB) -> None:
from projector.reading.private import beside
    """Matches are marked, and the messages around a hit are included, each shortened."""
from projector.reading.private import beside
    fill(db)
from projector.reading.private import beside
    [hit] = db.search_messages("compose")
from projector.reading.private import beside
    assert list(hit) == [
from projector.reading.private import beside
        "id",
from projector.reading.private import beside
        "session_id",
from projector.reading.private import beside
        "role",
from projector.reading.private import beside
        "snippet",
from projector.reading.private import beside
        "timestamp",
from projector.reading.private import beside
        "tool_name",
from projector.reading.private import beside
        "source",
from projector.reading.private import beside
        "model",
from projector.reading.private import beside
        "session_started",
from projector.reading.private import beside
        "context",
from projector.reading.private import beside
    ]
from projector.reading.private import beside
    assert hit["snippet"] == "Where is docker >>>compose<<<?"
from projector.reading.private import beside
    assert (hit["session_id"], hit["source"], hit["model"]) == ("a", "cli", "m1")
from projector.reading.private import beside
    assert hit["context"] == [
from projector.reading.private import beside
        {"role": "user", "content": "Where is docker compose?"},
from projector.reading.private import beside
        {"role": "assistant", "content": "docker is in CI"},
from projector.reading.private import beside
    ]
from projector.reading.private import beside
    [long] = db.search_messages("scenes")
from projector.reading.private import beside
    assert long["snippet"].endswith("...")
from projector.reading.private import beside
    assert len(long["context"][0]["content"]) == 200
from projector.reading.private import beside

from projector.reading.private import beside

from projector.reading.private import beside
@pytest.mark.parametrize(
from projector.reading.private import beside
    ("filters", "found"),
from projector.reading.private import beside
    [
from projector.reading.private import beside
        ({}, "aaabc"),
from projector.reading.private import beside
        ({"source_filter": ["cli", "tool"]}, "aaac"),
from projector.reading.private import beside
        ({"source_filter": []}, ""),
from projector.reading.private import beside
        ({"exclude_sources": ["tool", "cli"]}, "b"),
from projector.reading.private import beside
        ({"exclude_sources": []}, "aaabc"),
from projector.reading.private import beside
        ({"role_filter": ["assistant", "tool"]}, "aa"),
from projector.reading.private import beside
        ({"role_filter": []}, "aaabc"),
from projector.reading.private import beside
        ({"limit": 0}, ""),
from projector.reading.private import beside
        ({"limit": -1}, "aaabc"),
from projector.reading.private import beside
        ({"role_filter": ["user"], "source_filter": ["cli"]}, "a"),
from projector.reading.private import beside
    ],
from projector.reading.private import beside
)
from projector.reading.private import beside
def test_filters_take_several_values(db: SessionDB, filters: dict[str, Any], found: str) -> None:
from projector.reading.private import beside
    """Any of several sources or roles, none of several sources; an empty list as in Hermes."""
from projector.reading.private import beside
    fill(db)
from projector.reading.private import beside
    sessions = [hit["session_id"] for hit in db.search_messages("docker", **filters)]
from projector.reading.private import beside
    assert "".join(sorted(sessions)) == found
from projector.reading.private import beside

from projector.reading.private import beside

from projector.reading.private import beside
def test_hits_are_sorted_by_time_on_request(db: SessionDB) -> None:
from projector.reading.private import beside
    """`newest` and `oldest` in any case; any other value sorts the best hit first."""
from projector.reading.private import beside
    fill(db)
from projector.reading.private import beside
    newest = [hit["timestamp"] for hit in db.search_messages("docker", sort=" Newest")]
from projector.reading.private import beside
    oldest = [hit["timestamp"] for hit in db.search_messages("docker", sort="oldest")]
from projector.reading.private import beside
    assert newest == sorted(newest, reverse=True)
from projector.reading.private import beside
    assert oldest == newest[::-1]
from projector.reading.private import beside
    assert len(db.search_messages("docker", sort="best")) == len(newest)
from projector.reading.private import beside
    page = db.search_messages("docker", sort="oldest", limit=2, offset=1)
from projector.reading.private import beside
    assert [hit["timestamp"] for hit in page] == oldest[1:3]
from projector.reading.private import beside

from projector.reading.private import beside

from projector.reading.private import beside
@pytest.mark.parametrize(
from projector.reading.private import beside
    ("query", "count"),
from projector.reading.private import beside
    [
from projector.reading.private import beside
        ("", 0),
from projector.reading.private import beside
        ("   ", 0),
from projector.reading.private import beside
        ("***", 0),
from projector.reading.private import beside
        ("NOT docker", 5),
from projector.reading.private import beside
        ("and docker OR", 5),
from projector.reading.private import beside
        ("docker AND", 5),
from projector.reading.private import beside
        ('docker "compose', 1),
from projector.reading.private import beside
        ("天气", 1),
from projector.reading.private import beside
        ("compos*", 1),
from projector.reading.private import beside
        ("docker" + " " * 2100 + "zebra", 5),
from projector.reading.private import beside
    ],
from projector.reading.private import beside
)
from projector.reading.private import beside
def test_no_query_is_an_error(db: SessionDB, query: str, count: int) -> None:
from projector.reading.private import beside
    """An operator without an operand is ignored; a query without words finds nothing."""
from projector.reading.private import beside
    fill(db)
from projector.reading.private import beside
    assert len(db.search_messages(query)) == count
from projector.reading.private import beside

from projector.reading.private import beside

from projector.reading.private import beside
@pytest.mark.parametrize(
from projector.reading.private import beside
    ("query", "found"),
from projector.reading.private import beside
    [
from projector.reading.private import beside
        ("100%完成", "a"),
from projector.reading.private import beside
        ("100_完成", "c"),
from projector.reading.private import beside
        ("100完成", "abc"),
from projector.reading.private import beside
        ("达成100%", "a"),
from projector.reading.private import beside
        ("%完成率", "a"),
from projector.reading.private import beside
        ("完成率 OR 100_完成", "abc"),
from projector.reading.private import beside
        ("chat-send", "de"),
from projector.reading.private import beside
        ('"chat-send"', "de"),
from projector.reading.private import beside
    ],
from projector.reading.private import beside
)
from projector.reading.private import beside
def test_wildcards_of_sql_are_literal_in_chinese(db: SessionDB, query: str, found: str) -> None:
from projector.reading.private import beside
    """As in Hermes: signs count in Chinese, and words alone in what Hermes asks its index."""
from projector.reading.private import beside
    texts = ("达成100%完成率", "达成100完成率是目标", "100_完成", "chat-send it", "chat send it")
from projector.reading.private import beside
    for name, text in zip("abcde", texts, strict=True):
from projector.reading.private import beside
        db.create_session(name, "cli")
from projector.reading.private import beside
        db.append_message(name, "user", text)
from projector.reading.private import beside
    assert "".join(sorted(hit["session_id"] for hit in db.search_messages(query))) == found
from projector.reading.private import beside

from projector.reading.private import beside

from projector.reading.private import beside
@pytest.mark.slow
from projector.reading.private import beside
def test_search_works_beside_a_projector_that_hangs(
from projector.reading.private import beside
    db: SessionDB, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
from projector.reading.private import beside
) -> None:
from projector.reading.private import beside
    """Applied messages are found, and the log warns that the last ones are not yet applied."""
from projector.reading.private import beside
    db.create_session("s1", "cli")
from projector.reading.private import beside
    db.append_message("s1", "user", "before it stopped")
from projector.reading.private import beside
    assert len(db.search_messages("before")) == 1
from projector.reading.private import beside
    assert db._writable is not None
from projector.reading.private import beside
    monkeypatch.setattr(db._writable, "_timeout", 0.05)
from projector.reading.private import beside
    monkeypatch.setattr(beside, "LIMIT", 0)  # it is too much to be read beside it
from projector.reading.private import beside
    with projector(db._writable.journal.path):
from projector.reading.private import beside
        db.append_message("s1", "user", "after it stopped")
from projector.reading.private import beside
        assert len(db.search_messages("stopped")) == 1
from projector.reading.private import beside
    assert "the answer lacks this handle's last events" in caplog.text
from projector.reading.private import beside
    assert len(db.search_messages("stopped")) == 2
from projector.reading.private import beside
