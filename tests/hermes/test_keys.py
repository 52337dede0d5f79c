"""Meta, topics, locks, routes and maintenance, without Hermes."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from journal.arbiter import arbitrating
from journal.fs.directory import open_directory
from projector.adapters.hermes import SessionDB
from projector.run.build import building

if TYPE_CHECKING:
    from collections.abc import Callable


def bind(db: SessionDB, thread: str, session: str) -> None:
    """Bind a topic of the chat 1."""
    db.bind_telegram_topic(
        chat_id="1", thread_id=thread, user_id="7", session_key="k", session_id=session
    )


def test_meta_values_are_texts(db: SessionDB) -> None:
    """The last text of a key counts; a key that was never set has none."""
    assert db.get_meta("k") is None
    db.set_meta("k", "v")
    db.set_meta("k", "w")
    assert db.get_meta("k") == "w"


def test_a_session_is_bound_to_one_topic(db: SessionDB) -> None:
    """Another topic is refused, the same topic may be bound again, and a deletion unbinds it."""
    db.create_session("s", "telegram", user_id="7")
    bind(db, "8", "s")
    bind(db, "8", "s")
    with pytest.raises(ValueError, match="already linked"):
        bind(db, "9", "s")
    with pytest.raises(sqlite3.IntegrityError):
        bind(db, "9", "nobody")
    assert db.is_telegram_session_linked_to_topic(session_id="s")
    binding = db.get_telegram_topic_binding(chat_id="1", thread_id="8")
    assert binding is not None
    assert (binding["session_id"], binding["managed_mode"]) == ("s", "auto")
    assert db.get_telegram_topic_binding_by_session(session_id="s") == binding
    assert db.list_telegram_topic_bindings_for_chat(chat_id="1") == [binding]
    db.delete_session("s")
    assert db.list_telegram_topic_bindings_for_chat(chat_id="1") == []
    assert not db.is_telegram_session_linked_to_topic(session_id="s")


def test_unbinding_the_last_topic_ends_the_mode(db: SessionDB) -> None:
    """A chat without bound topics has one conversation again."""
    db.create_session("s", "telegram", user_id="7")
    db.enable_telegram_topic_mode(chat_id="1", user_id="7", has_topics_enabled=True)
    assert db.is_telegram_topic_mode_enabled(chat_id="1", user_id="7")
    assert not db.is_telegram_topic_mode_enabled(chat_id="1", user_id="8")
    bind(db, "8", "s")
    assert db.list_unlinked_telegram_sessions_for_user(chat_id="1", user_id="7") == []
    assert db.delete_telegram_topic_binding(chat_id="1", thread_id="9") == 0
    assert db.delete_telegram_topic_binding(chat_id="1", thread_id="8") == 1
    assert not db.is_telegram_topic_mode_enabled(chat_id="1", user_id="7")
    [row] = db.list_unlinked_telegram_sessions_for_user(chat_id="1", user_id="7")
    assert row["id"] == "s"
    bind(db, "8", "s")
    db.disable_telegram_topic_mode(chat_id="1", clear_bindings=False)
    assert db.is_telegram_session_linked_to_topic(session_id="s")
    db.disable_telegram_topic_mode(chat_id="1")
    assert not db.is_telegram_session_linked_to_topic(session_id="s")


def test_a_lock_has_one_holder_until_it_expires(db: SessionDB) -> None:
    """Other holders are refused; an expired lock is free."""
    assert db.try_acquire_compression_lock("s", "a")
    assert db.try_acquire_compression_lock("s", "a"), "it has it already"
    with SessionDB(db.db_path) as other:
        assert not other.try_acquire_compression_lock("s", "b")
        assert not other.refresh_compression_lock("s", "b")
        other.release_compression_lock("s", "b")
    assert db.get_compression_lock_holder("s") == "a"
    assert db.refresh_compression_lock("s", "a", ttl_seconds=-1)
    assert db.get_compression_lock_holder("s") is None
    assert db.try_acquire_compression_lock("s", "b")
    db.release_compression_lock("s", "b")
    assert db.get_compression_lock_holder("s") is None
    assert not db.try_acquire_compression_lock("", "a")


def test_a_lock_that_cannot_be_decided_on_is_refused(
    db: SessionDB, caplog: pytest.LogCaptureFixture
) -> None:
    """The lock is refused, with a warning in the log."""
    db._store.decisions._timeout = 0.05
    with arbitrating(db._store.journal.path, 1.0):
        assert not db.try_acquire_compression_lock("s", "a")
        db.release_compression_lock("s", "a")
    assert "compression lock could not be decided on" in caplog.text


def test_failures_of_compressions_are_stored(db: SessionDB) -> None:
    """The end of the cooldown, the reason, and the count of fallbacks are stored."""
    db.create_session("s", "cli")
    assert db.get_compression_failure_cooldown("s") is None
    db.record_compression_failure_cooldown("s", 4e9, "too long")
    found = db.get_compression_failure_cooldown("s")
    assert found is not None
    assert (found["cooldown_until"], found["error"]) == (4e9, "too long")
    assert found["remaining_seconds"] > 0
    db.record_compression_failure_cooldown("s", 4e9)
    again = db.get_compression_failure_cooldown("s")
    assert again is not None
    assert again["error"] is None
    db.clear_compression_failure_cooldown("s")
    assert db.get_compression_failure_cooldown("s") is None
    db.record_compression_failure_cooldown("s", 1e9)
    assert db.get_compression_failure_cooldown("s") is None, "it is over"
    db.set_compression_fallback_streak("s", 2)
    assert db.get_compression_fallback_streak("s") == 2
    db.set_compression_fallback_streak("s", -1)
    assert db.get_compression_fallback_streak("s") == 0


def test_routes_are_stored_by_scope(db: SessionDB) -> None:
    """Replacing routes of one scope does not change the other scope."""
    db.save_gateway_routing_entry("k", "{}")
    db.save_gateway_routing_entry("k", '{"a": 1}', scope="/p")
    db.save_gateway_routing_entry("", "{}")
    db.replace_gateway_routing_entries({"l": "[]", "m": ""})
    assert db.load_gateway_routing_entries() == {"l": "[]"}
    assert db.load_gateway_routing_entries(scope="/p") == {"k": '{"a": 1}'}
    db.delete_gateway_routing_entries(["k", "none"], scope="/p")
    assert db.load_gateway_routing_entries(scope="/p") == {}


def test_the_session_of_a_peer_is_found(db: SessionDB) -> None:
    """It is found by its route, else by its chat, but not if several users write there."""
    for name, user in (("s", "7"), ("t", "8")):
        db.create_session(name, "telegram")
        db.append_message(name, "user", "hello")
        db.record_gateway_session_peer(
            name, source="telegram", user_id=user, session_key=f"k{user}", chat_id="1",
            chat_type="dm", display_name="Ann",
        )  # fmt: skip
    db.set_expiry_finalized("s")
    find = {"platform": "Telegram", "chat_id": "1"}
    assert db.find_session_by_origin(**find) is None
    assert db.find_session_by_origin(**find, user_id="8") == "t"
    assert db.find_session_by_origin(**find, user_id="9") is None
    assert [row["id"] for row in db.list_gateway_sessions(platform="telegram")] == ["t", "s"]
    found = db.find_latest_gateway_session_for_peer(source="telegram", session_key="k7")
    assert found is not None
    assert (found["id"], found["expiry_finalized"], found["display_name"]) == ("s", 1, "Ann")
    other = db.find_latest_gateway_session_for_peer(
        source="telegram", session_key="none", user_id="8", chat_id="1", chat_type="dm"
    )
    assert other is not None
    assert other["id"] == "t"
    assert db.find_latest_gateway_session_for_peer(source="telegram", session_key="none") is None
    db.end_session("t", "user_exit")
    assert db.find_session_by_origin(**find) == "s"


@pytest.mark.parametrize("name", ["vacuum", "optimize_fts", "rebuild_fts"])
def test_maintenance_rebuilds_the_projection(db: SessionDB, name: str) -> None:
    """Searches find the same as before, and a running build is not disturbed."""
    db.append_message("s", "user", "a fish")
    found = db.search_messages("fish")
    generations = db._store.projection._reader.generations
    before = generations.current()
    renew: Callable[[], int] = getattr(db, name)
    assert renew() == 1
    assert generations.current() != before
    assert db.search_messages("fish") == found
    with building(open_directory(db._store.journal.path)):
        assert renew() == 0


def test_old_sessions_are_deleted_at_intervals(
    db: SessionDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within some hours it is not repeated; an error is returned, and never raised."""
    db.create_session("s", "cli")
    db.end_session("s", "user_exit")
    done = {"skipped": False, "pruned": 1, "vacuumed": False}
    assert db.maybe_auto_prune_and_vacuum(retention_days=-1) == done
    assert db.maybe_auto_prune_and_vacuum(retention_days=-1)["skipped"]
    db.set_meta("last_auto_prune", "no number")
    assert not db.maybe_auto_prune_and_vacuum()["skipped"]
    db.set_meta("last_auto_prune", "0")

    def fail(*_: object, **__: object) -> int:
        raise OSError("the disk is gone")

    monkeypatch.setattr(db, "prune_sessions", fail)
    assert db.maybe_auto_prune_and_vacuum()["error"] == "the disk is gone"
