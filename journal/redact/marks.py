"""Replaces secrets by marks."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from journal.format.redacted import MARK, mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from journal.format.keyed_hash import Key
    from journal.redact.scanner import Hit, Scanner

_DIGITS = 6


def find(scanners: Sequence[Scanner], text: str) -> list[Hit]:
    """Find the secrets in a text, in order; none overlaps another one or a mark."""
    # `sorted` keeps the order of scanners and rules, which decides between hits at one place
    hits = sorted(
        itertools.chain.from_iterable(scanner.find(text) for scanner in scanners),
        key=lambda hit: hit.start,
    )
    if not hits:
        return []
    marks = [match.span() for match in MARK.finditer(text)]
    found: list[Hit] = []
    at, behind = 0, 0
    for hit in hits:
        while at < len(marks) and marks[at][1] <= hit.start:
            at += 1
        if behind <= hit.start < hit.end and (at == len(marks) or hit.end <= marks[at][0]):
            found.append(hit)
            behind = hit.end
    return found


def replace(text: str, hits: Iterable[Hit], key: Key) -> str:
    """Replace the secrets in a text by marks."""
    pieces: list[str] = []
    at = 0
    for start, end, kind in hits:
        pieces += text[at:start], mark(kind, key.hash("secret", text[start:end])[:_DIGITS])
        at = end
    return "".join([*pieces, text[at:]])
