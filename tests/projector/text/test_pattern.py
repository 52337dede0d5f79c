"""Regular expressions."""

from __future__ import annotations

import builtins
import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from projector.errors import QueryError
from projector.text.query import parse_pattern
from tests.projector.text.test_normalize import answered

_PIECES = ["foo", "Bar", " ", "-", "_", "7", r"\d+", r"\s+", r"\b", "^", "$", ".", "[ab]", "完成"]
_PIECES += [
    "x?",
    "(?:foo|bar)",
    "(?:a b)+",
    "(?:)+",
    "(?i:FOO)",
    "[^a]",
    "[.]",
    "(?:foo bar|7 完成)",
    "é",
]
patterns = st.lists(st.sampled_from(_PIECES), min_size=1, max_size=6).map("".join)
texts = st.lists(
    st.sampled_from(
        ["foo", "Bar", "bar", " ", "\n", "-", "_", "7", "a", "b", "x", "完成", ".", "é"]
    ),
    max_size=10,
).map("".join)


@given(patterns, st.lists(texts, min_size=1, max_size=5))
@example(r"\bfoo\s+bar", ["foo\nbar", "a foo bar", "xfoo bar", "foo bars"])
@example("foo bar", ["xfoo bary"])
def test_the_words_of_a_pattern_lose_no_match(pattern: str, texts: list[str]) -> None:
    """The index gives every text that matches, for any pattern."""
    query = parse_pattern(pattern)
    assert query.pattern is not None
    expected = {row for row, text in enumerate(texts) if query.pattern.holds(text)}
    # RE2 takes a letter with an accent for the end of a word at `\b`, and the index does not
    if not (r"\b" in pattern and any("é" in text for text in texts)):
        assert answered(texts, query) == expected


@pytest.mark.parametrize(
    ("pattern", "match"),
    [
        (r"\bECONNREFUSED 127[.]0", '"ECONNREFUSED 127 0"*'),
        (r"get_user_\w+", '"user"'),
        (r"^Error in (\w+): not found$", '"Error in" AND "not found"'),
        (r"完成\d+%", '"完成"'),
        ("foo|bar", ""),
        (".*", ""),
        ("[[:alpha:]]x y", ""),
        (r"\pLx y", ""),
    ],
)
def test_the_words_that_a_pattern_needs(pattern: str, match: str) -> None:
    """Only words that every match has are looked for in the index."""
    assert parse_pattern(pattern).match == match


@pytest.mark.parametrize(
    "pattern", ["(", "(?=a)", r"(a)\1", "a" * 20_000, "", "((a{999}){999}){9}"]
)
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    """The error names the cause."""
    with pytest.raises(QueryError, match=r"expression of RE2|the pattern"):
        parse_pattern(pattern)


def test_no_pattern_takes_the_square_of_the_time() -> None:
    """What takes `re` years takes milliseconds, on a text of a million characters."""
    query = parse_pattern("(a+)+$")
    began = time.perf_counter()
    assert not query.holds("a" * 1_000_000 + "b")
    assert time.perf_counter() - began < 5


def test_half_a_character_is_no_error() -> None:
    """A text may have one, and so may a pattern."""
    query = parse_pattern("\ud83d?b+")
    assert query.holds("a\ud83db")
    assert query.find("a\ud83dbb b") == [(2, 4, 0), (5, 6, 0)]


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install."""
    real = builtins.__import__

    def without(name: str, *more: Any) -> Any:  # noqa: ANN401 - as the real one
        if name == "re2":
            raise ImportError(name)
        return real(name, *more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(QueryError, match=r"agent-journal\[regex\]"):
        parse_pattern("a")
