"""Dates in a question, as the times that they may mean.

They rank what was said then higher, and exclude nothing: people are often wrong about dates. A
month without a year, and a season, are those of any year. Of relative dates those of English are
known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from projector.text.normalize import fold, normal, units

if TYPE_CHECKING:
    from collections.abc import Iterator

_MONTHS = {
    "english": (
        "january february march april may june july august september october november december"
    ),
    "german": (
        "januar februar marz april mai juni juli august september oktober november dezember"
    ),
    "french": (
        "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre"
    ),
    "spanish": (
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"
    ),
    "italian": (
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre"
        " dicembre"
    ),
    "portuguese": (
        "janeiro fevereiro marco abril maio junho julho agosto setembro outubro novembro dezembro"
    ),
    "dutch": (
        "januari februari maart april mei juni juli augustus september oktober november december"
    ),
}
"""The months of each language, in the spelling of the index."""
_SEASONS = {"spring": (3, 3), "summer": (6, 3), "autumn": (9, 3), "fall": (9, 3), "winter": (12, 3)}
"""The first month of each season in the north, and how many months it has."""
_YEARS = 10
"""Years back of which a month without a year may be."""
_AMBIGUOUS = frozenset({"may", "march", "mars", "marco"})
"""Months that are other words, too, unless something says that they are months."""
_SAYS_SO = r"in|of|on|since|during|last|this|until|by|early|late|mid|im|en|em|nel"
_PARTS = {
    "start": 0, "beginning": 0, "early": 0, "anfang": 0,
    "mid": 1, "middle": 1, "mitte": 1,
    "end": 2, "late": 2, "ende": 2,
}  # fmt: skip
"""Words for the thirds of a month."""
_NUMBERED = re.compile(r"(?<!\d)(\d{4})[-/](\d{1,2})(?:[-/](\d{1,2}))?(?![\d-])")
_DOTTED = re.compile(r"(?<![\d.])(\d{1,2})\.(\d{1,2})\.(\d{4})(?![\d.])")
_CJK = re.compile(r"(?:(\d{4})年)?(?<!\d)(\d{1,2})月(?:(\d{1,2})[日号])?")
_AGO = re.compile(r"\b(\d{1,3}|an?|one|two|three|four|five|six) (day|week|month)s? ago\b")
_COUNTS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
_RELATIVE = re.compile(r"\b(today|yesterday|(?:last|this|past) (?:week|month|year))\b")
_SEASON = re.compile(rf"\b(?:last|this|in|in the|during) ({'|'.join(_SEASONS)})\b")

_DAY = 25 * 3_600_000_000
"""Microseconds of the longest day, on which clocks are set back."""

Span = tuple[int, int]
"""A time: microseconds since 1970, the second exclusive."""


@dataclass(frozen=True, slots=True)
class Dates:
    """The dates of a question.

    Attributes:
        spans: the times that they may mean; empty if there is no date.
        typed: dates of digits and signs, which are no words that were said.
        words: the words of all dates, in the spelling of the index.
    """

    spans: tuple[Span, ...]
    typed: tuple[str, ...]
    words: frozenset[str]

    @property
    def are_days(self) -> bool:
        """Whether each of the times is a day."""
        return all(until - since <= _DAY for since, until in self.spans)

    def has(self, time: int) -> bool:
        """Return whether a moment is in one of the times."""
        return any(since <= time < until for since, until in self.spans)


def dates(question: str, language: str, now: datetime) -> Dates:
    """Return the dates of a question.

    Args:
        question: as it was typed.
        language: its language, as `projector.search.recall.grammar` names it.
        now: when it is asked, in the time zone that it means.
    """
    text = fold(normal(question))
    numbered = [*_numbered(text)]
    found = [*numbered, *_named(text, language, now), *_relative(text, now)]
    spans = ((_micro(since), _micro(until)) for (since, until), _ in found)
    words = frozenset(word for typed in {typed for _, typed in found} for word in units(typed))
    return Dates(tuple(dict.fromkeys(spans)), tuple(typed for _, typed in numbered), words)


_Time = tuple[datetime, datetime]


def _numbered(text: str) -> Iterator[tuple[_Time, str]]:
    """Yield dates such as 2026-03-05, 2026-03 and 5.3.2026, and how they are typed."""
    for match in _NUMBERED.finditer(text):
        yield from ((time, match[0]) for time in _day_or_month(match[1], match[2], match[3]))
    for match in _DOTTED.finditer(text):
        yield from ((time, match[0]) for time in _day_or_month(match[3], match[2], match[1]))


def _day_or_month(year: str, month: str, day: str | None) -> Iterator[_Time]:
    try:
        first = datetime(int(year), int(month), int(day or 1)).astimezone()
        until = first + timedelta(days=1) if day else _month_after(first, 1)
        yield first, until
    except (ValueError, OverflowError, OSError):  # no day of the calendar
        return


@cache
def _month_pattern(language: str) -> re.Pattern[str]:
    names = "|".join(_MONTHS[language].split())
    return re.compile(
        rf"(?:\b(?P<part>{'|'.join(_PARTS)})(?: of| de)?[ -])?"
        r"(?:(?<!\d)(?P<before>\d{1,2})(?:st|nd|rd|th|\.)? (?:of |de )?)?"
        rf"(?:\b(?P<says>{_SAYS_SO}) )?"
        rf"\b(?P<name>{names})\b"
        r"(?: (?P<after>\d{1,2})(?:st|nd|rd|th)?(?!\d))?"
        r"(?:,? (?:de |del )?(?P<year>(?:19|20)\d{2})(?!\d))?"
    )


def _named(text: str, language: str, now: datetime) -> Iterator[tuple[_Time, str]]:
    """Yield dates with the name of a month: `3 March`, `end of February`, `May 2026`; as typed."""
    names = _MONTHS[language].split()
    for match in _month_pattern(language).finditer(text):
        day, year = match["before"] or match["after"], match["year"]
        sure = day or year or match["part"] or match["says"]
        if not sure and match["name"] in _AMBIGUOUS:
            continue
        month = names.index(match["name"]) + 1
        for time in _of_years(month, day, year, match["part"], now):
            yield time, match[0]
    for match in _CJK.finditer(text):
        for time in _of_years(int(match[2]), match[3], match[1], None, now):
            yield time, match[0]


def _of_years(
    month: int, day: str | None, year: str | None, part: str | None, now: datetime
) -> Iterator[_Time]:
    """Yield a day or a month of a year, or of each of the last years, or a third of the month."""
    years = [int(year)] if year else range(now.year - _YEARS, now.year + 1)
    for each in years:
        for first, until in _day_or_month(str(each), str(month), day):
            if part is None or day is not None:
                yield first, until
            else:
                bounds = [first + timedelta(days=days) for days in (0, 10, 20)] + [until]
                third = _PARTS[part]
                yield bounds[third], bounds[third + 1]


def _relative(text: str, now: datetime) -> Iterator[tuple[_Time, str]]:
    """Yield times such as yesterday, last week, two months ago and last spring; as typed."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    day, week = timedelta(days=1), timedelta(days=7)
    monday, first = today - day * today.weekday(), today.replace(day=1)
    times = {
        "today": (today, today + day),
        "yesterday": (today - day, today),
        "this week": (monday, today + day),
        "last week": (monday - week, monday),
        "past week": (today - week, today + day),
        "this month": (first, today + day),
        "last month": (_month_after(first, -1), first),
        "past month": (_month_after(today, -1), today + day),
        "this year": (first.replace(month=1), today + day),
        "last year": (first.replace(year=now.year - 1, month=1), first.replace(month=1)),
        "past year": (_month_after(first, -12), today + day),
    }
    for match in _RELATIVE.finditer(text):
        yield times[match[1]], match[0]
    for match in _AGO.finditer(text):
        count = _COUNTS.get(match[1]) or int(match[1])
        if match[2] == "month":
            begin = _month_after(first, -count)
            yield (begin, _month_after(begin, 1)), match[0]
        else:
            unit = day if match[2] == "day" else week
            middle = today - unit * count
            yield (middle - unit / 2, middle + unit * 1.5), match[0]
    for match in _SEASON.finditer(text):
        month, count = _SEASONS[match[1]]
        for year in range(now.year - _YEARS, now.year + 1):
            begin = first.replace(year=year, month=month)
            yield (begin, _month_after(begin, count)), match[0]


def _month_after(first: datetime, count: int) -> datetime:
    """Return the first day of the month that is so many months later."""
    months = first.year * 12 + first.month - 1 + count
    return first.replace(year=months // 12, month=months % 12 + 1, day=1)


def _micro(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)
