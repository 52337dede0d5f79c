"""`Selection(replaced=True)`: space comes back, and readers see no difference."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest

import projector.forgetting.unneeded.replaced
from journal import Journal
from journal.process import clock
from projector import Projection, QueryError, SessionStore
from projector.forgetting.forget import forget, plan
from projector.forgetting.retention import parse_policy
from projector.forgetting.selection import Selection
from projector.forgetting.unneeded.replaced import LEAST
from projector.forgetting.unneeded.wanted import Unneeded, Wanted
from tests.support.arrangements import Diverged
from tests.support.forgetting.unneeded import check_unneeded, with_replacements
from tests.support.journals import segments
from tests.support.made_up import random_facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from projector.forgetting.plan import Plan

DAY = 86_400_000_000
EVERYTHING = Selection(replaced=True)
LONG = "x" * LEAST


@pytest.fixture
def journal(journal_dir: Path) -> Iterator[Journal]:
    """An empty journal."""
    with Journal.open(journal_dir, fsync="never") as journal:
        yield journal


def append(journal: Journal, id: str, type: str, session: str = "s", **data: Any) -> None:  # noqa: ANN401 - the fields of an event
    """Append an event that is no message; a deletion has seen all that is in the journal."""
    if type == "session.deleted":
        data["seen"] = journal.ends()
    journal.append(session=session, id=id, type=type, data=data)


def found(journal: Journal, selection: Selection = EVERYTHING) -> list[str]:
    """Return the ids of the events that would be forgotten."""
    return ids(plan(journal.path, selection))


def ids(plan: Plan) -> list[str]:
    """Return the ids of the replaced values of a plan, sorted."""
    return sorted(value.id for value in plan.replaced)


@pytest.mark.slow
def test_readers_of_random_journals_see_no_difference() -> None:
    """Values are those of before, and a lane of copies brings nothing back."""
    total = 0
    for seed in range(3):
        random = Random(seed)  # noqa: S311 - made-up data
        records = with_replacements(random, random_facts(random, 60))
        with TemporaryDirectory() as folder:
            request = check_unneeded(records, Path(folder), Unneeded(replaced=Wanted()))
            total += sum(len(fact.event.data["events"]) for fact in request)
    assert total > 0


@pytest.mark.slow
def test_a_value_that_readers_need_is_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check of random journals fails if values are forgotten that nothing replaced."""
    monkeypatch.setattr(
        projector.forgetting.unneeded.replaced, "_replaced", lambda written: written
    )
    random = Random(0)  # noqa: S311 - made-up data
    records = with_replacements(random, random_facts(random, 60))
    with pytest.raises(Diverged, match="after the request"):
        check_unneeded(records, tmp_path, Unneeded(replaced=Wanted()))


@pytest.mark.slow
def test_a_revision_is_replaced_if_later_ones_give_all_of_its_fields(journal: Journal) -> None:
    """One field that no later revision gives is enough to keep it."""
    journal.append_message("s", "user", "word first", id="m")
    append(journal, "whole", "message.revised", message="m", content=f"unique1 {LONG}")
    append(journal, "part", "message.revised", message="m", content=LONG, reasoning="why")
    append(journal, "other", "message.revised", message="other", content=LONG)
    append(journal, "content", "message.revised", message="m", content="word last")
    assert found(journal) == ["whole"]
    with Projection.open(journal.path) as projection:
        before = projection.messages("s"), projection.search("word").hits
        journal.close()
        outcome = forget(journal.path, EVERYTHING)
        assert outcome.lines == 1
        assert (projection.messages("s"), projection.search("word").hits) == before
    content = b"".join(path.read_bytes() for path in segments(journal.path))
    assert b"unique1" not in content
    assert b"word first" in content


def test_a_new_transcript_replaces_revisions_and_is_kept(journal: Journal) -> None:
    """It can also revise messages; what else it does stays."""
    journal.append_message("s", "user", "first", id="m")
    append(journal, "r", "message.revised", message="m", content=LONG)
    for id in ("t1", "t2"):
        kept = [{"message": "m", "content": LONG}]
        append(journal, id, "transcript.replaced", messages=kept, seen=journal.ends())
    assert found(journal) == ["r"]


@pytest.mark.slow
def test_fields_of_sessions_key_values_and_usage_are_replaced(journal: Journal) -> None:
    """Each if later events give or clear all of its fields, and counters."""
    append(journal, "first", "session.created", started=clock.wall(), config={"a": LONG})
    append(journal, "never", "session.ensured", config={"a": LONG})
    append(journal, "cleared", "session.revised", system_prompt=LONG, title="t")
    append(journal, "still", "session.revised", config={"a": LONG}, extra={"k": 1})
    append(journal, "clears", "session.revised", clear=["system_prompt"], title=LONG)
    append(journal, "last", "session.created", config={"a": LONG})
    append(journal, "titled", "session.titled", title="t2")
    append(journal, "k1", "key.set", "@keys", key="k", value=LONG)
    append(journal, "other", "key.set", "@keys", key="l", value=LONG)
    append(journal, "k2", "key.set", "@keys", key="k", value=LONG)
    append(journal, "kd", "key.deleted", "@keys", key="k")
    append(journal, "u1", "usage.set", input_tokens=1, extra={"x": LONG})
    append(journal, "u2", "usage.set", input_tokens=1, output_tokens=1, extra={"x": LONG})
    append(journal, "u3", "usage.set", input_tokens=2)
    # `first` has the only start, `clears` clears
    assert found(journal) == ["cleared", "k1", "k2", "never", "u1"]
    with SessionStore.open(journal.path) as store:
        before = store.session("s"), store.keys.items(namespace="@keys")
        forget(journal.path, EVERYTHING)
        assert (store.session("s"), store.keys.items(namespace="@keys")) == before
    assert not plan(journal.path, EVERYTHING)


def test_what_a_deletion_reaches_replaces_nothing(journal: Journal) -> None:
    """A value of another lane that the deletion had not seen is in force."""
    with Journal.open(journal.path) as other:
        append(other, "unseen", "key.set", "@keys", key="k", value=LONG)
    append(journal, "other", "key.set", "@keys", key="other", value=1)
    append(journal, "seen", "key.set", "@keys", key="k", value=LONG)
    seen = {lane: seq for lane, seq in journal.ends().items() if seq > 1}
    journal.append(session="@keys", id="d", type="session.deleted", data={"seen": seen})
    assert found(journal) == []
    append(journal, "again", "key.set", "@keys", key="k", value="v")
    assert found(journal) == ["unseen"]


@pytest.mark.slow
def test_the_first_creation_stays_if_nothing_else_dates_the_session(journal: Journal) -> None:
    """Lists of sessions show its date."""
    for id in ("c1", "c2", "c3"):
        append(journal, id, "session.created", system_prompt=LONG)
    with Projection.open(journal.path) as projection:
        before = projection.sessions()
        assert found(journal) == ["c2"]
        forget(journal.path, EVERYTHING)
        assert projection.sessions() == before


def test_an_event_that_a_list_of_messages_names_stays(journal: Journal) -> None:
    """Without it the list would be empty, and another content of its key would be in force."""
    journal.append_message("s", "user", "word", id="m")
    append(journal, "listed", "session.titled", title=LONG)
    append(journal, "e", "message.restored", messages=["listed"])
    append(journal, "e", "message.removed", messages=["m"])
    append(journal, "last", "session.titled", title="t")
    assert found(journal) == []


def test_small_values_stay(journal: Journal) -> None:
    """The entry in the request is kept for ever: from 512 bytes of data on it is worth it."""
    size = len('{"key":"k","value":""}')
    for id, length in (("small", LEAST - 1), ("large", LEAST), ("last", 1)):
        append(journal, id, "key.set", "@keys", key="k", value="é" + "x" * (length - size - 2))
    assert found(journal) == ["large"]


@pytest.mark.slow
def test_what_is_freed_is_more_than_the_request_takes(journal: Journal) -> None:
    """Of the smallest values, each with a value that stays beside it."""
    for number in range(60):
        append(journal, f"a{number}", "key.set", "@keys", key="k", value=LONG)
        append(journal, f"b{number}", "key.set", "@keys", key=f"k{number}", value="x")
    before = sum(path.stat().st_size for path in segments(journal.path))
    journal.close()
    forget(journal.path, EVERYTHING)
    after = sum(path.stat().st_size for path in segments(journal.path))
    assert before - after > 59 * 400


@pytest.mark.slow
def test_the_age_is_that_of_the_replacement(journal: Journal) -> None:
    """A value that an old one replaced is as old as that, not as its own date."""
    for value in ("1", "2"):
        append(journal, f"old{value}", "key.set", "@keys", key="k", value=value + LONG)
    journal.sync()
    between = clock.wall() + 1
    append(journal, "new3", "key.set", "@keys", key="k", value="3" + LONG)
    append(journal, "new4", "key.set", "@keys", key="k", value="4" + LONG)
    assert found(journal, Selection(replaced=True, before=between)) == ["old1"]
    assert found(journal) == ["new3", "old1", "old2"]


def test_it_goes_with_what_is_deleted(journal: Journal) -> None:
    """Both in one request; a revision of a deleted message is counted once."""
    journal.append_message("s", "user", "gone", id="m1")
    journal.append_message("s", "user", "stays", id="m2")
    for id in ("m1", "m2"):
        append(journal, f"r{id}", "message.revised", message=id, content=LONG)
        append(journal, f"l{id}", "message.revised", message=id, content="short")
    append(journal, "x", "message.removed", messages=["m1"])
    both = plan(journal.path, Selection(deleted=True, replaced=True))
    assert (both.scope, ids(both), both.events) == ("deleted and replaced", ["rm2"], 5)
    assert [message.id for message in both.messages] == ["m1"]


def test_sessions_and_namespaces_narrow_the_selection(journal: Journal) -> None:
    """Of one namespace only its own values go."""
    for session in ("@a", "@b"):
        for number in range(2):
            append(journal, f"{session}{number}", "key.set", session, key="k", value=LONG)
    assert found(journal, Selection(replaced=True, sessions=("@b",))) == ["@b0"]


def test_what_may_be_appended_again_cannot_be_what_was_replaced(journal: Journal) -> None:
    """A copy would come after the value that replaced it."""
    append(journal, "k1", "key.set", "@keys", key="k", value=LONG)
    append(journal, "k2", "key.set", "@keys", key="k", value=1)
    with pytest.raises(QueryError, match="would be shown"):
        forget(journal.path, EVERYTHING, allow_again=True)


def test_a_policy_forgets_what_was_replaced_but_not_of_pinned_sessions(journal: Journal) -> None:
    """`replaced` in retention.toml."""
    for session in ("a", "pinned"):
        journal.append_message(session, "user", "x", id="m")
        for number in range(2):
            data = {"message": "m", "content": LONG}
            append(journal, f"{session}{number}", "message.revised", session, **data)
    policy = parse_policy(b'replaced = "1h"\npinned = ["pinned"]')
    assert not plan(journal.path, policy)
    policy = replace(policy, replaced=timedelta(microseconds=-DAY))
    assert ids(plan(journal.path, policy)) == ["a0"]
