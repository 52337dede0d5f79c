"""Reads single values of decoded JSON."""

from __future__ import annotations

import hashlib
from typing import Any

from journal.format.bounds import is_count

Json = Any
"""A decoded JSON value; parsers check its type."""


def fingerprint(raw: bytes) -> str:
    """Return 32 hex digits that identify these bytes."""
    return hashlib.blake2b(raw, digest_size=16).hexdigest()


def text_or_none(value: Json) -> str | None:
    """Return a string that is not empty, else None."""
    return value if isinstance(value, str) and value else None


def count_or_none(value: Json) -> int | None:
    """Return an integer that a journal accepts as a count, else None."""
    return value if is_count(value) else None


def object_of(value: Json) -> dict[str, Json]:
    """Return a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def list_of(value: Json) -> list[Json]:
    """Return a JSON array, else an empty one."""
    return value if isinstance(value, list) else []


def is_kept(value: Json) -> bool:
    """Return whether a value is not None, False or empty."""
    # zeros are values, and False is not
    return bool(value) or (value == 0 and value is not False)


def non_empty(pairs: dict[str, Json]) -> dict[str, Json] | None:
    """Return the pairs whose value is not None, False or empty; None when nothing is left."""
    return {name: value for name, value in pairs.items() if value or is_kept(value)} or None
