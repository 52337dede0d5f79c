r"""Regular expressions over texts, by RE2, whose time grows with the text and not with its square.

The words that every match has are taken from the pattern, so that the index finds the texts in
question. Only those are taken of which that is certain: of `error 127[.]0` these are `127` and a
word that begins with `0`, because `error` may be the end of a word; `\berror` has it, too.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from journal.process.fork import no_fork
from projector.errors import QueryError
from projector.text.highlight import Match
from projector.text.normalize import is_cjk, is_letter, units
from projector.text.query_tree import Item, Node, Without, all_of, either_of
from projector.text.term import Term

if TYPE_CHECKING:
    from collections.abc import Iterable

ops: Any = re._constants  # type: ignore[attr-defined]  # noqa: SLF001 - see `_parse`
_MARKED = 2_000
"""Most matches that are marked in a text."""
_LONGEST = 10_000
"""Most characters of a pattern."""
_BOUNDARY = "\0"
"""Stands in a run of characters where a word begins or ends."""
_HELP = "see https://github.com/google/re2/wiki/Syntax"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression.

    Attributes:
        text: as it was typed.
        compiled: RE2's program.
    """

    text: str
    compiled: Any

    def holds(self, text: str) -> bool:
        """Return whether it matches somewhere in a text."""
        return self.compiled.search(_encodable(text)) is not None

    def find(self, text: str) -> list[Match]:
        """Return where it matches in a text, as far as a match has a character."""
        found = islice(self.compiled.finditer(_encodable(text)), _MARKED)
        return [
            Match(match.start(), match.end(), 0) for match in found if match.end() > match.start()
        ]


def compile_pattern(text: str) -> Pattern:
    """Return a pattern.

    Raises:
        QueryError: it is no regular expression of RE2, it is empty or too long, or the package
            `google-re2` is missing.
    """
    try:
        with no_fork.turn:
            import re2  # noqa: PLC0415 - an extra, and most searches have no pattern
    except ImportError as error:
        raise QueryError(
            "regular expressions need the package google-re2: pip install 'agent-journal[regex]'"
        ) from error
    if not text:
        raise QueryError("the pattern is empty: it matches everything")
    if len(text) > _LONGEST:
        raise QueryError(f"the pattern has more than {_LONGEST:,} characters")
    options = re2.Options()
    options.log_errors = False
    try:
        return Pattern(text, re2.compile(_encodable(text), options))
    except re2.error as error:
        (why,) = error.args
        why = why.decode("utf-8", "replace") if isinstance(why, bytes) else why
        raise QueryError(f"no regular expression of RE2: {why}; {_HELP}") from error


def required(text: str) -> Node | None:
    """Return the words that every match of a pattern has; None if none is certain.

    >>> required(r"ECONNREFUSED 127[.]0").words, required("foo|bar")
    (('127', '0'), None)

    Args:
        text: a pattern that RE2 takes.
    """
    if "[:" in text:  # a class in RE2, characters in the parser
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sets that may mean something else in the future
            parsed = _parse(text)
    except (re.error, OverflowError, RecursionError):  # RE2 knows what this parser does not
        return None
    return _every(_Walk().walk(parsed).terms)


def _every(terms: Iterable[Item | None]) -> Node | None:
    found = all_of([term for term in terms if term is not None])
    return None if isinstance(found, Without) else found


# The parser of `re` has no public name. What it does not know, such as `\pL`, is an error in it.
_parse: Any = re._parser.parse  # type: ignore[attr-defined]  # noqa: SLF001


class _Walk:
    """Goes through a parsed pattern, and collects the terms that a match must have."""

    def __init__(self) -> None:
        self.terms: list[Item | None] = []
        self._run = ""

    def walk(self, parsed: Iterable[tuple[Any, Any]]) -> _Walk:
        self._items(parsed)
        self._end()
        return self

    def _items(self, parsed: Iterable[tuple[Any, Any]]) -> None:
        for op, value in parsed:
            if op is ops.LITERAL:
                self._run += chr(value)
            elif op is ops.AT and value in _BOUNDARIES:
                self._run += _BOUNDARY
            elif op is ops.SUBPATTERN and not value[1] and not value[2]:
                self._items(value[3])
            elif _separates(value[2]) if op in _REPEATS and value[0] else _separates([(op, value)]):
                self._run += _BOUNDARY
            else:
                self._end()
                self.terms.append(_below(op, value))

    def _end(self) -> None:
        """End a run of characters, behind which there may be any other one."""
        run, self._run = self._run, ""
        words = units(run)
        is_prefix = bool(words) and is_letter(run[-1]) and not is_cjk(words[-1])
        if words and is_letter(run[0]) and not is_cjk(words[0]):
            words = words[1:]  # it may be the end of a longer word
        if words:
            self.terms.append(Term(tuple(words), is_prefix))


def _below(op: Any, value: Any) -> Node | None:  # noqa: ANN401 - of the parser
    """Return the terms that a match of one element must have."""
    if op in _REPEATS and value[0]:
        return _every(_Walk().walk(value[2]).terms)
    if op is ops.BRANCH:
        choices = [_every(_Walk().walk(choice).terms) for choice in value[1]]
        if None not in choices:
            found = either_of(choice for choice in choices if choice is not None)
            return None if isinstance(found, Without) else found
    return None


def _separates(parsed: Iterable[tuple[Any, Any]]) -> bool:
    """Return whether elements match characters that separate words, and nothing else."""
    elements = list(parsed)
    return bool(elements) and all(
        (op is ops.LITERAL and chr(value).isascii() and not chr(value).isalnum())
        or (op is ops.CATEGORY and value is ops.CATEGORY_SPACE)
        or (op is ops.IN and _separates(value))
        for op, value in elements
    )


_BOUNDARIES = (ops.AT_BOUNDARY, ops.AT_BEGINNING, ops.AT_END, ops.AT_BEGINNING_STRING)
_REPEATS = (ops.MAX_REPEAT, ops.MIN_REPEAT)


def _encodable(text: str) -> str:
    """Return a text in which RE2 finds no half character; its length is the same."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
