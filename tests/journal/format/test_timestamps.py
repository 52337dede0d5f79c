"""Timestamps: which values a writer accepts."""

from __future__ import annotations

import pytest

from journal import EventError, is_timestamp
from journal.format.timestamps import check_moment


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1_790_000_000, False),  # seconds
        (1_790_000_000_000, False),  # milliseconds
        (10**13 - 1, False),
        (10**13, True),
        (1_790_000_000_000_000, True),
        (2**53 - 1, True),
        (2**53, False),
        (-1, False),
    ],
)
def test_a_timestamp_is_microseconds(value: int, expected: bool) -> None:  # noqa: FBT001 - a table
    """Seconds, milliseconds and numbers that no double represents exactly are refused."""
    assert is_timestamp(value) is expected
    if expected:
        check_moment("timestamp", value)
    else:
        with pytest.raises(EventError, match="timestamp must be microseconds"):
            check_moment("timestamp", value)
