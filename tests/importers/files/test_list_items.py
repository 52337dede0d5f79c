"""The items of a list are found by their brackets, wherever the chunks of a file end."""

from __future__ import annotations

import io
import json
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.importers.files import list_items
from journal.importers.files.decode import is_exact
from journal.importers.files.list_items import raw_items
from journal.importers.files.streaming import Broken, TooDeep

TEXTS = st.text(st.sampled_from('[]{}",:\\/ \n\tab\u00e9\u4e2d\U0001f600\ud800'), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
FORMS: list[dict[str, Any]] = [
    {},
    {"indent": 1},
    {"separators": (",", ":")},
    {"separators": (" ,\r\n", "\t: "), "ensure_ascii": False},
]


def split(raw: bytes, chunk: int) -> list[bytes]:
    """Return the items of a list that is read in chunks of this many bytes."""
    with patch.object(list_items, "_CHUNK", chunk):
        return [item for item, *_ in raw_items(io.BytesIO(raw))]


def until_broken(raw: bytes, chunk: int) -> tuple[list[bytes], str]:
    """Return the items before the damage, and what the damage is; empty if there is none."""
    found: list[bytes] = []
    try:
        with patch.object(list_items, "_CHUNK", chunk):
            found.extend(item for item, *_ in raw_items(io.BytesIO(raw)))
    except Broken as broken:
        return found, str(broken)
    return found, ""


@given(
    st.lists(VALUES, max_size=5),
    st.sampled_from(FORMS),
    st.integers(1, 40),
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
)
def test_the_items_are_those_of_the_standard_library(
    values: list[Any], form: dict[str, Any], chunk: int, mark: bytes
) -> None:
    """Brackets and escapes in strings, white space, a byte order mark: any chunk may end there."""
    raw = mark + json.dumps(values, **form).encode("utf-8", "surrogatepass")
    found = [json.loads(item.decode("utf-8", "surrogatepass")) for item in split(raw, chunk)]
    assert json.dumps(found) == json.dumps(values)


@given(st.lists(VALUES, max_size=4), st.integers(1, 40), st.data())
def test_a_truncated_list_has_the_items_before_its_end(
    values: list[Any], chunk: int, data: st.DataObject
) -> None:
    """Each whole item is found, and the end is an error and never a shorter list."""
    raw = json.dumps(values).encode()
    cut = data.draw(st.integers(0, len(raw) - 1))
    found, why = until_broken(raw[:cut], chunk)
    assert why
    whole = [json.loads(item) for item in found[:-1]]
    assert whole == values[: len(whole)]
    if found and found[-1][:1] in (b"[", b"{", b'"'):  # a number may be cut
        assert json.loads(found[-1]) == values[len(whole)]


@pytest.mark.parametrize("chunk", [1, 3, 1000])
@pytest.mark.parametrize(
    ("raw", "count", "why"),
    [
        (b"", 0, "no list"),
        (b'{"a":[1]}', 0, "no list"),
        (b"[1 2]", 1, "no comma"),
        (b"[1,]", 1, "no item after a comma"),
        (b"[,1]", 0, "no item"),
        (b"[{}}", 1, "no comma"),
        (b"[{},:]", 1, "no item"),
        (b"[{}] x", 1, "after the end"),
        (b"[{}][", 1, "after the end"),
        (b'[{},{"a":"\\"}]', 1, "ends within"),
        (b'["a\\', 0, "ends within"),
        (b"[[]", 1, "ends within"),
    ],
)
def test_the_damage_of_a_list_is_named(raw: bytes, count: int, why: str, chunk: int) -> None:
    """What is before it is found, and the reason says what is wrong."""
    found, text = until_broken(raw, chunk)
    assert len(found) == count
    assert why in text


@pytest.mark.parametrize("depth", [3_000, 9_999])
def test_a_deep_item_is_found_whole(depth: int) -> None:
    """Its depth is for the decoder to judge; the items around it are found."""
    deep = b"[" * depth + b"]" * depth
    with patch.object(list_items, "_CHUNK", 100):
        found = list(raw_items(io.BytesIO(b"[1," + deep + b",[[],[]]]")))
    assert found == [(b"1", 0, None), (deep, depth, None), (b"[[],[]]", 2, None)]


def test_an_endless_nesting_is_given_up() -> None:
    """It is no transcript, and its brackets need not all be read."""
    with pytest.raises(TooDeep):
        split(b"[" * 20_000, 256)


class _Counted(io.BytesIO):
    """A stream that counts what is read of it."""

    longest = 0

    def read(self, size: int | None = -1) -> bytes:
        self.longest = max(self.longest, self.tell())
        return super().read(size)


def test_a_list_is_read_no_further_than_its_item_needs() -> None:
    """The first item of a large list costs one chunk, and not the list."""
    stream = _Counted(b"[" + b'{"a": "text"}, ' * 100_000 + b"1]")
    assert next(raw_items(stream)) == (b'{"a": "text"}', 1, None)
    assert stream.longest < 2 * 256 * 1024


@given(
    st.lists(st.dictionaries(st.sampled_from(["a", "b"]) | TEXTS, VALUES, max_size=3), max_size=9),
    st.sampled_from(FORMS),
    st.integers(1, 400),
)
def test_objects_that_begin_alike_are_found_by_the_next_one(
    values: list[dict[str, Any]], form: dict[str, Any], chunk: int
) -> None:
    """Their values are those of the standard library, whatever objects within them look like."""
    alike = [{"id": at, "of": [value, value]} for at, value in enumerate(values)]
    nested = [{"id": 1, "of": [{"id": 2}, {"id": 3}, *alike]}, *alike, {"id": alike}, {"id": 1}]
    raw = json.dumps(nested, **form).encode("utf-8", "surrogatepass")
    with patch.object(list_items, "_CHUNK", chunk):
        found = list(raw_items(io.BytesIO(raw)))
    read = [
        value
        if value is not None and is_exact(item, value)
        else json.loads(item.decode("utf-8", "surrogatepass"))
        for item, _, value in found
    ]
    assert json.dumps(read) == json.dumps(nested)


def test_most_objects_that_begin_alike_are_decoded_at_once() -> None:
    """Only the first, after which the beginning of the next is known, and the last are not."""
    text = '"}, {\\"title\\": "'
    raw = json.dumps([{"title": text, "of": {"title": n}} for n in range(9)]).encode()
    assert [value is None for *_, value in raw_items(io.BytesIO(raw))] == [True] + [False] * 7 + [
        True
    ]
