"""Dates in questions."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from journal import Journal
from projector import Projection
from projector.search.recall.dates import dates

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 27, 15).astimezone()  # a Friday
_DAY = 86_400


def _spans(question: str, language: str = "english") -> list[tuple[str, int]]:
    """Return for each time its first day, and how many days it has."""
    found = dates(question, language, NOW).spans
    return [
        (
            str(datetime.fromtimestamp(since / 1e6).astimezone().date()),
            round((until - since) / 1e6 / _DAY),
        )
        for since, until in found
    ]


@pytest.mark.parametrize(
    ("question", "language", "first", "days"),
    [
        ("what failed on 2026-03-05?", "english", "2026-03-05", 1),
        ("notes of 2026-02", "english", "2026-02-01", 28),
        ("was war am 5.3.2026", "german", "2026-03-05", 1),
        ("what did we do on 3 March 2026", "english", "2026-03-03", 1),
        ("what did we do on March 3rd, 2026?", "english", "2026-03-03", 1),
        ("the outage of December 2025", "english", "2025-12-01", 31),
        ("the outage at the end of February 2026", "english", "2026-02-21", 8),
        ("the outage in mid-May 2026", "english", "2026-05-11", 10),
        ("der Ausfall am 3. März 2026", "german", "2026-03-03", 1),
        ("la panne du 3 août 2026", "french", "2026-08-03", 1),
        ("el fallo del 3 de enero de 2026", "spanish", "2026-01-03", 1),
        ("2026年3月5日の障害", "english", "2026-03-05", 1),
        ("what did we do yesterday", "english", "2026-11-26", 1),
        ("what did we do last week", "english", "2026-11-16", 7),
        ("what did we do this month", "english", "2026-11-01", 27),
        ("what did we do last month", "english", "2026-10-01", 31),
        ("the bug of three weeks ago", "english", "2026-11-02", 14),
        ("the bug of 2 months ago", "english", "2026-09-01", 30),
    ],
)
def test_a_date_is_the_time_that_it_means(
    question: str, language: str, first: str, days: int
) -> None:
    """Days, months, thirds of a month, and what is counted from now."""
    assert _spans(question, language) == [(first, days)]


def test_a_month_without_a_year_is_of_any_year() -> None:
    """So are days without a year, and seasons; a year of ten back is the first."""
    assert _spans("the fix in July")[-1] == ("2026-07-01", 31)
    assert len(_spans("the fix in July")) == 11
    assert ("2024-03-03", 1) in _spans("what did we do on 3 March?")
    assert _spans("the race that we found last winter")[-2] == ("2025-12-01", 90)


@pytest.mark.parametrize(
    "question",
    [
        "may it march on?",
        "why 12 retries",
        "version 1.2.3",
        "10.0.0.1 fails",
        "2026-13-45",
        "spring",
    ],
)
def test_what_is_no_date_has_no_time(question: str) -> None:
    """Months that are other words, versions, addresses, and days of no calendar."""
    assert not _spans(question)


def test_what_was_said_then_is_nearer(journal_dir: Path) -> None:
    """The date ranks; it excludes nothing, is no word, and nothing is claimed for it."""
    with Journal.open(journal_dir) as journal:
        for month in range(1, 7):
            for id, text in ((f"a{month}", "the cache broke again"), (f"b{month}", "to lunch")):
                journal.append_message(
                    f"s{month}", "user", text, id=id, timestamp=f"2026-0{month}-14T12:00:00Z"
                )
    with Projection.open(journal_dir) as projection:
        for question in ("what broke the cache on 2026-03-14", "what broke the cache in March?"):
            found = projection.search(question, limit=10)
            assert not found.hits
            assert found.near[0].id == "a3"
            assert {hit.session for hit in found.near} == {f"s{month}" for month in range(1, 7)}
        assert not projection.search("zebras on 2026-03-14").near
        assert "2026" not in projection.search("what broke the cache on 2026-03-14").missing


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("the cache of last week", {"last", "week"}),
        ("the cache in March 2025", {"in", "march", "2025"}),
        ("the cache two months ago", {"two", "months", "ago"}),
        ("5月3日のキャッシュ", {"5", "月", "3", "日"}),
        ("notes of 2026-02", {"2026", "02"}),
        ("may it march on?", set()),
        ("version 1.2.3", set()),
    ],
)
def test_the_words_of_a_date_are_known(question: str, words: set[str]) -> None:
    """They are those of the date alone."""
    assert dates(question, "english", NOW).words == words


def test_the_words_of_a_date_are_not_missing(journal_dir: Path) -> None:
    """No message says them, and none needs to."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "the cache broke again")
    with Projection.open(journal_dir) as projection:
        for date in ("last week", "in March 2025", "on 2026-03-05", "two months ago"):
            found = projection.search(f"zebra cache {date}")
            assert (found.missing, found.near[0].missing) == (("zebra",), ("zebra",)), date
        assert projection.search("5月3日 zebra cache").missing == ("zebra",)


def test_a_date_alone_finds_what_was_said_then(journal_dir: Path) -> None:
    """No word is needed, and filters count."""
    with Journal.open(journal_dir) as journal:
        for day in (4, 5, 6):
            for role in ("user", "assistant"):
                journal.append_message(
                    f"s{day}", role, "hello", id=f"{role}{day}", timestamp=f"2026-03-0{day}T12:00Z"
                )
    with Projection.open(journal_dir) as projection:
        for question in ("2026-03-05", "what did we do on March 5, 2026?", "on 5.3.2026"):
            found = projection.search(question)
            assert not found.hits
            assert {hit.id for hit in found.near} == {"user5", "assistant5"}, question
            assert found.missing == found.near[0].missing == ()
        asked = projection.search("2026-03-05", role="user").near
        assert [hit.id for hit in asked] == ["user5"]
        assert projection.search("2026-04-05").near == ()
