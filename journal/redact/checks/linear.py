"""Checks that a pattern takes time proportional to the text, and finds its literals.

Python's engine tries all ways in which several repeats can match one text. So a pattern is refused
unless the number of these ways is small at each place: repeats must be bounded, and the numbers of
those that may backtrack are multiplied. Possessive repeats (`{1,64}+`) never backtrack.

The check reads the tree that Python's own parser makes of a pattern; that parser has no public
name.
"""

from __future__ import annotations

import math
import re
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LONGEST = 1 << 18
"""Characters that a pattern may match at most."""
MOST_WAYS = 1_000
"""Ways in which a pattern may be tried at one place."""
SHORTEST = 3
"""Characters of the literals without which a pattern cannot match."""

_parser: Any = import_module("re._parser")
_Node = tuple[Any, Any]
_PLAIN = re.compile(r"[ !#-\[\]-~]+")
"""Characters that are the same in JSON."""


def why_slow(pattern: str) -> str | None:
    """Return why a search for a pattern may be slow; None if it cannot be.

    Raises:
        re.error: it is no pattern.
    """
    tree = _parser.parse(pattern)
    _, longest = tree.getwidth()
    if longest > LONGEST:
        return (
            "it may match any number of characters: bound each repeat, as in {1,64} for + and"
            " {0,64} for *"
        )
    try:
        ways = _ways(tree)
    except _Refused as refused:
        return str(refused)
    if ways > MOST_WAYS:
        return (
            f"there are {ways:,} ways to match at one place, of {MOST_WAYS:,} at most: make the"
            " repeats possessive, as in {1,64}+, so that they do not go back"
        )
    return None


def may_be_empty(pattern: str, group: str) -> bool:
    """Return whether a group of a pattern can match no character at all.

    Args:
        pattern: the pattern.
        group: the group's name; a pattern without it has no empty one.

    Raises:
        re.error: it is no pattern.
    """
    tree = _parser.parse(pattern)
    number = tree.state.groupdict.get(group)
    return any(found.getwidth()[0] == 0 for found in _groups(tree, number))


def _groups(tree: Any, number: int | None) -> Iterator[Any]:  # noqa: ANN401 - the parser's own
    """Yield what is in the groups with a number, in a part of the parser's tree."""
    for part in tree:
        if isinstance(part, tuple) and len(part) == 2 and str(part[0]) == "SUBPATTERN":  # noqa: PLR2004
            if part[1][0] == number:
                yield part[1][-1]
            yield from _groups(part[1][-1], number)
        elif not isinstance(part, int | str | None):
            yield from _groups(part, number)


def needed(pattern: str) -> tuple[str, ...]:
    """Return lower-case texts, of which every match of a pattern contains one; empty if unknown.

    Raises:
        re.error: it is no pattern.
    """
    return _needed(_parser.parse(pattern))


def _needed(tree: Iterable[_Node]) -> tuple[str, ...]:
    best: tuple[str, ...] = ()
    run = ""
    for op, value in [*tree, (None, None)]:
        if str(op) == "LITERAL":
            run += chr(value)
            continue
        found: list[tuple[str, ...]] = [(it.lower(),) for it in _PLAIN.findall(run)]
        found.append(_needed_in(str(op), value))
        run = ""
        best = max([best, *found], key=_worth)
    return best if _worth(best) >= SHORTEST else ()


class _Refused(Exception):  # noqa: N818 - it ends a walk and never leaves this module
    """Why a pattern is slow."""


def _needed_in(op: str, value: Any) -> tuple[str, ...]:  # noqa: ANN401 - the parser's own
    if op == "SUBPATTERN":
        return _needed(value[-1])
    if op == "ATOMIC_GROUP":
        return _needed(value)
    if op in _REPEATS:
        return _needed(value[2]) if value[0] else ()
    if op == "BRANCH":
        each = [_needed(branch) for branch in value[1]]
        return tuple(dict.fromkeys(text for texts in each for text in texts)) if all(each) else ()
    return ()


def _worth(texts: tuple[str, ...]) -> int:
    return min(map(len, texts), default=0)


_REPEATS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")


def _ways(tree: Iterable[_Node]) -> int:
    """Count the ways to match at one place, at most.

    Raises:
        _Refused: they cannot be counted.
    """
    return math.prod(_ways_of(str(op), value) for op, value in tree)


def _ways_of(op: str, value: Any) -> int:  # noqa: ANN401 - the parser's own
    ways = 1
    if op in ("GROUPREF", "GROUPREF_EXISTS"):
        raise _Refused("it refers back to a group, which no fast search can")
    if op == "SUBPATTERN":
        ways = _ways(value[-1])
    elif op in ("ASSERT", "ASSERT_NOT"):
        if value[1].getwidth()[1] > LONGEST:
            raise _Refused("what it looks ahead for has no bound: bound each repeat, as in {0,64}")
        ways = _ways(value[1])
    elif op == "ATOMIC_GROUP":
        ways = _ways(value)
    elif op == "BRANCH":
        ways = sum(map(_ways, value[1]))
    elif op in _REPEATS:
        ways = _ways_of_repeat(op, *value)
    return ways


def _ways_of_repeat(op: str, least: int, most: int, body: Any) -> int:  # noqa: ANN401
    inner = _ways(body)
    if op == "POSSESSIVE_REPEAT":
        return inner
    if most == 1:
        return inner + (1 - least)
    low, high = body.getwidth()
    if inner > 1 or low != high:
        raise _Refused(
            "it repeats what can match in several ways: make the repeat possessive, as in"
            " (...){1,64}+"
        )
    return most - least + 1
