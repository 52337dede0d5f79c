"""Each key of `extra` counts as a field of its own, named `extra.<key>`."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from journal.format.fields.extra import extra_fields, split_extra


@given(
    st.dictionaries(st.sampled_from(["title", "model", "cwd"]), st.integers()),
    st.dictionaries(st.text(), st.integers()),
)
def test_flattened_fields_are_split_again(own: dict[str, int], extra: dict[str, int]) -> None:
    """Keys with dots, and keys that begin with the prefix itself, are restored, too."""
    flat = own | extra_fields({"extra": extra})
    assert len(flat) == len(own) + len(extra)
    assert split_extra(flat) == (own, extra)


def test_an_extra_that_is_no_object_has_no_fields() -> None:
    """An `extra` that another program wrote and that is no object has no fields."""
    assert extra_fields({"extra": [1]}) == extra_fields({}) == {}
