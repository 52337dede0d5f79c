"""Every regular expression of the product takes linear time for any text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from journal.redact.prefilter import Prefilter, _followed
from journal.redact.rule import compiled
from journal.redact.rules.assigned import ASSIGNED
from journal.redact.rules.guards import _SIGNS, _name_before
from journal.redact.rules.tokens import TOKENS
from projector.search.recall.dates import _month_pattern
from projector.text.highlight import _finders
from projector.text.snippet import _shown
from projector.text.term import Term
from tests.source.patterns import Use, ambiguous, bound, slow, takes_arguments, uses

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.source.patterns import Pattern

MADE: dict[str, Callable[[], Sequence[Pattern]]] = {
    "journal.redact.prefilter._behind": lambda: [
        pivot.compiled()
        for _, pivots in Prefilter([TOKENS[1], ASSIGNED[0]])._groups
        for pivot in pivots
    ],
    "journal.redact.prefilter._followed": lambda: [
        _followed(rule.literals[0], rule.follow) for rule in (TOKENS[1], ASSIGNED[0])
    ],
    "journal.redact.rules.guards._name_before": lambda: [*map(_name_before, _SIGNS)],
    # they are applied where their literal is, and tests/journal/redact counts their steps
    "journal.redact.rule.compiled": lambda: [compiled(rule.pattern) for rule in TOKENS[:2]],
    "projector.text.snippet._shown": lambda: [_shown(0), _shown(12), _shown(160)],
    "projector.search.recall.dates._month_pattern": lambda: [
        _month_pattern("english"),
        _month_pattern("german"),
    ],
    "journal.backup.new_journal._draft": lambda: [
        re.compile(rf"\.{re.escape(name)}\.restore\.[0-9a-f-]{{36}}")
        for name in ("agents", "." * 40)
    ],
    # the name is between two characters that are always there
    "journal.cli.export._beside": lambda: [
        re.compile(rf"\.{re.escape(name)}\.[0-9a-f]{{8}}\.tmp") for name in ("state.db", "." * 40)
    ],
    "projector.text.highlight._finder": lambda: (
        [
            pattern
            for words, literal in (
                (("a",), ""),
                (("aa", "aa"), ""),
                (("手机", "壳"), ""),
                (("手", "a", "手"), ""),
                (("a", "b", "a", "b"), ""),
                ((), "a != b (c)"),
                ((), "- é  e -"),
            )
            for prefix in (True, False)
            for finder in _finders((Term(words, prefix, literal),))
            for pattern in (finder.words, finder.ascii, finder.accents)
            if pattern is not None
        ]
        + [re.compile("x")]
    ),
}
"""For each function whose patterns depend on its arguments, samples of the patterns."""

_USES = list(uses())


def _named(use: Use) -> str:
    return f"{use.module}.{use.function or use.name or use.line}"


def _patterns(use: Use) -> Sequence[Pattern]:
    if use.text is not None:
        return [re.compile(use.text)]
    return MADE[_named(use)]() if takes_arguments(use) else [bound(use)]


def test_every_pattern_is_found() -> None:
    """Each pattern has a name, or a function that returns it, or samples above."""
    names = {_named(use) for use in _USES}
    assert {"projector.text.document._DATA_URL", "journal.format.event._CONTROL"} <= names
    made = [use for use in _USES if use.text is None]
    assert not [_named(use) for use in made if not use.function and not use.name]
    assert {_named(use) for use in made if takes_arguments(use)} == set(MADE)


@pytest.mark.slow
@pytest.mark.parametrize("use", _USES, ids=_named)
def test_no_pattern_takes_more_than_linear_time(use: Use) -> None:
    """For texts made from the pattern, four times the length takes about four times the time."""
    for pattern in _patterns(use):
        assert slow(pattern) is None, pattern.pattern


@pytest.mark.parametrize("use", _USES, ids=_named)
def test_no_two_repeats_share_a_text_in_several_ways(use: Use) -> None:
    """Repeats that overlap, beside or within each other, are possessive."""
    for pattern in _patterns(use):
        assert ambiguous(pattern) is None, pattern.pattern


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        r"data:[\w.+-]*/?[\w.+-]*(?:;[\w=.+-]+)*;base64,[\w+/=-]*",
        r"(?:a+)+$",
        r"\s+$",
        r"[a-z]*[a-f0-9]*!",
        r"(.*),(.*),x$",
    ],
)
def test_a_slow_pattern_is_found(text: str) -> None:
    """The check fails for patterns that take quadratic time or worse."""
    assert slow(re.compile(text)) is not None


@pytest.mark.parametrize(
    "text",
    [r"[\w.+-]*/?[\w.+-]*x", r"(?:a+)+$", r"(?:[ab]+|.)*$", r"(.*),(.*)$", r"\d+[-.]?\d+$"],
)
def test_an_ambiguous_pattern_is_found(text: str) -> None:
    """Repeats beside or within each other, with or without text between that both match."""
    assert ambiguous(re.compile(text)) is not None


@pytest.mark.parametrize(
    "text", [r"[a-z]*:[a-z]*:", r"(?:;[a-z]+)*;x", r"a*+a*x", r"(?:a++)+$", r"[0-9]+-[a-z]+"]
)
def test_delimited_repeats_are_not_ambiguous(text: str) -> None:
    """With a delimiter that neither side matches, or a possessive repeat, there is one way."""
    assert ambiguous(re.compile(text)) is None
