"""Numbers and times as pages show them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from journal.cli.kit.times import local
from journal.errors import counted

if TYPE_CHECKING:
    from collections.abc import Callable

_MICRO = 1_000_000
_UNITS = ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k"))
_SHORT = 10_000
"""Below this a number is written out."""
_FINE = ((0.1, 2), (0.01, 3), (0.0001, 4))
"""Dollars, and the digits behind the point that so many are shown with, or more."""
_MARKED = re.compile(r"\*\*([^*\s][^*]*)\*\*|`([^`]+)`")
"""Bold text or code in Markdown, with what is between the marks."""
_SPANS = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))


def _format(microseconds: int | None, form: str) -> str:
    if microseconds is None:
        return ""
    moment = local(microseconds)
    return f"{microseconds} µs since 1970" if moment is None else moment.strftime(form)


def minute(microseconds: int | None) -> str:
    """Return `2026-01-31 12:00`, in local time; empty without a time."""
    return _format(microseconds, "%Y-%m-%d %H:%M")


def second(microseconds: int | None) -> str:
    """Return `2026-01-31 12:00:00`, in local time; empty without a time."""
    return _format(microseconds, "%Y-%m-%d %H:%M:%S")


def clock_time(microseconds: int | None) -> str:
    """Return `12:00:00`, in local time; empty without a time."""
    return _format(microseconds, "%H:%M:%S")


def when(microseconds: int | None) -> str:
    """Return a short time: `12:00` of today, `Jan 31` of this year, else a date."""
    moment = None if microseconds is None else local(microseconds)
    if moment is None:
        return minute(microseconds)
    now = datetime.now(UTC).astimezone()
    if moment.date() == now.date():
        return moment.strftime("%H:%M")
    return moment.strftime("%b %d" if moment.year == now.year else "%Y-%m-%d")


def machine(microseconds: int | None) -> str:
    """Return a time as the attribute `datetime` has it; empty if it has none."""
    moment = None if microseconds is None else local(microseconds)
    return "" if moment is None else moment.isoformat(timespec="seconds")


def number(value: float) -> str:
    """Return a whole number with separators."""
    return f"{value:,.0f}"


def tokens(value: int | None) -> str:
    """Return a number of tokens."""
    return "an unknown number of tokens" if value is None else counted(value, "token")


def short(value: float | None) -> str:
    """Return a number in at most five characters, such as `12.3k`; `?` if it is not known."""
    if value is None:
        return "?"
    if value >= _SHORT:
        for size, unit in _UNITS:
            if value >= size:
                scaled = value / size
                return f"{scaled:.1f}{unit}" if scaled < 100 else f"{scaled:.0f}{unit}"  # noqa: PLR2004 - three digits
    return f"{value:,.0f}"


def size(value: int) -> str:
    """Return a number of bytes, such as `1.2 MB`."""
    for bound, unit in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if value >= bound:
            return f"{value / bound:,.1f} {unit}"
    return f"{value:,} B"


def money(microdollars: int | None) -> str:
    """Return a cost in US dollars; empty if it is not known."""
    if microdollars is None:
        return ""
    dollars = microdollars / _MICRO
    if 0 < dollars < 0.01:  # noqa: PLR2004 - a cent
        return "<$0.01"
    return f"${dollars:,.2f}"


def fine_money(microdollars: int) -> str:
    """Return the cost of one call in US dollars, with more digits the smaller it is."""
    dollars = microdollars / _MICRO
    if not dollars:
        return "$0.00"
    digits = next((digits for bound, digits in _FINE if dollars >= bound), None)
    return "<$0.0001" if digits is None else f"${dollars:,.{digits}f}"


def span(microseconds: int) -> str:
    """Return a duration in its two largest units, such as `3h 12m`."""
    rest, found = max(microseconds, 0) // _MICRO, list[str]()
    for seconds, unit in _SPANS:
        count, rest = divmod(rest, seconds)
        if count or (found and len(found) == 1):
            found.append(f"{count}{unit}")
    return " ".join(found[:2]) or "0s"


def percent(part: float, whole: float) -> str:
    """Return a share, such as `4.2 %`; empty of nothing."""
    return f"{100 * part / whole:.1f} %" if whole else ""


def folder(path: str | None) -> str:
    """Return the last part of a path; empty without one."""
    return "" if path is None else (path.replace("\\", "/").rstrip("/").rpartition("/")[2] or path)


def project(path: str | None) -> str:
    """Return the last two parts of a path, as the last one alone is often that of others, too."""
    parts = [part for part in (path or "").replace("\\", "/").split("/") if part]
    return "/".join(parts[-2:]) or path or ""


def sentence(text: str) -> str:
    """Return what an error says with a capital at its beginning and a full stop at its end."""
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "?", "!")) else ".")


def unmarked(text: str) -> str:
    """Return a line of Markdown without the marks of bold text and code.

    >>> unmarked("Find `a.py` and **fix it**, 2 ** 3")
    'Find a.py and fix it, 2 ** 3'
    """
    return _MARKED.sub(lambda found: found[1] or found[2], text)


FILTERS: dict[str, Callable[..., str]] = {
    "minute": minute,
    "second": second,
    "clock_time": clock_time,
    "when": when,
    "machine": machine,
    "number": number,
    "short": short,
    "tokens": tokens,
    "size": size,
    "money": money,
    "fine_money": fine_money,
    "span": span,
    "percent": percent,
    "folder": folder,
    "project": project,
    "sentence": sentence,
    "unmarked": unmarked,
}
