"""Parts of the fold: together they hold what one projection holds."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projector.fold.part import Part
from tests.support.made_up import random_facts
from tests.support.parts import check_parts

if TYPE_CHECKING:
    from random import Random


@pytest.mark.parametrize("count", [1, 2, 3, 16])
@settings(max_examples=12, deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_n_parts_have_the_digest_of_one(count: int, random: Random) -> None:
    """Whatever the records are, and however they arrive, are erased and are joined."""
    with TemporaryDirectory() as folder:
        check_parts(random, random_facts(random), Path(folder), count)


def test_each_session_is_of_one_part() -> None:
    """And about as many are of each."""
    parts = [Part(16, number) for number in range(1, 17)]
    counts = [0] * 16
    for number in range(3_200):
        owners = [index for index, part in enumerate(parts) if part.has(f"session-{number}")]
        assert len(owners) == 1
        counts[owners[0]] += 1
    assert min(counts) > 130
    assert max(counts) < 270


def test_the_part_of_a_session_is_the_same_everywhere() -> None:
    """It is the one that docs/format.md says, on every machine and for ever."""
    assert Part(16, 8).has("s1")


@pytest.mark.parametrize("text", ["0/4", "5/4", "1", "1/2000", "a/b", "01/4", "1/4 ", ""])
def test_what_names_no_part_is_refused(text: str) -> None:
    """With an error that says what does."""
    with pytest.raises(ValueError, match="such as 3/16"):
        Part.parse(text)


def test_the_name_of_a_folder_names_its_part() -> None:
    """And no other folder does."""
    part = Part.parse("3/16")
    assert part.folder == "part-03-of-16"
    assert Part.of_folder(part.folder) == part
    for name in ("part-3-of-16", "part-17-of-16", "part-00-of-16", "part-03-of-16.old", "18"):
        assert Part.of_folder(name) is None
