"""The prefilter: finds in one pass whether any rule may match.

It runs over the strings of each event, so its speed is the speed of redaction. Python's engine is
fast for a pattern that begins with one character, because it skips all others in a loop of its own.
Therefore each literal is searched from a rare character of it on, and the rest of it is compared
from there.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from journal.redact.escapes import unescaped_raw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from journal.redact.rule import Guard, Rule

    _Search = Callable[[bytes], re.Match[bytes] | None]

_FREQUENT = ' etnsairoc"dlpum0gh/:.f-,bywvk1x2(){}379=645j8_z+q*'
"""Characters of transcripts from the most frequent to the rarest; all others are rarer."""
_MANY = 32
"""Matches of one pattern that are looked at; of a text with more, all its rules are searched."""
_A_PATTERN = 32 * 1024
"""Bytes that are searched for each pattern that is compiled."""


class Prefilter:
    """Says which rules may match anywhere in a text.

    Rules with one guard are searched together, in what the guard returns.

    What is before a literal is not compared: in JSON it may be an escape.

    To compile all patterns takes 60 ms, and most programs append a few events. Therefore each
    literal is searched by itself at first. With every `_A_PATTERN` bytes that were searched, one
    more pattern is compiled, so that no append waits for all of them.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        groups: dict[Guard | None, list[tuple[int, Rule]]] = {}
        for at, rule in enumerate(rules):
            groups.setdefault(rule.guard, []).append((at, rule))
        self._groups = [(guard, list(_pivots(group))) for guard, group in groups.items()]
        self._searches: list[tuple[Guard | None, list[_Search]]] | None = None
        self._searched = 0

    def __call__(self, raw: bytes) -> bool:
        """Return whether bytes have a literal of a rule, in any case, and the text after it."""
        lower = unescaped_raw(raw.lower())
        if self._searches is None:
            self._compile_due(len(lower))
            return any(pivot.is_in(part) for part, pivot in self._parts(lower))
        # a search for one character takes a tenth of that for a set of characters
        for guard, searches in self._searches:
            searched = lower if guard is None else guard(lower)
            if searched:
                for search in searches:  # `any` takes as long as three searches
                    if search(searched) is not None:
                        return True
        return False

    def passed(self, raw: bytes) -> list[int]:
        """Return the places of the rules that may match in bytes, in order: few of all."""
        found: set[int] = set()
        for part, pivot in self._parts(unescaped_raw(raw.lower())):
            found.update(pivot.passed(part))
        return sorted(found)

    def compile(self) -> None:
        """Compile all patterns."""
        self._searches = [
            (guard, [pivot.compiled().search for pivot in pivots]) for guard, pivots in self._groups
        ]

    def _parts(self, lower: bytes) -> Iterator[tuple[bytes, _Pivot]]:
        """Yield the literals to search, each with the part of a text in which they count."""
        for guard, pivots in self._groups:
            part = lower if guard is None else guard(lower)
            if part:
                for pivot in pivots:
                    yield part, pivot

    def _compile_due(self, size: int) -> None:
        before = self._searched // _A_PATTERN
        self._searched += size
        due = self._searched // _A_PATTERN
        if due > before:
            pivots = [pivot for _, pivots in self._groups for pivot in pivots]
            for pivot in pivots[before:due]:
                pivot.compiled()
            if due >= len(pivots):
                self.compile()


class _Pivot:
    """The literals of some rules that have a rare character in common, and what follows each."""

    def __init__(self, pivot: str, found: Iterable[tuple[str, str, int]]) -> None:
        self._pivot = pivot
        self._pattern: re.Pattern[bytes] | None = None
        self._rules: dict[tuple[str, str], list[int]] = {}
        for literal, follow, at in found:
            self._rules.setdefault((literal, follow), []).append(at)
        self._literals = [
            (it[0].encode(), it[0].rindex(pivot), it, places) for it, places in self._rules.items()
        ]

    def compiled(self) -> re.Pattern[bytes]:
        """Return the pattern of all literals, which is compiled once."""
        if self._pattern is None:
            self._pattern = _behind(self._pivot, self._rules)
        return self._pattern

    def is_in(self, lower: bytes) -> bool:
        """Return whether a literal is in bytes of lower case, with the text after it."""
        if self._pattern is not None:
            return self._pattern.search(lower) is not None
        return any(
            literal in lower and _followed(*it).search(lower) is not None
            for literal, _, it, _ in self._literals
        )

    def passed(self, lower: bytes) -> Iterator[int]:
        """Yield the places of the rules whose literal is in bytes, with the text after it."""
        if self._pattern is None:
            for literal, _, it, places in self._literals:
                if literal in lower and _followed(*it).search(lower) is not None:
                    yield from places
            return
        match, count = self._pattern.search(lower), 0
        while match is not None:
            count += 1
            for literal, before, _, places in self._literals:
                if count > _MANY or lower.startswith(literal, match.start() - before):
                    yield from places
            match = None if count > _MANY else self._pattern.search(lower, match.start() + 1)


def _pivots(rules: Iterable[tuple[int, Rule]]) -> Iterator[_Pivot]:
    """Yield the literals of some rules, those with the cheapest character in common together."""
    left = [(literal, rule.follow, at) for at, rule in rules for literal in rule.literals]
    while left:
        pivot = _cheapest([literal for literal, _, _ in left])
        yield _Pivot(pivot, [it for it in left if pivot in it[0]])
        left = [it for it in left if pivot not in it[0]]


@cache
def _followed(literal: str, follow: str) -> re.Pattern[bytes]:
    """Return the pattern of one literal and the text after it."""
    return re.compile(f"{re.escape(literal)}{follow}".encode())


def _behind(pivot: str, found: Iterable[tuple[str, str]]) -> re.Pattern[bytes]:
    """Return a pattern of a pivot and, behind it, what literals and the text after them have."""
    return re.compile(f"{re.escape(pivot)}(?:{'|'.join(_tails(pivot, found))})".encode())


def _cheapest(literals: Sequence[str]) -> str:
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
            ended.setdefault(follow, []).append(literal)
    for follow, literals in ended.items():
        # of conditions at one place, the shortest ones are the fastest
        behind = "|".join(f"(?<={re.escape(it)})" for it in literals)
        yield _last_two(literals) + "".join(sorted((f"(?:{behind})", follow), key=len))


def _last_two(literals: Sequence[str]) -> str:
    """Return a condition on the characters before the last one, which most texts fail."""
    before = [
        "".join(sorted({re.escape(it[-at]) for it in literals}))
        for at in range(3, 1, -1)
        if all(len(it) >= at for it in literals)
    ]
    return f"(?<={''.join(f'[{it}]' for it in before)}{re.escape(literals[0][-1])})"
