"""Numbers with their nouns."""

from __future__ import annotations

_PLURALS = {"stretch": "stretches", "hash": "hashes"}


def counted(number: int, noun: str) -> str:
    """Return a number with its noun; of several words the last is the noun."""
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {_PLURALS.get(noun, f'{noun}s')}"
