"""Texts and moments, as Hermes and a journal keep them."""

from __future__ import annotations

import re
import time

_SURROGATES = re.compile("[\ud800-\udfff]")


def seconds(moment: int | None) -> float | None:
    """Return microseconds as Hermes's seconds."""
    return None if moment is None else moment / 1_000_000


def micros(moment: float) -> int:
    """Return Hermes's seconds as microseconds."""
    return round(moment * 1_000_000)


def now() -> int:
    """Return the time in microseconds, by the clock that Hermes reads."""
    return micros(time.time())


def clean(text: str) -> str:
    """Return a text with U+FFFD for each lone surrogate, which neither JSON nor SQLite stores."""
    return _SURROGATES.sub("\ufffd", text)
