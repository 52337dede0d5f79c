"""Lists, continuations, deletions and exports of sessions."""

from __future__ import annotations

import sys
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from projector.adapters.hermes.sessions.prune import _message_ids

if TYPE_CHECKING:
    from pathlib import Path

    from projector.adapters.hermes import SessionDB

DAY = 86_400


def say(db: SessionDB, session: str, content: str | list[Any], role: str = "user") -> None:
    """Append a message to a session."""
    db._store.append(session, role, content)


def ids(rows: list[dict[str, Any]]) -> list[str]:
    """Return the ids of sessions."""
    return [row["id"] for row in rows]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Load the rules of a Hermes after 0.13 for which session continues which."""
    monkeypatch.setitem(sys.modules, "hermes_state", SimpleNamespace(SCHEMA_VERSION=22))


@pytest.fixture
def compressed(db: SessionDB) -> SessionDB:
    """A conversation that was compressed twice, with a helper session from before that."""
    db.create_session("one", "cli")
    say(db, "one", "Where is\nthe bug?")
    db.create_session("helper", "tool", parent_session_id="one")
    db.end_session("one", "compression")
    db.create_session("two", "cli", parent_session_id="one")
    db.end_session("two", "compression")
    db.create_session("three", "cli", parent_session_id="two", model="m")
    say(db, "three", "And now?")
    return db


def test_a_compressed_conversation_is_one_item(compressed: SessionDB) -> None:
    """It has the start of the first session and the other columns of the last one."""
    [entry] = compressed.list_sessions_rich()
    assert (entry["id"], entry["_lineage_root_id"], entry["model"]) == ("three", "one", "m")
    assert entry["preview"] == "And now?"
    first = compressed.get_session("one")
    assert first is not None
    assert entry["started_at"] == first["started_at"]
    assert ids(compressed.list_sessions_rich(project_compression_tips=False)) == ["one"]
    everything = compressed.list_sessions_rich(include_children=True)
    assert ids(everything) == ["three", "two", "helper", "one"]


def test_a_chain_is_followed_to_its_ends(compressed: SessionDB) -> None:
    """Forward to the last session, backward to the first one."""
    assert compressed.get_compression_tip("one") == "three"
    assert compressed.get_compression_tip("nobody") == "nobody"
    assert compressed.get_conversation_root("three") == "one"
    # the helper is the first child, and only its time shows that it is no continuation
    assert compressed.get_compression_lineage("two") == ["two"]
    assert compressed.resolve_resume_session_id("one") == "one"
    assert compressed.resolve_resume_session_id("two") == "three"
    assert compressed.resolve_resume_session_id("") == ""


@pytest.mark.usefixtures("later")
def test_after_0_13_the_last_session_is_resumed(compressed: SessionDB) -> None:
    """A resumption goes to the last session, also if the first has messages."""
    assert compressed.get_compression_tip("one") == "three"
    assert compressed.resolve_resume_session_id("one") == "three"


@pytest.mark.usefixtures("later")
def test_after_0_13_a_title_moves_to_the_continuation(compressed: SessionDB) -> None:
    """A compressed session that no list shows gives its title to the continuation."""
    assert compressed.set_session_title("one", "A bug")
    assert compressed.set_session_title("three", "A bug")
    assert compressed.get_session_title("one") is None
    with pytest.raises(ValueError, match="in use by session three"):
        compressed.set_session_title("helper", "A bug")


@pytest.mark.usefixtures("later")
def test_after_0_13_the_first_call_sets_the_billing_route(db: SessionDB) -> None:
    """The first counted call replaces the requested billing route; later calls do not."""
    db.create_session("s", "cli", model="wanted")
    for model in ("used", "other"):
        db.update_token_counts(
            "s", input_tokens=1, model=model, billing_provider="p", api_call_count=1
        )
    row = db.get_session("s")
    assert row is not None
    assert (row["model"], row["billing_provider"], row["api_call_count"]) == ("used", "p", 2)


def test_circular_chains_end(db: SessionDB) -> None:
    """Sessions that continue each other in a circle cause no endless loop."""
    db.create_session("a", "cli", parent_session_id="b")
    db.create_session("b", "cli", parent_session_id="a")
    for name in ("a", "b"):
        db.end_session(name, "compression")
    assert db.get_compression_tip("a") in {"a", "b"}
    assert db.resolve_resume_session_id("a") == "a"
    assert db.get_conversation_root("a") == "b"
    assert sorted(db.get_compression_lineage("a")) == ["a", "b"]
    assert db.set_session_archived("a", archived=True)
    assert db.list_sessions_rich(include_children=True) == []


def test_branches_are_listed_and_helpers_are_not(db: SessionDB) -> None:
    """Helpers are identified by a mark in the settings, and branches by how the parent ended."""
    db.create_session("root", "cli")
    db.create_session("marked", "cli", parent_session_id="root", model_config={"_branched_from": 1})
    db.create_session(
        "helper", "cli", parent_session_id="root", model_config={"_delegate_from": "root"}
    )
    db.end_session("root", "branched")
    db.create_session("branch", "cli", parent_session_id="root")
    assert ids(db.list_sessions_rich()) == ["branch", "marked", "root"]
    assert db.session_count() == 4
    assert db.session_count(exclude_children=True) == 3


def test_lists_have_filters(db: SessionDB) -> None:
    """Lists are filtered by source, folder, number of messages, and archive."""
    db.create_session("a", "cli", cwd="/src/a")
    db.create_session("b", "tui", cwd="/src/a_b/c")
    db.create_session("c", "cron", cwd="/src/axb")
    say(db, "b", "hello")
    assert ids(db.list_sessions_rich(source="cli")) == ["a"]
    assert ids(db.list_sessions_rich(exclude_sources=["cli", "tui"])) == ["c"]
    assert ids(db.list_sessions_rich(cwd_prefix="/src/a/")) == ["a"]
    assert ids(db.list_sessions_rich(cwd_prefix="/src/a_b")) == ["b"]
    assert ids(db.list_sessions_rich(min_message_count=1)) == ["b"]
    assert ids(db.list_sessions_rich(limit=1, offset=1)) == ["b"]
    assert ids(db.list_sessions_rich(order_by_last_active=True)) == ["b", "c", "a"]
    db.set_session_archived("a", archived=True)
    assert ids(db.list_sessions_rich()) == ["c", "b"]
    assert ids(db.list_sessions_rich(archived_only=True)) == ["a"]
    assert ids(db.list_sessions_rich(include_archived=True)) == ["c", "b", "a"]
    assert (db.session_count(), db.session_count(include_archived=True)) == (2, 3)
    assert "system_prompt" not in db.list_sessions_rich(compact_rows=True)[0]
    assert db.distinct_session_cwds()[0].keys() == {"cwd", "sessions", "last_active"}


def test_sessions_are_found_by_their_ids(compressed: SessionDB) -> None:
    """An id of any session of a conversation finds it; whole ids come first, then prefixes."""
    compressed.create_session("on", "cli")
    compressed.create_session("none", "cli")
    assert ids(compressed.search_sessions_by_id("ON")) == ["on", "three", "none"]
    assert compressed.search_sessions_by_id(" ") == []
    assert ids(compressed.search_sessions_by_id("two")) == ["three"]


def test_titles_are_searched_without_punctuation(db: SessionDB) -> None:
    """`an94` finds `AN-94`."""
    for name, title in (("a", "AN-94"), ("b", "Parser")):
        db.create_session(name, "cli")
        db.set_session_title(name, title)
    found = db.list_sessions_rich(order_by_last_active=True, search_query="an94")
    assert ids(found) == ["a"]


def test_a_preview_is_the_first_line_of_the_user(db: SessionDB) -> None:
    """It has sixty characters of text, for any kind of content."""
    db.create_session("s", "cli")
    say(db, "s", "not the user", role="assistant")
    say(db, "s", [{"type": "text", "text": "Look\n" * 30}, {"type": "image_url"}])
    [entry] = db.list_sessions_rich()
    assert entry["preview"].startswith("Look Look")
    assert len(entry["preview"]) == 63
    assert entry["preview"].endswith("...")


def test_runs_of_a_job_are_listed(db: SessionDB) -> None:
    """Only runs of the job are listed, the latest first."""
    for name in ("cron_j_1", "cron_j_2", "cron_jx_1", "cron_j"):
        db.create_session(name, "cron")
    assert ids(db.list_cron_job_runs("j")) == ["cron_j_2", "cron_j_1"]


def test_tool_calls_and_messages_are_counted(db: SessionDB) -> None:
    """Those of the transcript are counted; archived ones count only among all messages."""
    db.create_session("s", "cli")
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    db._store.append("s", "assistant", tool_calls=[call, call], id="m1")
    db._store.append("s", "assistant", extra={"tool_calls": "no list"}, id="m2")
    say(db, "s", "hello")
    row = db.get_session("s")
    assert row is not None
    assert (row["message_count"], row["tool_call_count"]) == (3, 3)
    db._store.archive_messages("s", ["m1"])
    row = db.get_session("s")
    assert row is not None
    assert (row["message_count"], row["tool_call_count"]) == (2, 1)
    assert (db.message_count("s"), db.message_count(), db.message_count("nobody")) == (3, 3, 0)


def test_deleting_keeps_children_and_deletes_helpers(db: SessionDB, tmp_path: Path) -> None:
    """Children lose their parent; delegates are deleted too, and so are the files of both."""
    db.create_session("a", "cli")
    db.create_session("child", "cli", parent_session_id="a")
    db.create_session("h1", "cli", parent_session_id="a", model_config={"_delegate_from": "a"})
    db.create_session("h2", "cli", model_config={"_delegate_from": "h1"})
    for name in ("a.json", "h2.jsonl", "request_dump_a_1.json", "child.json"):
        (tmp_path / name).touch()
    assert db.delete_session("a", tmp_path)
    assert not db.delete_session("a", tmp_path)
    assert ids(db.search_sessions()) == ["child"]
    child = db.get_session("child")
    assert child is not None
    assert child["parent_session_id"] is None
    assert (tmp_path / "child.json").exists()
    assert not list(tmp_path.glob("*a_1.json")) + list(tmp_path.glob("h2*"))
    db.create_session("b", "cli")
    assert db.delete_sessions(["b", "child", "nobody", "b"]) == 2


def test_only_empty_sessions_are_deleted_as_empty(db: SessionDB) -> None:
    """A session with a title, a message or a child is kept."""
    for name in ("empty", "titled", "talked", "parent"):
        db.create_session(name, "cli")
    db.create_session("child", "cli", parent_session_id="parent")
    db.set_session_title("titled", "A bug")
    say(db, "talked", "hello")
    names = ("empty", "titled", "talked", "parent", "nobody")
    assert [name for name in names if db.delete_session_if_empty(name)] == ["empty"]
    assert db.get_session("empty") is None


def test_a_message_that_arrives_meanwhile_is_kept(
    db: SessionDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session that gets a message between the check and the deletion is kept."""
    db.create_session("s", "telegram")
    delete = db._delete

    def late(names: list[str], folder: Path | None) -> int:
        say(db, "s", "Wait!")
        return delete(names, folder)

    monkeypatch.setattr(db, "_delete", late)
    assert not db.delete_session_if_empty("s")
    exported = db.export_session("s")
    assert exported is not None
    assert exported["source"] == "telegram"
    assert [message["content"] for message in exported["messages"]] == ["Wait!"]
    assert len(db._read(lambda read: _message_ids(read, "s"))) == 1


def test_old_ended_sessions_are_pruned(db: SessionDB, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions that ended and began long ago are pruned; arguments limit which."""
    now = time.time()
    for name, age in (("old", 100), ("older", 200), ("young", 1), ("open", 300)):
        monkeypatch.setattr(time, "time", lambda age=age: now - age * DAY)
        db.create_session(name, "cli", parent_session_id="older")
        if name != "open":
            db.end_session(name, "done")
    monkeypatch.setattr(time, "time", lambda: now)
    db.update_token_counts("old", input_tokens=50)
    assert ids(db.list_prune_candidates(90)) == ["older", "old"]
    assert ids(db.list_prune_candidates()) == ["older", "old", "young"]
    assert ids(db.list_prune_candidates(90, min_tokens=50)) == ["old"]
    assert ids(db.list_prune_candidates(started_after=now - 150 * DAY)) == ["old", "young"]
    assert db.archive_sessions(150) == 1
    assert ids(db.list_prune_candidates(90, archived=False)) == ["old"]
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        db.prune_sessions(colour="red")  # type: ignore[call-arg] # what is tested
    assert db.prune_sessions(source="tui") == 0
    assert db.prune_sessions() == 2
    assert sorted(ids(db.search_sessions())) == ["open", "young"]


def test_ghosts_are_pruned(db: SessionDB, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only sessions that the TUI left empty more than a day ago are pruned."""
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 2 * DAY)
    for name in ("ghost", "talked", "open"):
        db.create_session(name, "tui")
    say(db, "talked", "hello")
    for name in ("ghost", "talked"):
        db.end_session(name, "done")
    monkeypatch.setattr(time, "time", lambda: now)
    assert db.count_empty_sessions() == 1
    assert db.prune_empty_ghost_sessions() == 1
    assert db.delete_empty_sessions() == 0
    assert sorted(ids(db.search_sessions())) == ["open", "talked"]


def test_orphans_of_a_compression_are_ended(db: SessionDB, monkeypatch: pytest.MonkeyPatch) -> None:
    """A continuation that was unused for a week is ended."""
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 8 * DAY)
    db.create_session("one", "cli")
    db.end_session("one", "compression")
    db.create_session("two", "cli", parent_session_id="one")
    say(db, "two", "hello")
    monkeypatch.setattr(time, "time", lambda: now)
    assert db.finalize_orphaned_compression_sessions() == 1
    assert db.finalize_orphaned_compression_sessions() == 0
    row = db.get_session("two")
    assert row is not None
    assert row["end_reason"] == "orphaned_compression"


def test_exports_are_redacted_by_the_rules_of_today(
    db: SessionDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was stored in clear leaves as marks, unless the handle does not redact."""
    words = "DB_PASSWORD=Tr0ub4dor-3"
    call = {"id": "c1", "type": "function", "function": {"name": "sh", "arguments": words}}
    db._store.journal.redactor = None
    db.create_session("s", "cli", system_prompt=words)
    db.append_message("s", "assistant", content=words, tool_calls=[call])
    ways = (
        lambda: db.export_session("s"),
        db.export_all,
        lambda: db.export_session_lineage("s"),
    )
    for export in ways:
        exported = str(export())
        assert "Tr0ub" not in exported
        assert exported.count("[redacted:password:") >= 3
        assert "'c1'" in exported
    monkeypatch.setattr(db, "redact", False, raising=False)
    assert all("Tr0ub" in str(export()) for export in ways)


def test_an_export_has_all_messages(db: SessionDB) -> None:
    """An export of a session, of a conversation, and of everything."""
    db.create_session("one", "cli")
    say(db, "one", "hello")
    db._store.append(
        "one",
        "assistant",
        [{"type": "text", "text": "hi"}],
        extra={"reasoning_details": [1], "observed": True},
        timestamp=1_700_000_000_000_000,
        id="7",
    )
    db.end_session("one", "compression")
    db.create_session("two", "cli", parent_session_id="one")
    say(db, "two", "more")
    exported = db.export_session("one")
    assert exported is not None
    first, second = exported["messages"]
    assert (first["id"], first["timestamp"]) == (7, 1_700_000_000.0)
    assert (first["content"], first["reasoning_details"]) == (
        [{"type": "text", "text": "hi"}],
        "[1]",
    )
    assert (first["observed"], first["active"], second["session_id"]) == (1, 1, "one")
    whole = db.export_session_lineage("one")
    assert whole is not None
    assert (whole["id"], whole["message_count"]) == ("two", 3)
    assert whole["lineage_session_ids"] == ["one", "two"]
    assert [len(segment["messages"]) for segment in whole["segments"]] == [2, 1]
    assert ids(db.export_all()) == ["two", "one"]
    assert (db.export_session("nobody"), db.export_session_lineage("nobody")) == (None, None)
