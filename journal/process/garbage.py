"""Fewer garbage collections while many values are made and dropped."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_OBJECTS = 50_000
"""Objects after which unreachable ones are looked for: a line makes hundreds, and few cycles."""


def collect_rarely() -> None:
    """Look for unreachable objects rarely, from here to the end of the process."""
    gc.set_threshold(_OBJECTS, *gc.get_threshold()[1:])


@contextmanager
def rare_collections() -> Iterator[None]:
    """Look for unreachable objects rarely in the block, unless they are not looked for at all."""
    before = gc.get_threshold()
    if before[0]:
        collect_rarely()
    try:
        yield
    finally:
        gc.set_threshold(*before)
