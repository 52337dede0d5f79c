"""The characters of an answer are divided exactly."""

from __future__ import annotations

from operator import mul

from hypothesis import given
from hypothesis import strategies as st

from projector.mcp.text.budget import Block, around, fill, fitting, share

_TEXTS = st.builds(
    mul, st.text(st.sampled_from("ab \n"), min_size=1, max_size=9), st.integers(0, 90)
)
"""Texts that are long often: a strategy for texts alone makes short ones."""
_BLOCKS = st.lists(
    st.builds(
        Block,
        st.text(st.sampled_from("hé"), min_size=1, max_size=60),
        _TEXTS,
        weight=st.integers(1, 3),
    ),
    min_size=1,
    max_size=8,
)
_SPACES = st.integers(0, 3_000)


@given(_BLOCKS, _SPACES)
def test_no_division_takes_more_than_the_space(blocks: list[Block], space: int) -> None:
    """However long heads and texts are, what is shown has at most as many characters as allowed."""
    for shown in (share(blocks, space), fill(blocks, space), around(blocks, 0, space)):
        assert len(shown.lines) <= space
        assert len(shown.ends) == shown.blocks
    whole = sum(len(f"{b.head}\n") + len(_whole(b.text)) for b in blocks)
    if whole <= space:
        assert share(blocks, space).cut == 0
        assert len(share(blocks, space).lines) == whole


def _whole(text: str) -> str:
    return "  " + text.replace("\n", "\n  ") + "\n" if text else ""


@given(_BLOCKS, st.integers(300, 3_000))
def test_short_texts_are_shown_whole_before_long_ones_get_more(
    blocks: list[Block], space: int
) -> None:
    """Of equal blocks, a text is cut only if no shorter one is cut; and a cut one is not empty."""
    even = [Block(block.head, block.text) for block in blocks]
    shown = share(even, space)
    cut = [
        len(_whole(block.text))
        for block, end in zip(even, shown.ends, strict=False)
        if end < len(block.text)
    ]
    whole = [
        len(_whole(block.text))
        for block, end in zip(even, shown.ends, strict=False)
        if end == len(block.text)
    ]
    assert not cut or not whole or max(whole) <= max(cut)
    assert all(end > 0 for block, end in zip(even, shown.ends, strict=False) if block.text)


@given(_TEXTS, st.integers(0, 50), st.integers(0, 700))
def test_what_fits_is_the_most_that_fits(text: str, offset: int, space: int) -> None:
    """One character more of a text would not fit into the space."""
    size = fitting(text, offset, space)
    chunk = text[offset : offset + size]
    assert size == 0 or len(_whole(chunk)) <= space
    if offset + size < len(text):
        assert len(_whole(text[offset : offset + size + 1])) > space


@given(_BLOCKS, st.integers(220, 900))
def test_going_on_where_a_text_was_cut_shows_all_of_it(blocks: list[Block], space: int) -> None:
    """Page after page, each character of each text is shown once."""
    told = dict.fromkeys(range(len(blocks)), "")
    first, offset = 0, 0
    while first < len(blocks):
        rest = [Block(b.head, b.text) for b in blocks[first:]]
        rest[0] = Block(rest[0].head, rest[0].text, offset)
        shown = fill(rest, space)
        assert shown.blocks, "no page is empty"
        begins = [offset] + [0] * (shown.blocks - 1)
        for at, (begin, end) in enumerate(zip(begins, shown.ends, strict=True), first):
            told[at] += blocks[at].text[begin:end]
        offset = shown.ends[-1] if shown.cut else 0
        first += shown.blocks - (1 if shown.cut else 0)
    assert told == {at: block.text for at, block in enumerate(blocks)}


@given(_BLOCKS, st.integers(300, 900), st.data())
def test_the_block_that_matters_most_is_always_shown(
    blocks: list[Block], space: int, data: st.DataObject
) -> None:
    """Where not all blocks have room, that which is asked for is among those that are shown."""
    at = data.draw(st.integers(0, len(blocks) - 1))
    shown = around(blocks, at, space)
    assert shown.first <= at < shown.first + shown.blocks
