"""What a plan to forget contains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from journal import Journal
from journal.process import clock
from journal.process.ids import uuid7
from projector.errors import NotFound
from projector.forgetting.forget import plan
from projector.forgetting.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

T = 1_700_000_000_000_000
"""Microseconds: 2023-11-14T22:13:20Z."""


@pytest.fixture
def journal(journal_dir: Path) -> Iterator[Journal]:
    """An empty journal."""
    with Journal.open(journal_dir, fsync="never") as journal:
        yield journal


def test_a_session_is_forgotten_with_everything_that_belongs_to_it(journal: Journal) -> None:
    """A session's messages are counted, removed ones too; its title and words are shown."""
    data: dict[str, Any] = {"title": "Passwords", "source": "cli"}
    journal.append(session="s1", type="session.created", data=data)
    journal.append_message("s1", "user", "the first words", id="m1", timestamp=T)
    journal.append_message("s1", "user", "removed", id="m2", timestamp=T + 1)
    journal.append(session="s1", type="message.removed", data={"messages": ["m2"]})
    journal.append_message("s2", "user", "another", id="m1", timestamp=T)
    found = plan(journal.path, Selection(sessions=("s1",)))
    (session,) = found.sessions
    assert session.session == "s1"
    assert (session.title, session.source, session.messages) == ("Passwords", "cli", 2)
    assert session.words == "the first words"
    assert found.events == 4
    assert not found.replays
    assert found.names.sessions == ("s1",)


def test_a_deleted_session_can_be_forgotten(journal: Journal) -> None:
    """The events of a deleted session are hidden, and still in the lanes."""
    journal.append_message("s1", "user", "hidden", id="m1")
    journal.append(session="s1", type="session.deleted", data={"seen": journal.ends()})
    found = plan(journal.path, Selection(sessions=("s1",)))
    assert found.events == 2


def test_a_message_is_forgotten_with_its_replays(journal: Journal) -> None:
    """A message with the same uuid, or the same role, content and time, is a replay."""
    line = uuid7()
    journal.append_message("s1", "user", "secret", id=line)
    journal.append_message("fork", "user", "secret", id=line)
    journal.append_message("s1", "user", "said once", id="m1", timestamp=T)
    journal.append_message("copy", "user", "said once", id="x7", timestamp=T)
    journal.append_message("s3", "user", "said once", id="x8", timestamp=T + 1)
    journal.append_message("s3", "user", "secret", id="x9")
    found = plan(journal.path, Selection(messages=(("s1", line), ("s1", "m1"))))
    assert [(each.session, each.id) for each in found.messages] == [("s1", line), ("s1", "m1")]
    assert {(each.session, each.id) for each in found.replays} == {("fork", line), ("copy", "x7")}
    assert found.events == 4


def test_a_replay_of_a_replay_is_forgotten(journal: Journal) -> None:
    """The second has the uuid of the first; the third has the time and content of the second."""
    line = uuid7()
    journal.append_message("s1", "user", "before", id=line)
    journal.append_message("s2", "user", "after", id=line, timestamp=T)
    journal.append_message("s3", "user", "after", id="other", timestamp=T)
    found = plan(journal.path, Selection(sessions=("s1",)))
    assert {each.session for each in found.replays} == {"s2", "s3"}


def test_revisions_and_contents_in_conflict_are_counted(journal: Journal) -> None:
    """Revisions and conflicts are counted; a replay of a revised text is found by it."""
    journal.append_message("s1", "user", "one", id="m1", timestamp=T)
    journal.append_message("s1", "user", "two", id="m1", timestamp=T + 5)
    data = {"message": "m1", "content": "revised"}
    journal.append(session="s1", type="message.revised", data=data)
    journal.append_message("s2", "user", "revised", id="x1", timestamp=T)
    journal.append_message("s3", "user", "two", id="x2", timestamp=T + 5)
    found = plan(journal.path, Selection(messages=(("s1", "m1"),)))
    assert found.events == 5
    assert {each.id for each in found.replays} == {"x1", "x2"}


@pytest.mark.slow
def test_a_query_selects_every_hit(journal: Journal) -> None:
    """More hits than a page or a ranking has are selected; filters narrow them."""
    many = [
        {
            "session": f"s{number % 2}",
            "id": f"m{number}",
            "type": "message.appended",
            "data": {"role": "user", "content": "token", "timestamp": T + number},
        }
        for number in range(5_500)
    ]
    journal.append_many(many)
    journal.append_message("s0", "user", "token", id="web", source="web", timestamp=T - 1)
    assert len(plan(journal.path, Selection(query="token")).messages) == 5_501
    assert len(plan(journal.path, Selection(query="tok*", source="web")).messages) == 1
    assert len(plan(journal.path, Selection(query="token", before=T + 10)).messages) == 11
    narrowed = plan(journal.path, Selection(query="token", sessions=("s1",)))
    assert {each.session for each in narrowed.messages} == {"s1"}
    assert len(narrowed.messages) == 2_750


def test_a_source_selects_whole_sessions_and_single_messages(journal: Journal) -> None:
    """A session that another source wrote to, too, keeps the messages of that source."""
    journal.append(session="s1", type="session.created", data={"source": "cli"})
    journal.append_message("s1", "user", "inherits it", id="m1")
    journal.append_message("s2", "user", "names it", id="m1", source="cli")
    journal.append_message("s2", "user", "another", id="m2", source="web")
    journal.append(session="empty", type="session.created", data={"source": "cli"})
    found = plan(journal.path, Selection(source="cli"))
    assert {each.session for each in found.sessions} == {"s1", "empty"}
    assert [(each.session, each.id) for each in found.messages] == [("s2", "m1")]


def test_an_age_selects_sessions_whose_last_message_is_older(journal: Journal) -> None:
    """A wrong date in the future does not count; without messages, the last event counts."""
    journal.append_message("old", "user", "a", id="m1", timestamp=T)
    journal.append_message("old", "user", "b", id="m2", timestamp=T + 5)
    journal.append_message("new", "user", "a", id="m1", timestamp=T + 20)
    journal.append_message("wrong", "user", "a", id="m1", timestamp=T)
    future = clock.wall() + 10**13
    journal.append_message("wrong", "user", "a", id="m2", timestamp=future)
    journal.append(session="titled", type="session.titled", data={"title": "now"})
    journal.append(session="@keys", type="key.set", data={"key": "k", "value": 1})
    found = plan(journal.path, Selection(before=T + 10))
    assert {each.session for each in found.sessions} == {"old", "wrong"}


def test_an_age_names_single_events_so_that_a_session_can_continue(journal: Journal) -> None:
    """A younger session that repeats messages of an old one keeps them."""
    line = uuid7()
    journal.append_message("old", "user", "a", id=line, timestamp=T)
    journal.append_message("fork", "user", "a", id=line, timestamp=T)
    journal.append_message("fork", "user", "b", id="m2", timestamp=T + 20)
    found = plan(journal.path, Selection(before=T + 10))
    assert found.names.sessions == ()
    assert found.names.events == (("old", line),)
    assert not found.names.with_repeats
    assert not found.replays


def test_keys_and_claims_that_mention_a_session_are_forgotten(journal: Journal) -> None:
    """A key's name, value or event id may mention it; a longer id is another session."""
    for number, (key, value) in enumerate(
        [
            ("cursor:s1", 7),
            ("a", {"list": ["x", "s1"]}),
            ("b", {"s1": 1}),
            ("cursor:s11", "s1-2 and as1"),
            ("c", "none"),
        ]
    ):
        data = {"key": key, "value": value}
        journal.append(session="@keys", id=f"k{number}", type="key.set", data=data)
    journal.append(session="@claims", id="c-s1", type="key.deleted", data={"key": "x"})
    journal.append_message("s1-2", "user", "b", id="m1")
    journal.append(session="@claims", id="of s1", type="key.deleted", data={"key": "y"})
    journal.append_message("s1", "user", "a", id="m1")
    found = plan(journal.path, Selection(sessions=("s1",)))
    assert {each.id for each in found.keys} == {"k0", "k1", "k2", "c-s1", "of s1"}


def test_children_lose_their_parent(journal: Journal) -> None:
    """Children lose a forgotten parent, also one that has no events: its id may be secret."""
    journal.append(session="child", type="session.created", data={"parent": "gone"})
    found = plan(journal.path, Selection(sessions=("gone",)))
    assert found.children == ("child",)
    assert found.events == 0
    assert found


@pytest.mark.parametrize(
    "selection",
    [
        Selection(sessions=("s",)),
        Selection(messages=(("s1", "m2"),)),
        Selection(query="a", sessions=("s",)),
    ],
)
def test_an_id_that_does_not_exist_is_an_error(journal: Journal, selection: Selection) -> None:
    """A prefix of an id is an error, too, because what is forgotten cannot be restored."""
    journal.append_message("s1", "user", "a", id="m1")
    with pytest.raises(NotFound, match="no "):
        plan(journal.path, selection)


@pytest.mark.parametrize(
    "selection", [Selection(query="nowhere"), Selection(source="none"), Selection(before=T)]
)
def test_a_plan_of_nothing_is_false(journal: Journal, selection: Selection) -> None:
    """A plan without matches is false, and no error."""
    journal.append_message("s1", "user", "a", id="m1")
    assert not plan(journal.path, selection)


def test_a_plan_changes_nothing(journal: Journal) -> None:
    """A plan creates no key, and appends nothing."""
    journal.append_message("s1", "user", "a", id="m1")
    before = journal.ends()
    plan(journal.path, Selection(sessions=("s1",)))
    assert not (journal.path / "key").exists()
    assert journal.ends() == before


def test_what_has_the_words_of_a_query_and_stays_is_named(journal: Journal) -> None:
    """Titles, removed messages, replaced texts, conflicts, fields and key-values, each once.

    What the query forgets is not among them, nor what was revised so that it has the words now.
    """
    journal.append(session="s1", type="session.created", data={"title": "Plans of ACME"})
    for id, text in (("m1", "acme is here"), ("m2", "acme goes"), ("m3", "Acme was"), ("m4", "x")):
        journal.append_message("s1", "user", text, id=id)
    for message, text in (("m3", "now other"), ("m4", "acme now")):
        data = {"message": message, "content": text}
        journal.append(session="s1", id=f"r-{message}", type="message.revised", data=data)
    journal.append(session="s1", type="message.removed", data={"messages": ["m2"]})
    journal.append_message("s1", "user", "first", id="m5")
    journal.append_message("s1", "user", "acme, too late", id="m5")
    journal.append_message("s1", "user", "y", id="m6", extra={"acme": [1]})
    journal.append(session="@keys", id="k1", type="key.set", data={"key": "a", "value": ["acme"]})
    journal.append(session="s2", id="t1", type="tool.used", data={"tool": "acme"})
    journal.append_message("acme-1", "user", "z", id="m1")
    found = plan(journal.path, Selection(query="acme"))
    assert [message.id for message in found.messages] == ["m1", "m4"]
    named = sorted((each.kind, each.session, each.id) for each in found.elsewhere)
    (title,) = (id for kind, session, id in named if (kind, session) == ("session", "s1"))
    assert named == [
        ("conflict", "s1", "m5"),
        ("field", "s1", "m6"),
        ("key", "@keys", "k1"),
        ("other", "s2", "t1"),
        ("removed", "s1", "m2"),
        ("replaced", "s1", "m3"),
        ("session", "acme-1", ""),
        ("session", "s1", title),
    ]
    assert plan(journal.path, Selection(query="nothing")).elsewhere == ()


def test_usage_that_a_fork_repeats_goes_with_its_session(journal: Journal) -> None:
    """A fork keeps the usage of its own calls; otherwise it would count that of the session."""
    for session, call in (("s1", "a"), ("fork", "a"), ("fork", "b")):
        data = {"input_tokens": 7, "call": call * 16}
        journal.append(session=session, id=call, type="usage.added", data=data)
    found = plan(journal.path, Selection(sessions=("s1",)))
    assert (found.names.events, found.events) == ((("fork", "a"),), 2)
