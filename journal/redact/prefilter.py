"""The prefilter: finds in one pass whether any rule may match.

It runs over the strings of each event, so its speed is the speed of redaction. Python's engine is
fast for a pattern that begins with one character, because it skips all others in a loop of its own.
Therefore each literal is searched from a rare character of it on, and the rest of it is compared
from there.
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
_MANY = 32
"""Matches of one pattern that are looked at; of a text with more, all its rules are searched."""


class Prefilter:
    """Says which rules may match anywhere in a text.

    Rules with one guard are searched together, in what the guard returns.

    What is before a literal is not compared: in JSON it may be an escape.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        groups: dict[Guard | None, list[tuple[int, Rule]]] = {}
        for at, rule in enumerate(rules):
            groups.setdefault(rule.guard, []).append((at, rule))
        self._groups = [(guard, _Literals(group)) for guard, group in groups.items()]

    def __call__(self, raw: bytes) -> bool:
        """Return whether bytes have a literal of a rule, in any case, and the text after it."""
        lower = unescaped_raw(raw.lower())
        for guard, literals in self._groups:
            searched = lower if guard is None else guard(lower)
            if searched and literals.are_in(searched):
                return True
        return False

    def passed(self, raw: bytes) -> list[int]:
        """Return the places of the rules that may match in bytes, in order: few of all."""
        lower = unescaped_raw(raw.lower())
        found: set[int] = set()
        for guard, literals in self._groups:
            searched = lower if guard is None else guard(lower)
            if searched:
                found.update(literals.passed(searched))
        return sorted(found)


class _Literals:
    """The literals of some rules, and what follows each."""

    def __init__(self, rules: Iterable[tuple[int, Rule]]) -> None:
        left = [(literal, rule.follow, at) for at, rule in rules for literal in rule.literals]
        self.patterns: list[re.Pattern[bytes]] = []
        self._literals: list[dict[tuple[bytes, int], list[int]]] = []
        while left:
            pivot = _pivot([literal for literal, _, _ in left])
            found = [it for it in left if pivot in it[0]]
            self.patterns.append(_behind(pivot, [it[:2] for it in found]))
            rules_of: dict[tuple[bytes, int], list[int]] = {}
            for literal, _, at in found:
                rules_of.setdefault((literal.encode(), literal.rindex(pivot)), []).append(at)
            self._literals.append(rules_of)
            left = [it for it in left if pivot not in it[0]]
        self._searches = tuple(pattern.search for pattern in self.patterns)

    def passed(self, lower: bytes) -> Iterator[int]:
        """Yield the places of the rules whose literal is where a pattern matches."""
        for search, rules_of in zip(self._searches, self._literals, strict=True):
            match, count = search(lower), 0
            while match is not None:
                count += 1
                for (literal, before), places in rules_of.items():
                    if count > _MANY or lower.startswith(literal, match.start() - before):
                        yield from places
                match = None if count > _MANY else search(lower, match.start() + 1)

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
