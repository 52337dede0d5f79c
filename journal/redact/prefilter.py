"""The prefilter: finds in one pass whether any rule may match.

It runs over the JSON of each event, so its speed is the speed of redaction. Python's engine is fast
for a pattern that begins with one character, because it skips all others with memchr(3). Therefore
each literal is searched from a rare character of it on, and the rest of it is compared from there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from journal.redact.escapes import unescaped_raw

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from journal.redact.rule import Guard, Rule

_FREQUENT = ' etnsairoc"dlpum0gh/:.f-,bywvk1x2(){}379=645j8_z+q*'
"""Characters of transcripts from the most frequent to the rarest; all others are rarer."""


class Prefilter:
    """Says whether a rule may match anywhere in JSON.

    Rules with one guard are searched together, and only where the guard is true.

    The text before a literal is not compared: in JSON it may be an escape.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        groups: dict[Guard | None, list[Rule]] = {}
        for rule in rules:
            groups.setdefault(rule.guard, []).append(rule)
        self._groups = [(guard, _Literals(group)) for guard, group in groups.items()]

    def __call__(self, raw: bytes) -> bool:
        """Return whether bytes have a literal of a rule, in any case, and the text after it."""
        lower = unescaped_raw(raw.lower())
        for guard, literals in self._groups:
            if (guard is None or guard(lower)) and literals.are_in(lower):
                return True
        return False


class _Literals:
    """The literals of some rules, and what follows each."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        left = [(literal, rule.follow) for rule in rules for literal in rule.literals]
        self.patterns: list[re.Pattern[bytes]] = []
        while left:
            pivot = _pivot([literal for literal, _ in left])
            self.patterns.append(_behind(pivot, [it for it in left if pivot in it[0]]))
            left = [it for it in left if pivot not in it[0]]
        self._searches = tuple(pattern.search for pattern in self.patterns)

    def are_in(self, lower: bytes) -> bool:
        """Return whether one is in bytes of lower case, with the text after it."""
        # a search for one character takes a tenth of that for a set of characters
        for search in self._searches:  # noqa: SIM110 - `any` takes as long as three searches
            if search(lower) is not None:
                return True
        return False


def _behind(pivot: str, found: Iterable[tuple[str, str]]) -> re.Pattern[bytes]:
    """Return a pattern of a pivot and, behind it, what literals and the text after them have."""
    return re.compile(f"{re.escape(pivot)}(?:{'|'.join(_tails(pivot, found))})".encode())


def _pivot(literals: Sequence[str]) -> str:
    """Return the character that finds the most literals for the least time."""
    chars = sorted(set().union(*literals))
    return min(chars, key=lambda char: _cost(char) / sum(char in it for it in literals))


def _cost(char: str) -> float:
    """Return the time of a search for a character, about, in microseconds for 1 KB."""
    rank = _FREQUENT.find(char)
    return 0.5 if rank < 0 else 0.5 + 30 / (1 + rank)


def _tails(pivot: str, found: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield what is compared after a pivot, the cheapest first."""
    ended: dict[str, list[str]] = {}
    for literal, follow in dict.fromkeys(found):
        behind = f"(?<={re.escape(literal)})"
        # at its last place, so that the first comparison fails most often
        rest = literal[literal.rindex(pivot) + 1 :]
        if rest:
            yield re.escape(rest) + behind + follow
        else:
            ended.setdefault(follow, []).append(behind)
    for follow, behinds in ended.items():
        # of two conditions at one place, the shorter one is the faster one
        yield "".join(sorted((f"(?:{'|'.join(behinds)})", follow), key=len))
