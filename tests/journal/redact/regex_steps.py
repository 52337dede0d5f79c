"""Counts the steps that a backtracking search takes, by a search of its own.

It walks over the tree that Python's parser makes of a pattern, tries the same alternatives as
Python's engine, and counts each character that it compares. So a test can bound the steps of a
pattern without a clock. It supports the syntax of the rules of `journal.redact`, and raises on any
other.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_parser: Any = import_module("re._parser")
Tree: TypeAlias = Any
"""A tree of the parser, which has no types."""
_IGNORECASE = 2
_SPACES = " \t\n\r\f\v"


class Steps:
    """A search for one pattern.

    Attributes:
        count: the steps so far.
    """

    def __init__(self, pattern: str) -> None:
        tree = _parser.parse(pattern)
        self._nodes = list(tree)
        self._flags = tree.state.flags
        self.count = 0

    def match(self, text: str, at: int) -> int | None:
        """Return where a match that begins at `at` ends; None if there is none."""
        return next(self._sequence(self._nodes, text, at, self._flags), None)

    def _sequence(self, nodes: Sequence[Tree], text: str, at: int, flags: int) -> Iterator[int]:
        if not nodes:
            yield at
            return
        for end in self._node(nodes[0], text, at, flags):
            yield from self._sequence(nodes[1:], text, end, flags)

    def _node(self, node: Tree, text: str, at: int, flags: int) -> Iterator[int]:
        op, value = str(node[0]), node[1]
        self.count += 1
        if op in ("LITERAL", "NOT_LITERAL", "IN"):
            if at < len(text) and _is_in(op, value, text[at], flags):
                yield at + 1
        elif op == "SUBPATTERN":
            _, add, _, body = value
            yield from self._sequence(list(body), text, at, flags | add)
        elif op == "BRANCH":
            for body in value[1]:
                yield from self._sequence(list(body), text, at, flags)
        elif op in ("AT", "ASSERT", "ASSERT_NOT"):
            if self._holds(op, value, text, at, flags):
                yield at
        elif op == "POSSESSIVE_REPEAT":
            yield from self._possessive(value, text, at, flags)
        else:
            assert op in ("MAX_REPEAT", "MIN_REPEAT"), op
            yield from self._repeat(value, text, at, flags, 0)

    def _holds(self, op: str, value: Tree, text: str, at: int, flags: int) -> bool:
        if op == "AT":
            assert str(value) == "AT_END_STRING", value
            return at == len(text)
        direction, body = value
        start = at if direction > 0 else at - body.getwidth()[0]
        found = start >= 0 and self._first(list(body), text, start, flags) is not None
        return found == (op == "ASSERT")

    def _first(self, nodes: Sequence[Tree], text: str, at: int, flags: int) -> int | None:
        return next(self._sequence(nodes, text, at, flags), None)

    def _possessive(self, value: Tree, text: str, at: int, flags: int) -> Iterator[int]:
        least, most, body = value
        nodes, done = list(body), 0
        while done < most:
            end = self._first(nodes, text, at, flags)
            if end is None:
                break
            done, at = done + 1, end
        if done >= least:
            yield at

    def _repeat(self, value: Tree, text: str, at: int, flags: int, done: int) -> Iterator[int]:
        least, most, body = value
        if done < most:
            for end in self._sequence(list(body), text, at, flags):
                yield from self._repeat(value, text, end, flags, done + 1)
        if done >= least:
            yield at


def _is_in(op: str, value: Tree, char: str, flags: int) -> bool:
    if op == "IN":
        negated = str(value[0][0]) == "NEGATE"
        chars = {char, char.lower(), char.upper()} if flags & _IGNORECASE else {char}
        found = any(_has(item, one) for item in value[negated:] for one in chars)
        return found != negated
    same = chr(value) == char or (flags & _IGNORECASE and chr(value).lower() == char.lower())
    return same == (op == "LITERAL")


def _has(item: Tree, char: str) -> bool:
    op, value = str(item[0]), item[1]
    if op == "LITERAL":
        return chr(value) == char
    if op == "RANGE":
        return bool(value[0] <= ord(char) <= value[1])
    assert str(value) == "CATEGORY_SPACE", item
    return char in _SPACES
