"""The draft of a segment that is to replace another one: a file beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.process.ids import uuid7
from journal.segments.segment import SUFFIX, segment_number

if TYPE_CHECKING:
    from pathlib import Path


def draft_of(segment: Path) -> Path:
    """Return a new path for the draft of what is to replace a segment."""
    return segment.with_name(f".{segment.name}.{uuid7()}")


def is_draft(name: str) -> bool:
    """Return whether a file in a lane's folder is the draft of a segment."""
    stem, dot, _ = name[1:].partition(f"{SUFFIX}.")
    return name.startswith(".") and bool(dot) and segment_number(f"{stem}{SUFFIX}") is not None
