"""Lists of sessions: what was not looked at is said, and pages stay whole while messages arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from journal import Journal
from tests.projector.mcp.asked import ask

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def fruit(journal_dir: Path) -> Path:
    """A journal with six sessions about bananas."""
    with Journal.open(journal_dir) as journal:
        for number in range(1, 7):
            for at in range(2):
                when = 1_700_000_000_000_000 + number * 1_000_000_000 + at
                text = f"banana {number} != {at}"
                journal.append_message(f"fruit-{number}", "user", text, id=f"m{at}", timestamp=when)
    return journal_dir


@pytest.mark.parametrize("mode", ["words", "literal"])
def test_a_search_whose_time_was_over_does_not_say_that_there_is_nothing(
    fruit: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """It says how many texts were read, and that the others may match; no count is negative."""
    monkeypatch.setattr("projector.search.find.SECONDS", -1.0)
    monkeypatch.setattr("projector.search.texts._STEP", 1)
    query = {"words": '"!="', "literal": "!="}[mode]
    over = "the time was over after the texts of {}; what was not read may match, too"
    answer = ask(fruit, "search", query=query, mode=mode)
    assert answer.head[0] == "Nothing found in what was read, and nothing comes near."
    assert answer.head[1].startswith(over.format("0 messages"))
    assert "-1" not in answer.text
    monkeypatch.setattr("projector.search.find.SECONDS", 3.5)
    ticks = iter(range(100))
    monkeypatch.setattr("projector.search.texts.monotonic", lambda: next(ticks))
    answer = ask(fruit, "search", query=query, mode=mode)
    assert answer.head[0].startswith("Sessions 1-2 of at least 2 sessions: 3 messages have")
    assert answer.head[1].startswith(over.format("3 messages"))


def test_a_search_of_too_many_matches_says_how_many_were_ranked(
    fruit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the newest are ranked, and no time was over."""
    monkeypatch.setattr("projector.search.matches.RANKED", 3)
    answer = ask(fruit, "search", query="banana")
    assert answer.head[1] == "only 3 of the messages that match were ranked: narrow it down"


def test_nothing_found_names_the_words_that_no_message_has(fruit: Path) -> None:
    """Also where nothing comes near, the words are named that are in no message."""
    answer = ask(fruit, "search", query="zebra crossing")
    assert answer.head == (
        "Nothing found, and nothing comes near.",
        "no message has zebra; no message has crossing",
    )
