"""Forgotten events are in no answer and in no file of the projection."""

from __future__ import annotations

import logging
import shutil
import time
from typing import TYPE_CHECKING, Any

import pytest

from journal import Journal
from journal.erasure.requests import read_requests
from journal.format.keyed_hash import Key
from journal.fs.directory import KEY_FILE, open_directory
from journal.fs.key_file import add_keys, read_keys
from journal.segments.listing import list_segments
from projector import NotFound, Projection, QueryTimeout, SessionStore
from projector.db.generations import generations
from projector.db.process_lock import ProcessLock
from projector.errors import BuildStopped, NotHidden
from projector.forgetting.forget import forget
from projector.forgetting.selection import Selection
from projector.run import replace_showing
from projector.run.build import rebuild
from projector.run.generation import apply_rest, build_generation
from projector.run.lock_holder import catch_up_once, open_current, replace_damaged
from projector.upkeep.salvage import salvage
from projector.upkeep.verify import verify
from tests.projector.run.test_watch import PATIENCE, Watching
from tests.support.forgetting.requests import ask, request_data, rewrite
from tests.support.journals import segments
from tests.support.projections import projector

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from projector.run.watermark import Progress
    from tests.conftest import ExpectedProblems

MOMENT = 1_700_000_000_000_000


def fill(path: Path) -> None:
    """Append two sessions of two messages."""
    with Journal.open(path) as journal:
        for session in ("s1", "s2"):
            journal.append_message(session, "user", f"hello of {session}", id="m1")
            journal.append_message(session, "assistant", "the secret word", id="m2")


def shown(path: Path) -> dict[str, list[str]]:
    """Return the ids of the messages of each session."""
    with Projection.open(path) as projection:
        return {
            view.session: [m.id for m in projection.messages(view.session)]
            for view in projection.sessions()
        }


def rewrite_first(path: Path) -> None:
    """Erase what is forgotten from the first segment."""
    journal = open_directory(path)
    rewrite(list_segments(journal.lanes)[0], read_requests(journal))


def number(path: Path) -> int | None:
    """Return the number of the generation in use."""
    return generations(path).current()


def holding(path: Path, token: bytes) -> list[str]:
    """Return the names of the files of the projection that contain some bytes."""
    files = [file for file in (path / "projection").rglob("*") if file.is_file()]
    return sorted(file.name for file in files if token in file.read_bytes())


def test_a_forgotten_session_is_gone(journal_dir: Path) -> None:
    """A forgotten session is in no list and no search, and its words are in no file."""
    fill(journal_dir)
    assert shown(journal_dir) == {"s1": ["m1", "m2"], "s2": ["m1", "m2"]}
    ask(journal_dir, sessions=["s1"])
    assert shown(journal_dir) == {"s2": ["m1", "m2"]}
    with Projection.open(journal_dir) as projection:
        assert [hit.session for hit in projection.search("secret").hits] == ["s2"]
        with pytest.raises(NotFound):
            projection.session("s1")
    assert holding(journal_dir, b"hello of s1") == []
    assert holding(journal_dir, b"hello of s2") != []


def test_nothing_of_a_forgotten_session_is_in_any_answer(journal_dir: Path) -> None:
    """Keys, usage, titles, forks, conflicts, views and tables have nothing of it."""
    with SessionStore.open(journal_dir) as store:
        store.create("tok3n-session", title="tok3n title", source="tok3n-source")
        store.create("fork", parent="tok3n-session")
        store.append("tok3n-session", "user", "tok3n words", id="m1")
        store.append("tok3n-session", "tool", "x", tool_calls=[{"id": "tok3n-call"}])
        store.journal.append_message("tok3n-session", "user", "tok3n conflict", id="m1")
        store.add_usage("tok3n-session", input_tokens=3, model="tok3n-model")
        store.keys.set("tok3n-key", "tok3n-value", namespace="@tok3n")
        store.append("other", "user", "kept")
        assert len(store.sessions()) == 3
    assert holding(journal_dir, b"tok3n") != []
    ask(journal_dir, sessions=["tok3n-session", "@tok3n"])
    with SessionStore.open(journal_dir) as store:
        assert [view.session for view in store.sessions()] == ["other", "fork"]
        assert store.session("fork").parent is None
        assert store.keys.get("tok3n-key", namespace="@tok3n") is None
        assert not store.projection.search("tok3n*").hits
        assert store.projection.status().conflicts == 0

        def rows(db: object) -> str:
            tables = db.execute("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')")  # type: ignore[attr-defined]
            return repr(
                [
                    db.execute(f"SELECT * FROM {name}").fetchall()  # type: ignore[attr-defined]
                    for (name,) in tables
                    if not name.startswith("fts")
                ]
            )

        assert "tok3n" not in store.projection.read(rows)[0]
    assert holding(journal_dir, b"tok3n") == []


def test_a_request_hides_also_what_arrives_later(journal_dir: Path) -> None:
    """An append to a forgotten session succeeds, and no answer shows the event."""
    ask(journal_dir, sessions=["s1"])
    fill(journal_dir)
    assert shown(journal_dir) == {"s2": ["m1", "m2"]}
    built = number(journal_dir)
    with Journal.open(journal_dir) as journal:
        position = journal.append_message("s1", "user", "again", id="m3")
    with Projection.open(journal_dir) as projection:
        projection.wait_for(position)
    assert shown(journal_dir) == {"s2": ["m1", "m2"]}
    assert number(journal_dir) == built


def test_a_forgotten_message_is_forgotten_in_forks(journal_dir: Path) -> None:
    """The hash of role, content and time also hides replays; other messages of forks stay."""
    with Journal.open(journal_dir) as journal:
        for session in ("s1", "fork"):
            journal.append_message(session, "user", "my secret", id=f"a{session}", timestamp=MOMENT)
            journal.append_message(session, "user", "my secret", id=f"b{session}")
    ask(journal_dir, events=[("s1", "none")])
    key = read_keys(journal_dir)[0]
    ask(journal_dir, messages=[key.hash("message", ["user", "my secret", MOMENT])])
    assert shown(journal_dir) == {"fork": ["bfork"], "s1": ["bs1"]}


@pytest.mark.slow
def test_every_request_makes_one_new_generation(journal_dir: Path) -> None:
    """A request that is known or hides nothing more makes no generation."""
    fill(journal_dir)
    shown(journal_dir)
    for id, sessions in (("r1", "s1"), ("r1", "s1"), ("r2", "s1"), ("r3", "s2")):
        ask(journal_dir, id=id, sessions=[sessions])
        shown(journal_dir)
        shown(journal_dir)
    assert number(journal_dir) == 3
    shutil.copytree(journal_dir / "lanes/1", journal_dir / "lanes/7")
    shown(journal_dir)
    assert number(journal_dir) == 3
    shutil.rmtree(journal_dir / "lanes/7")


def test_old_generations_are_removed_at_once(journal_dir: Path) -> None:
    """The old generation's files are removed, also while a reader has one open."""
    fill(journal_dir)
    with Projection.open(journal_dir) as reader:
        assert len(reader.search("secret").hits) == 2
        ask(journal_dir, sessions=["s1"])
        rebuild(open_directory(journal_dir))
        names = {file.name for file in (journal_dir / "projection").iterdir()}
        assert not any(name.startswith("1.db") for name in names), names
        assert len(reader.search("secret").hits) == 1


def test_a_request_during_a_build_is_in_force_at_its_end(
    journal_dir: Path,
) -> None:
    """The rebuild ends with a generation that hides what was requested during it."""
    fill(journal_dir)
    asked: list[Progress] = []

    def on_commit(progress: Progress) -> None:
        if len(asked) < 2:
            ask(journal_dir, id=f"r{len(asked)}", sessions=[f"s{len(asked) + 1}"])
        asked.append(progress)

    rebuild(open_directory(journal_dir), on_commit)
    assert asked
    built = number(journal_dir)
    assert shown(journal_dir) == {}
    assert number(journal_dir) == built


@pytest.mark.slow
def test_requests_that_never_pause_do_not_keep_a_rebuild_from_ending(journal_dir: Path) -> None:
    """The rebuild ends after some generations; each hides all requests from before its start."""
    fill(journal_dir)
    asked: list[Progress] = []

    def on_commit(progress: Progress) -> None:
        ask(journal_dir, id=f"r{len(asked)}", sessions=["s1"])
        asked.append(progress)

    rebuild(open_directory(journal_dir), on_commit)
    assert shown(journal_dir) == {"s2": ["m1", "m2"]}


def test_readers_use_the_old_generation_until_the_new_one_is_complete(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next projector continues a stopped build, and does not begin again."""
    fill(journal_dir)
    shown(journal_dir)
    ask(journal_dir, sessions=["s1"])
    journal = open_directory(journal_dir)
    kept = generations(journal_dir)
    lock = ProcessLock(kept.lock)
    assert lock.acquire()
    _, running = open_current(journal)
    with pytest.raises(NotHidden) as caught:
        running.catch_up()
    running.close()
    # a stop before that ends the search for requests, and nothing is built yet
    assert (
        replace_damaged(journal, caught.value, stop=lambda: kept.unpublished() is not None) is False
    )
    assert (kept.current(), kept.unpublished()) == (1, 2)
    begun = kept.path(2).stat().st_ino
    late: list[bool] = []
    monkeypatch.setattr(replace_showing, "apply_rest", lambda *_: ((), late.append(True)))  # type: ignore[func-returns-value]
    with pytest.raises(BuildStopped, match="the next projector continues it"):
        catch_up_once(journal, stop=lambda: bool(late))
    assert (kept.current(), kept.unpublished()) == (1, 2)
    monkeypatch.undo()
    catch_up_once(journal)
    assert (kept.current(), kept.path(2).stat().st_ino) == (2, begun)
    lock.release()
    assert shown(journal_dir) == {"s2": ["m1", "m2"]}


def test_a_build_that_died_is_not_continued(journal_dir: Path) -> None:
    """Files of a killed build may be incomplete; a build that lacks a request is not used."""
    fill(journal_dir)
    shown(journal_dir)
    kept = generations(journal_dir)
    shutil.copy(kept.path(1), kept.path(2))
    ask(journal_dir, sessions=["s1"])
    kept.path(3).write_bytes(b"half")
    assert shown(journal_dir) == {"s2": ["m1", "m2"]}
    assert holding(journal_dir, b"hello of s1") == []


@pytest.mark.slow
def test_a_query_with_a_time_limit_does_not_answer_from_the_old_generation(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends with an error, and the next query continues the build."""
    fill(journal_dir)
    shown(journal_dir)
    ask(journal_dir, sessions=["s1"])
    rests: list[object] = []

    def slow(*given: object) -> object:
        time.sleep(0.5)
        rests.append(given)
        return apply_rest(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(replace_showing, "apply_rest", slow)
    query = "SELECT count(*) FROM _events WHERE kind = 1"
    with (
        Projection.open(journal_dir, timeout=0.4) as projection,
        pytest.raises(QueryTimeout, match="hiding what is requested to be forgotten"),
    ):
        projection.read(lambda db: db.execute(query).get)
    assert number(journal_dir) == 1
    with Projection.open(journal_dir) as projection:
        found, fresh = projection.read(lambda db: db.execute(query).get)
    assert (found, bool(fresh), number(journal_dir), len(rests)) == (2, True, 2, 2)


def test_a_request_with_a_missing_key_hides_when_the_key_is_there(journal_dir: Path) -> None:
    """A request whose key is missing is reported, and hides events when the key is there."""
    fill(journal_dir)
    shown(journal_dir)
    other = Key(b"o" * 32)
    with Journal.open(journal_dir) as journal:
        data = request_data(other, sessions=["s1"])
        journal.append(session="@forget", type="erasure.requested", data=data)
    assert set(shown(journal_dir)) == {"s1", "s2"}
    assert number(journal_dir) == 1
    with Projection.open(journal_dir) as projection:
        assert projection.status().unknown_keys == (other.id,)
        add_keys(journal_dir, [other])
        assert projection.status().unknown_keys == ()
        assert {view.session for view in projection.sessions()} == {"s2"}
    assert number(journal_dir) == 2
    assert set(shown(journal_dir)) == {"s2"}


def test_a_key_that_comes_back_hides_what_arrived_without_it(journal_dir: Path) -> None:
    """Events of a forgotten session that arrive without the key are shown until the key is back."""
    ask(journal_dir, sessions=["s1"])
    shown(journal_dir)
    (journal_dir / KEY_FILE).rename(journal_dir.parent / "away")
    fill(journal_dir)
    assert set(shown(journal_dir)) == {"s1", "s2"}
    (journal_dir.parent / "away").rename(journal_dir / KEY_FILE)
    assert set(shown(journal_dir)) == {"s2"}


def test_a_rewritten_segment_is_read_again_without_a_warning(
    journal_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A rewritten segment is no damage; no event is applied twice, and new events are applied."""
    fill(journal_dir)
    ask(journal_dir, sessions=["s1"])
    with Journal.open(journal_dir) as journal:
        journal.append_message("s2", "user", "more", id="m3")
    shown(journal_dir)
    caplog.set_level(logging.WARNING)
    for _ in range(2):
        rewrite_first(journal_dir)
        assert verify(open_directory(journal_dir)) == []
        with projector(journal_dir) as running:
            running.catch_up()
        with Projection.open(journal_dir) as projection:
            status = projection.status()
            assert (status.reread, status.duplicates, status.lag_bytes) == (0, 0, 0)
            assert not projection.sessions().behind
    assert caplog.messages == []
    assert shown(journal_dir) == {"s2": ["m1", "m2", "m3"]}
    assert verify(open_directory(journal_dir)) == []


def test_a_segment_that_is_rewritten_while_half_of_it_is_applied_loses_nothing(
    journal_dir: Path,
) -> None:
    """The records behind the applied ones are read from the new file."""
    fill(journal_dir)
    ask(journal_dir, sessions=["s1"])
    shown(journal_dir)
    with Journal.open(journal_dir) as journal:
        for n in range(3, 9):
            journal.append_message(f"s{n % 2 + 1}", "user", "more", id=f"m{n}")
    rewrite_first(journal_dir)
    assert shown(journal_dir) == {"s2": ["m1", "m2", "m3", "m5", "m7"]}
    with Projection.open(journal_dir) as projection:
        assert projection.status().duplicates == 0


def test_salvage_does_not_restore_forgotten_events(journal_dir: Path) -> None:
    """Salvage from an older projection does not append the forgotten events to the lanes."""
    fill(journal_dir)
    shown(journal_dir)
    ask(journal_dir, sessions=["s1"])
    rewrite_first(journal_dir)
    before = [file.read_bytes() for file in segments(journal_dir)]
    saved = salvage(open_directory(journal_dir))
    assert (saved.events, saved.forgotten) == (0, 2)
    assert [file.read_bytes() for file in segments(journal_dir)] == before
    assert shown(journal_dir) == {"s2": ["m1", "m2"]}


def test_salvage_restores_a_request_and_not_what_it_forgets(
    journal_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Salvage appends a lost request again, and not the messages that it forgets."""
    fill(journal_dir)
    backup = (journal_dir / "lanes/1/000001.jsonl").read_bytes()
    ask(journal_dir, id="r1", sessions=["s1"])
    assert shown(journal_dir) == {"s2": ["m1", "m2"]}
    (journal_dir / "lanes/1/000001.jsonl").write_bytes(backup)
    saved = salvage(open_directory(journal_dir))
    assert saved.events == 1
    assert [request.id for request in read_requests(open_directory(journal_dir)).requests] == ["r1"]
    assert shown(journal_dir) == {"s2": ["m1", "m2"]}
    assert "shorter" in caplog.text or caplog.text == ""


def test_a_running_projector_replaces_its_generation(journal_dir: Path) -> None:
    """A running projector notices a request and removes the generation that shows the session."""
    fill(journal_dir)
    shown(journal_dir)
    with Watching(journal_dir) as watching:
        position = ask(journal_dir, sessions=["s1"])
        with Projection.open(journal_dir) as projection:
            projection.wait_for(position, timeout=PATIENCE)
        assert shown(journal_dir) == {"s2": ["m1", "m2"]}
        until = time.monotonic() + PATIENCE
        while holding(journal_dir, b"hello of s1") and time.monotonic() < until:
            time.sleep(0.01)  # it is removed after the new one is published
        assert holding(journal_dir, b"hello of s1") == []
        with Journal.open(journal_dir) as journal:
            position = journal.append_message("s2", "user", "more", id="m3")
        with Projection.open(journal_dir) as projection:
            projection.wait_for(position, timeout=PATIENCE)
    assert watching.warnings == []
    assert shown(journal_dir) == {"s2": ["m1", "m2", "m3"]}


@pytest.mark.slow
def test_a_search_says_that_there_was_no_time_for_the_build_that_a_request_needs(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the time limit, and nothing that is forgotten is shown."""
    fill(journal_dir)
    shown(journal_dir)
    ask(journal_dir, sessions=["s1"])
    original = build_generation

    def build(*given: Any) -> int:  # noqa: ANN401 - as the function in its place
        applied = original(*given)
        time.sleep(0.6)
        return applied

    monkeypatch.setattr("projector.run.replace_showing.build_generation", build)
    with (
        Projection.open(journal_dir, timeout=0.5) as projection,
        pytest.raises(QueryTimeout, match=r"takes longer than 0\.5 s"),
    ):
        projection.search("secret")


def _cut_off(path: Path) -> None:
    """Remove the last two records of the first lane, as a disk does that did not sync."""
    segment = segments(path)[0]
    segment.write_bytes(b"".join(segment.read_bytes().splitlines(keepends=True)[:-2]))


def _overwrite(path: Path) -> None:
    """Damage the last but one record of the first lane."""
    segment = segments(path)[0]
    lines = segment.read_bytes().splitlines(keepends=True)
    lines[-2] = b"x" * (len(lines[-2]) - 1) + b"\n"
    segment.write_bytes(b"".join(lines))


def _delete(path: Path) -> None:
    """Delete the first lane."""
    shutil.rmtree(segments(path)[0].parent)


@pytest.mark.parametrize("lose", [_cut_off, _overwrite, _delete])
def test_what_only_the_projection_has_is_not_lost_by_a_request(
    journal_dir: Path, lose: Callable[[Path], None], expect_problems: ExpectedProblems
) -> None:
    """A generation is replaced because of a request: what the lanes lost of others is written back.

    What the request forgets is not, also if the lanes lost it.
    """
    if lose is _overwrite:
        expect_problems("damage", "gap")
    fill(journal_dir)
    with Journal.open(journal_dir) as journal:  # a lane of its own
        journal.append_message("s3", "user", "of another lane", id="m1")
        journal.sync()
    before = shown(journal_dir)
    lose(journal_dir)
    with Journal.open(journal_dir) as journal:
        journal.append_message("s3", "user", "appended later", id="m2")
    outcome = forget(journal_dir, Selection(sessions=("s1",)))
    assert shown(journal_dir) == {"s2": before["s2"], "s3": ["m1", "m2"]}
    rebuild(open_directory(journal_dir))
    assert shown(journal_dir) == {"s2": before["s2"], "s3": ["m1", "m2"]}
    assert [fault.kind for fault in verify(open_directory(journal_dir))] == []
    assert bool(outcome.unreadable) is (lose is _overwrite)
    assert salvage(open_directory(journal_dir)).events == 0
