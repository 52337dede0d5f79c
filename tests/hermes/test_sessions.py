"""Sessions, their titles, usage and handoffs."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from typing import TYPE_CHECKING

import pytest

from journal.errors import EventError
from projector.adapters.hermes import SessionDB
from projector.adapters.hermes.base import journal_of
from projector.adapters.hermes.rows.message_ids import find_id, new_key, number
from projector.adapters.hermes.rows.sessions import COLUMNS
from projector.db.generations import generations
from projector.db.process_lock import ProcessLock
from projector.store import SessionStore

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any


def row(db: SessionDB, session: str = "s") -> dict[str, Any]:
    """Return an existing session."""
    found = db.get_session(session)
    assert found is not None
    return found


def test_the_journal_is_beside_the_database(tmp_path: Path) -> None:
    """`state.db` becomes `state.journal`; missing parent folders are created."""
    with SessionDB(tmp_path / "new" / "state.db") as db:
        db.create_session("s", "cli")
    assert (tmp_path / "new" / "state.journal" / "journal.json").exists()
    assert not (tmp_path / "new" / "state.db").exists()


def test_a_path_may_be_a_journal(journal_dir: Path) -> None:
    """If the path is a journal, that journal is used."""
    with SessionStore.open(journal_dir) as store:
        store.create("s", title="A bug")
    with SessionDB(journal_dir) as db:
        assert db.get_session_title("s") == "A bug"
    assert journal_of(journal_dir) == journal_dir


def test_without_a_path_it_is_in_hermes_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without Hermes and without a path, the journal is in ~/.hermes."""
    monkeypatch.setenv("HOME", str(tmp_path))
    with SessionDB() as db:
        assert db.db_path == tmp_path / ".hermes" / "state.db"
    assert (tmp_path / ".hermes" / "state.journal").is_dir()


def test_a_read_only_handle_writes_nothing(db: SessionDB) -> None:
    """A read-only handle reads, and its writes raise the error that SQLite raises."""
    db.create_session("s", "cli")
    with SessionDB(db.db_path, read_only=True) as reader:
        assert row(reader)["source"] == "cli"
        for write in (reader.end_session, reader.set_session_title, reader.update_session_model):
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                write("s", "x")


def test_a_read_only_handle_needs_a_store(tmp_path: Path) -> None:
    """On a missing store it raises what SQLite raises, and creates nothing."""
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        SessionDB(tmp_path / "state.db", read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_a_session_has_all_columns(db: SessionDB) -> None:
    """Values have Hermes's names and order; times are in seconds."""
    before = time.time()
    db.create_session("s", "cli", model="m", model_config={"b": (1, 2), "a": "ü"}, user_id="u")
    found = row(db)
    assert tuple(found) == COLUMNS
    assert (found["source"], found["model"], found["user_id"]) == ("cli", "m", "u")
    assert found["model_config"] == '{"a": "\\u00fc", "b": [1, 2]}'
    assert before - 1e-5 <= found["started_at"] <= time.time() + 1e-5
    assert (found["message_count"], found["estimated_cost_usd"], found["archived"]) == (0, None, 0)


def test_the_first_creation_counts(db: SessionDB) -> None:
    """A second creation changes no field, and sets those that are missing."""
    db.create_session("s", "cli")
    started = row(db)["started_at"]
    db.ensure_session("s", "tui", model="m")
    found = row(db)
    assert (found["source"], found["model"], found["started_at"]) == ("cli", "m", started)


def test_an_update_of_nothing_does_nothing(db: SessionDB) -> None:
    """An update of a session that does not exist does not create it."""
    db.end_session("s", "done")
    db.reopen_session("s")
    db.update_system_prompt("s", "Be brief.")
    db.clear_messages("s")
    db.complete_handoff("s")
    assert not db.set_session_title("s", "A bug")
    assert db.session_count() == 0


def test_the_first_end_counts_until_the_session_is_reopened(db: SessionDB) -> None:
    """As in Hermes, a later reason does not replace an earlier one."""
    db.create_session("s", "cli")
    db.end_session("s", "compression")
    db.end_session("s", "user_exit")
    assert row(db)["end_reason"] == "compression"
    db.reopen_session("s")
    assert (row(db)["ended_at"], row(db)["end_reason"]) == (None, None)


def test_a_reset_replaces_only_an_accidental_end(db: SessionDB) -> None:
    """A reset replaces an accidental end or none, and not an intended one."""
    for reason, is_replaced in (("agent_close", True), ("compression", False), (None, True)):
        session = f"s-{reason}"
        db.create_session(session, "cli")
        if reason is not None:
            db.end_session(session, reason)
        assert db.promote_to_session_reset(session) is is_replaced
        assert row(db, session)["end_reason"] == ("session_reset" if is_replaced else reason)
    assert not db.promote_to_session_reset("nobody")


def test_a_unique_prefix_names_a_session(db: SessionDB) -> None:
    """Wildcards of SQL have no meaning in it."""
    for name in ("ab_1", "ab_12", "abx1", "50%"):
        db.create_session(name, "cli")
    assert db.resolve_session_id("ab_1") == "ab_1"
    assert db.resolve_session_id("abx") == "abx1"
    assert db.resolve_session_id("5") == "50%"
    assert db.resolve_session_id("ab") is None
    assert db.resolve_session_id("%") is None


def test_settings_that_are_no_object_stay_text(db: SessionDB) -> None:
    """Any text that was written as settings is returned, and breaks no list."""
    db.create_session("s", "cli")
    for text in ("no JSON", "[1, 2]", '{"x": 1}', "7"):
        db.update_session_meta("s", text)
        assert row(db)["model_config"] == text
        assert [found["id"] for found in db.list_sessions_rich(order_by_last_active=True)] == ["s"]


def test_a_prompt_with_broken_characters_is_stored(db: SessionDB) -> None:
    """A lone surrogate, which JSON and SQLite cannot store, becomes a replacement character."""
    db.create_session("s", "cli", system_prompt="a\ud800b")
    assert row(db)["system_prompt"] == "a\ufffdb"
    db.update_system_prompt("s", "\udfff")
    assert row(db)["system_prompt"] == "\ufffd"


def test_usage_adds_up_or_is_set(db: SessionDB) -> None:
    """Deltas add, totals replace, and costs are exact."""
    db.update_token_counts("s", input_tokens=5, actual_cost_usd=0.1, cost_status="guess")
    db.update_token_counts("s", input_tokens=5, actual_cost_usd=0.2, api_call_count=1, model="m")
    found = row(db)
    assert (found["source"], found["model"], found["input_tokens"]) == ("unknown", "m", 10)
    assert (found["actual_cost_usd"], found["estimated_cost_usd"]) == (0.3, 0.0)
    assert found["cost_status"] == "guess"
    db.update_token_counts("s", input_tokens=7, absolute=True, estimated_cost_usd=1.5)
    found = row(db)
    assert (found["input_tokens"], found["api_call_count"]) == (7, 0)
    assert (found["actual_cost_usd"], found["estimated_cost_usd"]) == (0.3, 1.5)


def test_usage_is_one_record_for_each_call(db: SessionDB) -> None:
    """Each call appends one event, not two."""
    for _ in range(20):
        db.update_token_counts("s", input_tokens=1, billing_provider="p")
    count = "SELECT count(*) FROM events"
    assert db._read(lambda read: read.execute(count).get) == 21


def test_negative_counts_are_refused(db: SessionDB) -> None:
    """A negative count is an error and changes no counter."""
    with pytest.raises(EventError, match="input_tokens"):
        db.update_token_counts("s", input_tokens=-1)


def test_usage_beside_the_conversation_is_not_counted(db: SessionDB) -> None:
    """Usage of a call beside the conversation is in the journal, and in no counter."""
    db.create_session("s", "cli")
    db.record_auxiliary_usage("s", "vision", model="v", input_tokens=9)
    assert row(db)["input_tokens"] == 0
    kept = "SELECT 1 FROM events WHERE data LIKE '%vision%'"
    assert db._read(lambda read: read.execute(kept).get) is not None


def test_titles_are_cleaned() -> None:
    """Invisible characters are removed, white space is folded, and a long title is refused."""
    assert SessionDB.sanitize_title(" a\t\x00\u200bb\n c ") == "a b c"
    assert SessionDB.sanitize_title("\u202e \x07") is None
    assert SessionDB.sanitize_title(None) is None
    assert SessionDB.sanitize_title("\ud800") == "\ufffd"
    with pytest.raises(ValueError, match=r"Title too long \(101 chars, max 100\)"):
        SessionDB.sanitize_title("x" * 101)


def test_no_two_sessions_have_one_title(db: SessionDB) -> None:
    """A title of another session is refused until that session changes it; the own one is not."""
    db.create_session("a", "cli")
    db.create_session("b", "cli")
    assert db.set_session_title("a", "A bug")
    assert db.set_session_title("a", " A  bug ")
    with pytest.raises(ValueError, match="Title 'A bug' is already in use by session a"):
        db.set_session_title("b", "A bug")
    assert db.set_session_title("a", "")
    assert db.set_session_title("b", "A bug")
    assert not db.set_auto_title_if_empty("b", "Another")
    assert db.set_auto_title_if_empty("a", "Another")
    assert (db.get_session_title("a"), db.get_session_title("b")) == ("Another", "A bug")


def test_of_concurrent_claims_of_a_title_one_succeeds(db: SessionDB) -> None:
    """Of handles that give their sessions the same title at the same time, one succeeds."""
    given: list[str] = []

    def give(name: str) -> None:
        with SessionDB(db.db_path) as another:
            another.create_session(name, "cli")
            try:
                another.set_session_title(name, "The one")
            except ValueError:
                return
            given.append(name)

    threads = [threading.Thread(target=give, args=(f"s{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(given) == 1


def test_titles_are_numbered_along_a_conversation(db: SessionDB) -> None:
    """The next title has the next number; the base title finds the latest session."""
    assert db.get_next_title_in_lineage("50% off_") == "50% off_"
    for count, title in enumerate(("50% off_", "50% off_ #2", "50x offx #9")):
        db.create_session(f"s{count}", "cli")
        db.set_session_title(f"s{count}", title)
    assert db.get_next_title_in_lineage("50% off_") == "50% off_ #3"
    assert db.get_next_title_in_lineage("50% off_ #2") == "50% off_ #3"
    assert db.resolve_session_by_title("50% off_") == "s1"
    assert db.resolve_session_by_title("50x offx #9") == "s2"
    assert db.resolve_session_by_title("nothing") is None


def test_a_handoff_is_claimed_once(db: SessionDB) -> None:
    """It is requested, claimed by one, and completed; it may fail and be requested again."""
    db.create_session("s", "cli")
    assert db.get_handoff_state("nobody") is None
    assert db.request_handoff("s", "telegram")
    assert not db.request_handoff("s", "discord")
    assert [found["id"] for found in db.list_pending_handoffs()] == ["s"]
    assert [db.claim_handoff("s"), db.claim_handoff("s")] == [True, False]
    db.fail_handoff("s", "e" * 600)
    assert db.get_handoff_state("s") == {
        "state": "failed",
        "platform": "telegram",
        "error": "e" * 500,
    }
    assert db.request_handoff("s", "discord")
    db.complete_handoff("s")
    assert db.get_handoff_state("s") == {
        "state": "completed",
        "platform": "discord",
        "error": None,
    }


def test_numbers_of_messages_grow_and_find_their_message(db: SessionDB) -> None:
    """A number is higher than those before, fits a double, and finds its message."""
    keys = [new_key() for _ in range(1000)]
    numbers = [number("s", key) for key in keys]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] < 2**53
    others = ["17", "a-uuid", "007", f"{2**60}"]
    db.create_session("s", "cli")
    for key in (*keys[:5], *others):
        db._store.append("s", "user", "hello", id=key)
    assert number("s", "17") == 17
    for key in (*keys[:5], *others):
        wanted = number("s", key)
        assert wanted < 2**53
        assert db._read(lambda read, n=wanted: find_id(read, "s", n)) == key  # type: ignore[misc] # mypy knows no default of a lambda
    assert db._read(lambda read: find_id(read, "s", 18)) is None


@pytest.mark.slow
def test_a_projector_that_hangs_loses_no_change(db: SessionDB) -> None:
    """A change is written within a second although the projector has not applied the session."""
    db.session_count()
    projector = ProcessLock(generations(db.db_path).lock)
    assert projector.acquire()  # as a busy process holds it
    try:
        db.create_session("s", "cli")
        begun = time.monotonic()
        db.end_session("s", "done")
        assert time.monotonic() - begun < 3
    finally:
        projector.release()
    assert row(db)["end_reason"] == "done"


def test_a_store_that_is_never_closed_lets_the_program_end(
    journal_dir: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    """A thread that was stopped while it held a lock does not keep the interpreter alive."""
    program = start(_FORGETFUL, journal_dir)
    assert program.wait(timeout=30) == 0


_FORGETFUL = """
import atexit, sys

held = []
# runs behind the journal's own end, and has the lock as a thread that was stopped has it
atexit.register(lambda: held[0].acquire())

from journal.fs.directory import open_directory
from projector.adapters.hermes import SessionDB

open_directory(sys.argv[1])
db = SessionDB(sys.argv[1])
db.create_session("s", "cli")
held.append(db._writable.journal._lane._lock)
"""


@pytest.mark.slow
def test_a_dropped_store_is_closed(db: SessionDB) -> None:
    """A server that opens a store for each request and never closes it leaks no descriptors."""
    db.create_session("s", "cli")

    def ask() -> None:
        another = SessionDB(db.db_path)
        another.update_session_model("s", "m")
        assert row(another)["model"] == "m"

    ask()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(50):
        ask()
    assert len(os.listdir("/proc/self/fd")) == before
