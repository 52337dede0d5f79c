"""`Selection(deleted=True)`: space comes back, and readers see no difference."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest

import projector.forgetting.unneeded.deleted
from journal import Journal
from journal.process import clock
from projector import NotFound, Projection, QueryError, SessionStore
from projector.forgetting.forget import forget, plan
from projector.forgetting.retention import parse_policy
from projector.forgetting.selection import Selection
from projector.forgetting.unneeded.needed import Placed, needed
from projector.forgetting.unneeded.wanted import Unneeded, Wanted
from tests.support.forgetting.unneeded import check_unneeded
from tests.support.journals import segments
from tests.support.made_up import random_facts

if TYPE_CHECKING:
    from collections.abc import Iterator

T = 1_700_000_000_000_000
DAY = 86_400_000_000
EVERYTHING = Selection(deleted=True)


@pytest.fixture
def journal(journal_dir: Path) -> Iterator[Journal]:
    """An empty journal."""
    with Journal.open(journal_dir, fsync="never") as journal:
        yield journal


def append(journal: Journal, type: str, session: str = "s", **data: Any) -> None:  # noqa: ANN401 - the fields of an event
    """Append an event that is no message; a sweep has seen all that is in the journal."""
    if type in {"session.deleted", "session.cleared"}:
        data["seen"] = journal.ends()
    journal.append(session=session, type=type, data=data)


def check(seeds: range) -> int:
    """Check sets of random records; return how many events were forgotten in all."""
    total = 0
    for seed in seeds:
        random = Random(seed)  # noqa: S311 - made-up data
        with TemporaryDirectory() as folder:
            records = random_facts(random, 40)
            wanted = Unneeded(deleted=Wanted(random.choice([None, None, 5, 9, 12])))
            request = check_unneeded(records, Path(folder), wanted)
            total += sum(len(fact.event.data["events"]) for fact in request)
    return total


@pytest.mark.slow
def test_readers_of_random_journals_see_no_difference() -> None:
    """Sessions, transcripts and hits stay, and a lane of copies brings nothing back."""
    assert check(range(500, 510)) > 0


@pytest.mark.parametrize("needs", ["a parent", "a date ahead"])
@pytest.mark.parametrize("keeps", [True, False])
@pytest.mark.slow
def test_what_the_order_of_others_follows_from_is_kept(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, needs: str, *, keeps: bool
) -> None:
    """An answer stays behind its removed question; without that rule it would move."""
    now = clock.wall()
    with Journal.open(journal.path) as other:  # in a lane of its own
        other.append_message("s", "user", "between", id="b", timestamp=now + DAY)
    journal.append_message("s", "user", "removed", id="r", timestamp=now + 2 * DAY)
    if needs == "a parent":
        journal.append_message("s", "user", "last", id="l", parent="r", timestamp=now)
    else:
        journal.append_message("s", "user", "last", id="l")
    append(journal, "message.removed", messages=["r"])
    journal.append_message("s", "user", "x", id="other", timestamp=T)
    append(journal, "message.removed", messages=["other"])
    if not keeps:
        monkeypatch.setattr(projector.forgetting.unneeded.deleted, "needed", lambda *_: set())
    forget(journal.path, EVERYTHING)
    with Projection.open(journal.path) as projection:
        order = [view.content for view in projection.messages("s")]
    assert order == (["between", "last"] if keeps else ["last", "between"])


def test_a_cycle_of_parents_is_kept_whole() -> None:
    """Its first message is first only while the cycle is one."""

    def placed(id: str, parent: str, depth: int) -> Placed:
        return Placed(id, parent, depth, 1, 1, is_dated=True, ahead=0)

    ring = [placed("a", "c", 0), placed("b", "a", 1), placed("c", "b", 0)]
    assert needed(ring, {"b"}) == {"b"}
    assert needed(ring, {"b", "c"}) == {"b", "c"}
    assert needed(ring, {"a", "b", "c"}) == set()
    assert needed([*ring, placed("d", "b", 1)], {"a", "b", "c"}) == {"a", "b", "c"}


@pytest.mark.slow
def test_a_session_that_is_only_its_removed_messages_keeps_the_smallest(journal: Journal) -> None:
    """Without a message it would not be listed any more."""
    for id, text in (("a", "long text"), ("b", "short")):
        journal.append_message("s", "user", text, id=id)
    append(journal, "session.cleared")
    forget(journal.path, EVERYTHING)
    with Projection.open(journal.path) as projection:
        assert [(view.session, view.messages) for view in projection.sessions()] == [("s", 0)]
    assert not plan(journal.path, EVERYTHING)


def test_removed_cleared_and_replaced_messages_are_selected(journal: Journal) -> None:
    """What is archived or in the transcript is not; revisions and removals go with them."""
    for id in ("removed", "archived", "shown", "restored"):
        journal.append_message("s", "user", f"word {id}", id=id)
    append(journal, "message.revised", message="removed", content="another word")
    append(journal, "message.removed", messages=["removed", "restored"])
    append(journal, "message.archived", messages=["archived"])
    append(journal, "message.restored", messages=["restored"])
    journal.append_message("c", "user", "word cleared", id="cleared")
    append(journal, "session.titled", "c", title="stays")
    append(journal, "session.cleared", "c")
    journal.append_message("r", "user", "word replaced", id="replaced")
    new = [{"id": "new", "role": "user", "content": "word new"}]
    append(journal, "transcript.replaced", "r", messages=new, seen=journal.ends())
    found = plan(journal.path, EVERYTHING)
    keys = {("s", "removed"), ("c", "cleared"), ("r", "replaced")}
    assert {(each.session, each.id) for each in found.messages} == keys
    assert (found.scope, found.sessions, found.replays) == ("deleted", (), ())
    assert found.events == 4


def test_what_is_forgotten_is_gone_and_the_rest_stays(journal: Journal) -> None:
    """Hits, transcripts and sessions are those of before; the bytes are not in the journal."""
    journal.append_message("gone", "user", "word unique1", id="m1")
    append(journal, "session.titled", "gone", title="unique2")
    append(journal, "session.deleted", "gone")
    journal.append_message("s", "user", "word stays", id="m1")
    journal.append_message("s", "user", "word unique3", id="m2")
    append(journal, "message.removed", messages=["m2"])
    with Projection.open(journal.path) as projection:
        before = _seen(projection)
        journal.close()
        outcome = forget(journal.path, EVERYTHING)
        assert outcome.lines == 4
        assert _seen(projection) == before
    content = b"".join(path.read_bytes() for path in segments(journal.path))
    assert not any(word in content for word in (b"unique1", b"unique2", b"unique3"))
    assert b"session.deleted" in content
    with pytest.raises(NotFound, match="nothing matches"):
        forget(journal.path, EVERYTHING)


def _seen(projection: Projection) -> list[Any]:
    sessions = [view.session for view in projection.sessions()]
    return [
        sessions,
        [projection.messages(name) for name in sessions],
        [(hit.session, hit.id) for hit in projection.search("word").hits],
    ]


@pytest.mark.slow
def test_a_list_of_what_is_forgotten_is_forgotten_with_its_other_contents(journal: Journal) -> None:
    """Else another content of its key would come into force, and a deleted session come back."""
    journal.append(session="s", id="listed", type="session.titled", data={"title": "t"})
    append(journal, "session.deleted")
    journal.append(session="s", id="e", type="message.restored", data={"messages": ["listed"]})
    journal.append(session="s", id="e", type="session.titled", data={"title": "back"})
    forget(journal.path, EVERYTHING)
    with Projection.open(journal.path) as projection:
        assert projection.sessions() == []


@pytest.mark.slow
def test_a_message_in_another_session_stays(journal: Journal) -> None:
    """A fork that repeats a deleted message has not deleted it; a line that it shows is kept."""
    for session in ("s", "fork"):
        journal.append_message(session, "user", "the same", id="m1", timestamp=T)
        journal.append_message(f"{session}2", "user", "the same", id="m1", line="l1")
    append(journal, "session.deleted")
    append(journal, "session.deleted", "s2")
    assert set(plan(journal.path, EVERYTHING).names.unneeded) == {("s", "m1")}
    forget(journal.path, EVERYTHING)
    with Projection.open(journal.path) as projection:
        assert [view.content for view in projection.messages("fork")] == ["the same"]


def test_the_age_is_that_of_the_deletion(journal: Journal) -> None:
    """Not of the message; what was restored meanwhile and removed again is as old as that."""
    now = clock.wall()
    for id in ("early", "late", "again"):
        journal.append_message("s", "user", id, id=id, timestamp=T)
    journal.append_message("s", "user", "stays", id="stays", timestamp=T)
    append(journal, "message.removed", messages=["early", "again"])
    append(journal, "message.restored", messages=["again"])
    journal.sync()
    between = clock.wall() + 1
    append(journal, "message.removed", messages=["late", "again", "early"])
    append(journal, "session.cleared", "other")
    ids = [each.id for each in plan(journal.path, Selection(deleted=True, before=between)).messages]
    assert ids == ["early"]
    assert not plan(journal.path, Selection(deleted=True, before=now - DAY))
    assert len(plan(journal.path, EVERYTHING).messages) == 3


def test_sessions_narrow_the_selection_and_other_parts_do_not_go_with_it() -> None:
    """A query, a source and single messages are refused."""
    for refused in ({"query": "a"}, {"query": ""}, {"source": "a"}, {"messages": (("s", "m"),)}):
        for wanted in (EVERYTHING, Selection(replaced=True)):
            with pytest.raises(QueryError, match="narrowed by sessions and by an age alone"):
                replace(wanted, **refused)
    assert Selection(deleted=True, sessions=("s",), before=T).scope == "deleted"


def test_a_named_session_is_the_only_one_that_is_looked_at(journal: Journal) -> None:
    """Of two sessions with removed messages."""
    for session in ("a", "b"):
        journal.append_message(session, "user", "x", id="m1")
        journal.append_message(session, "user", "x", id="m2")
        append(journal, "message.removed", session, messages=["m1"])
    found = plan(journal.path, Selection(deleted=True, sessions=("b",)))
    assert [each.session for each in found.messages] == ["b"]


def test_a_message_that_is_restored_after_the_plan_is_kept(journal: Journal) -> None:
    """A user reads the plan; meanwhile its agent flushes the conversation again."""
    talk = [{"role": "user", "content": text, "id": text} for text in ("one", "two")]
    with SessionStore.open(journal.path) as store:
        store.flush("s", talk)
        store.delete("s")
        found = plan(journal.path, EVERYTHING)
        assert len(found.names.unneeded) >= 2
        store.flush("s", talk)
        with pytest.raises(NotFound, match="it was restored meanwhile"):
            forget(journal.path, found)
        assert [view.content for view in store.messages("s")] == ["one", "two"]


@pytest.mark.slow
def test_a_deletion_that_was_forgotten_is_final(journal: Journal) -> None:
    """A later flush of the same list writes nothing of it, and reports it as forgotten."""
    talk = [{"role": "user", "content": text, "id": text} for text in ("one", "two")]
    with SessionStore.open(journal.path) as store:
        store.flush("s", talk)
        store.delete("s")
        forget(journal.path, EVERYTHING)
        report = store.flush("s", [*talk, {"role": "user", "content": "three"}])
        assert report.forgotten == ("one", "two")
        assert [view.content for view in store.messages("s")] == ["three"]


def test_what_may_be_appended_again_cannot_be_what_is_deleted(journal: Journal) -> None:
    """Its deletion is forgotten with it, so a copy would be shown."""
    journal.append_message("s", "user", "x", id="m1")
    append(journal, "session.deleted")
    with pytest.raises(QueryError, match="would be shown"):
        forget(journal.path, EVERYTHING, allow_again=True)


def test_a_policy_forgets_what_is_deleted_but_not_of_pinned_sessions(journal: Journal) -> None:
    """`deleted` in retention.toml; a session that a rule forgets is not counted twice."""
    for session in ("a", "pinned", "old"):
        journal.append_message(session, "user", "x", id="m1", timestamp=T)
        if session != "old":
            journal.append_message(session, "user", "x", id="m2", timestamp=clock.wall())
        append(journal, "session.titled", session, title="t")
        append(journal, "message.removed", session, messages=["m1"])
    policy = parse_policy(b'deleted = "1h"\npinned = ["pinned"]')
    assert not plan(journal.path, policy)
    policy = replace(policy, deleted=timedelta(microseconds=-DAY))
    found = plan(journal.path, policy)
    assert {each.session for each in found.messages} == {"a", "old"}
    rules = parse_policy(b'[[rule]]\nolder_than = "52w"').rules
    found = plan(journal.path, replace(policy, rules=rules))
    assert [each.session for each in found.sessions] == ["old"]
    assert [each.session for each in found.messages] == ["a"]
    assert found.events == 5
