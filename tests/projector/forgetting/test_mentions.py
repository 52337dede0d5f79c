"""Mentions of a session outside of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal import Journal
from projector.forgetting.forget import forget, plan
from projector.forgetting.mentions import NameFinder
from projector.forgetting.selection import Selection
from tests.support.journals import events

if TYPE_CHECKING:
    from pathlib import Path

    from journal.format.event import Event

_TEXTS = st.text("a-_ .é1", max_size=12)


@given(st.lists(_TEXTS.filter(bool), max_size=5), _TEXTS)
def test_a_name_is_found_without_a_letter_or_digit_beside_it(names: list[str], text: str) -> None:
    """The search finds the same as a pattern with all names as alternatives."""
    sides = r"(?<![^\W_])", r"(?![^\W_])"
    pattern = re.compile("|".join(re.escape(name).join(sides) for name in names))
    expected = bool(names) and pattern.search(text) is not None
    assert NameFinder(names).finds_any(text) == expected


@given(st.lists(_TEXTS.filter(bool), max_size=5), _TEXTS)
def test_a_name_within_a_word_is_found(names: list[str], text: str) -> None:
    """The search finds the same as a comparison with each name."""
    assert NameFinder(names).is_within(text) == any(name in text for name in names)


def _claim(journal: Journal, key: str, value: object = None) -> None:
    data = {"key": key, "value": value}
    journal.append(session="@claims", type="key.set", data=data)


def _claims(path: Path) -> list[Event]:
    return [each.event for each in events(path) if each.event.session == "@claims"]


@pytest.mark.parametrize(
    ("session", "key", "goes"),
    [
        ("s1", "lock-s1", True),
        ("s1", "s1_lock", True),
        ("s1", "lock:s1:main", True),
        ("s1", "lock-s12", False),
        ("s1", "locks1", False),
        ("s1", "lock-s1-fork", False),  # of the session s1-fork
        ("s1", "lock-s1-fork and s1", True),
        ("s1", "lock-s1-other", True),  # no session has this id
        ("s1", "gate/s1/x", False),  # of the session gate/s1/x
        ("s1-fork", "lock-s1-fork", True),
    ],
)
def test_a_key_goes_with_the_session_that_it_mentions(
    journal_dir: Path, session: str, key: str, *, goes: bool
) -> None:
    """Signs may be beside the id; a longer id of another session is no mention of it."""
    with Journal.open(journal_dir) as journal:
        for name in ("s1", "s1-fork", "gate/s1/x"):
            journal.append_message(name, "user", f"text of {name}")
        _claim(journal, key)
        _claim(journal, "other", {"of": ["nothing"]})
    forget(journal_dir, Selection(sessions=(session,)))
    left = {event.data["key"] for event in _claims(journal_dir)}
    assert left == ({"other"} if goes else {"other", key})


def test_what_else_has_the_id_is_named_and_stays(journal_dir: Path) -> None:
    """Ids of sub-agents, fields of sessions and messages, other events, and longer words."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("ab12cd", "user", "text")
        journal.append_message("s1", "user", "text")
        for key in ("cacheab12cd", "cache-ab12cd", "classes1"):
            _claim(journal, key)
        data = {"parent": "ab12cd", "relation": "subagent"}
        journal.append(session="agent-x-ab12cd", id="c", type="session.created", data=data)
        data = {"branch": "fix/ab12cd", "parent": "ab12cd"}
        journal.append(session="later", id="c", type="session.created", data=data)
        journal.append_message("later", "user", "says ab12cd", id="m1")
        journal.append_message("later", "user", "b", id="m2", extra={"of": "ab12cd"})
        journal.append(session="later", id="x", type="tool.used", data={"why": "ab12cd"})
        journal.append(session="later", id="y", type="tool.used", data={"why": "s1."})
    claims = _claims(journal_dir)
    found = plan(journal_dir, Selection(sessions=("ab12cd", "s1")))
    assert {(each.kind, each.session, each.id) for each in found.elsewhere} == {
        ("key", "@claims", claims[0].id),
        ("session", "agent-x-ab12cd", ""),
        ("session", "later", "c"),
        ("field", "later", "m2"),
        ("other", "later", "x"),
        ("other", "later", "y"),
    }
    assert [each.id for each in found.keys] == [claims[1].id]
    assert found.children == ("agent-x-ab12cd", "later")
    outcome = forget(journal_dir, Selection(sessions=("ab12cd", "s1")))
    assert outcome.is_complete
