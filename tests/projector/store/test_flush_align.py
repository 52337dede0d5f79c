"""Matching two lists as a diff does: the longest common subsequence, in bounded time."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projector.store.flush.matching import align
from tests.support.flushes import common_length

if TYPE_CHECKING:
    from collections.abc import Sequence

    from projector.store.flush.matching.align import Pair

texts = st.lists(st.sampled_from("abcd"), max_size=40)


def pairs_of(one: Sequence[str], other: Sequence[str]) -> list[Pair]:
    """Align two lists of texts."""
    return align.align(
        len(one),
        len(other),
        lambda i, j: one[i] == other[j],
        lambda i: one[i],
        lambda j: (other[j], other[j].upper()),
    )


def check(one: Sequence[str], other: Sequence[str], pairs: list[Pair]) -> None:
    """Check that each pair is of equal items, and that no two pairs cross."""
    assert all(one[i] == other[j] for i, j in pairs)
    assert all(i < next_i and j < next_j for (i, j), (next_i, next_j) in pairwise(pairs))


@given(one=texts, other=texts)
def test_as_many_items_as_possible_are_paired(one: list[str], other: list[str]) -> None:
    """No other set of pairs that do not cross is larger."""
    pairs = pairs_of(one, other)
    check(one, other, pairs)
    assert len(pairs) == common_length(one, other)


@given(one=texts, other=texts)
def test_long_lists_are_paired_in_order(one: list[str], other: list[str]) -> None:
    """Above the bound, pairs do not cross, and all common items of lists without repeats pair."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(align, "_MOST_BITS", 0)
        check(one, other, pairs_of(one, other))
        unlike = [f"{text}{n}" for n, text in enumerate(one)]
        shorter = [text for text in unlike if text[0] in "ab"]
        assert len(pairs_of(shorter, unlike)) == len(shorter)


def test_of_equal_items_the_later_is_paired() -> None:
    """The later of two equal items is paired, so that fewer messages are missing at the end."""
    assert pairs_of(["a", "z"], ["x", "a", "b", "a", "c"]) == [(0, 3)]


@pytest.mark.parametrize("size", [3_000, 30_000])
@pytest.mark.slow
def test_the_time_is_bounded(size: int) -> None:
    """A window of a long list and lists of equal words do not take quadratic time."""
    old = [f"m{n}" for n in range(size)]
    window, words = [*old[size // 2 :], "new"], ["yes"] * size
    cases = [(window, old), (["x", *words], [*words, "y"]), ([*words[1:], "no"], ["no", *words])]
    for one, other in cases:
        began = time.process_time()
        pairs = pairs_of(one, other)
        assert time.process_time() - began < 5
        assert len(pairs) >= size // 2
