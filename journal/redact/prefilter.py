"""The prefilter: finds in one pass whether any rule may match.

It runs over the JSON of each event, so its speed is the speed of redaction. Python's engine is fast
for a pattern that begins with a set of characters, because it skips all others. Therefore each
literal is searched from its rarest character on, and the rest of it is compared from there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from journal.redact.escapes import unescaped_raw

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from journal.redact.rule import Rule

_FREQUENT = ' etnsairoc"dlpum0gh/:.f-,bywvk1x2(){}379=645j8_z+q*'
"""Characters of transcripts from the most frequent to the rarest; all others are rarer."""
_COMMON = 13
"""A literal of only characters this frequent is searched by itself, which is faster."""


class Prefilter:
    """Says whether a rule may match anywhere in JSON.

    The text before a literal is not compared: in JSON it may be an escape.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        branches: dict[str, list[tuple[str, str]]] = {}
        common: dict[bytes, list[str]] = {}
        for rule in rules:
            for literal in rule.literals:
                pivot = max(literal, key=_rank)
                if _rank(pivot) < _COMMON:
                    tails = common.setdefault(literal.encode(), [])
                    tails.append(re.escape(literal) + rule.follow)
                else:
                    branches.setdefault(pivot, []).append((literal, rule.follow))
        self._pattern = _any_of(
            f"{re.escape(pivot)}(?:{'|'.join(_tails(pivot, found))})"
            for pivot, found in sorted(branches.items(), key=lambda branch: _rank(branch[0]))
        )
        self._common = [(literal, _any_of(tails)) for literal, tails in common.items()]

    def __call__(self, raw: bytes) -> bool:
        """Return whether bytes have a literal of a rule, in any case, and the text after it."""
        lower = unescaped_raw(raw.lower())
        return self._pattern.search(lower) is not None or any(
            literal in lower and pattern.search(lower) for literal, pattern in self._common
        )


def _any_of(tried: Iterable[str]) -> re.Pattern[bytes]:
    """Return a pattern of alternatives; without any it never matches."""
    return re.compile("|".join(dict.fromkeys(tried)).encode() or b"(?!)")


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


def _rank(char: str) -> int:
    rank = _FREQUENT.find(char)
    return len(_FREQUENT) if rank < 0 else rank
