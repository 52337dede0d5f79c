"""Counts in the output for people."""

from __future__ import annotations

_PLURALS = {"stretch": "stretches", "hash": "hashes"}


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural unless it is one; of several words the last."""
    return f"{number:,} {noun if number == 1 else _PLURALS.get(noun, f'{noun}s')}"
