"""Mentions of a session outside of it."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from projector.forgetting.mentions import NameFinder

_TEXTS = st.text("a-_ .é1", max_size=12)


@given(st.lists(_TEXTS.filter(bool), max_size=5), _TEXTS)
def test_a_name_is_found_without_a_letter_digit_or_dash_beside_it(
    names: list[str], text: str
) -> None:
    """The search finds the same as a pattern with all names as alternatives."""
    pattern = re.compile("|".join(rf"(?<![\w-]){re.escape(name)}(?![\w-])" for name in names))
    expected = bool(names) and pattern.search(text) is not None
    assert NameFinder(names).finds_any(text) == expected
