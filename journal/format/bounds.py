"""Which values an event may have: one place for the writer, the decoder and the fold.

`docs/format.md` states the same. The writer refuses what is beyond these bounds and names the
field. The decoder sets a record aside whose key or nesting is beyond them. The fold ignores a
field of `data` that is beyond them, since another program may have written it.
"""

from __future__ import annotations

from typing import TypeGuard

LARGEST = 2**53 - 1
"""The largest count, cost in US dollars, and moment in microseconds: a double holds it exactly."""

KEY_LIMIT = 1024
"""Characters in an id, a session or a type."""

DEPTH = 254
"""Levels of nesting in a record; its own object is the first, `data` the second. orjson encodes no
more, so no level needs to be counted where a record is written or encoded again."""


def is_count(value: object) -> TypeGuard[int]:
    """Return whether a value can be a count: an integer from 0 to `LARGEST`."""
    # a bool is an int to Python, and no count to any reader
    return value.__class__ is int and 0 <= value <= LARGEST


def is_moment(value: object) -> TypeGuard[int]:
    """Return whether a value can be microseconds since 1970: an integer from 0 to `LARGEST`."""
    return value.__class__ is int and 0 <= value <= LARGEST


def is_amount(value: object) -> TypeGuard[int | float]:
    """Return whether a value can be a cost in US dollars: a number from 0 to `LARGEST`."""
    return value.__class__ in (int, float) and 0 <= value <= LARGEST


def is_key(value: object) -> TypeGuard[str]:
    """Return whether a value can be an id, a session or a type: 1 to `KEY_LIMIT` characters."""
    return value.__class__ is str and 0 < len(value) <= KEY_LIMIT
