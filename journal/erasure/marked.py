"""Where marks go in a text that a request redacts. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from journal.format.fields.erasure import is_marked
from journal.format.redacted import MARK, covered_spans

Span = tuple[int, int, str]
"""Where a secret begins and ends in a text, in characters, and the mark in its place."""


@dataclass(frozen=True, slots=True)
class Marked:
    """Where the marks of one text go.

    Attributes:
        length: its length in characters.
        spans: the secrets in it, in order.
    """

    length: int
    spans: tuple[Span, ...]

    @classmethod
    def of(cls, value: object) -> Self | None:
        """Return what an entry in `texts` of a request says; None if it cannot be carried out."""
        if not is_marked(value):
            return None
        spans = tuple((start, end, mark) for start, end, mark in value["marks"])
        return cls(value["length"], spans)

    @classmethod
    def between(cls, text: str, redacted: str) -> Self:
        """Return how a text becomes what a redactor made of it.

        A redactor encodes JSON again in which an object has one key twice. Then the whole text
        becomes one mark.
        """
        marks = [found[0] for found in MARK.finditer(redacted)]
        spans = covered_spans(redacted, text)
        if spans is None:
            return cls(len(text), ((0, len(text), marks[0]),))
        # a mark that was in the text before stays where it is
        changed = ((*span, mark) for span, mark in zip(spans, marks, strict=True))
        return cls(len(text), tuple(it for it in changed if text[it[0] : it[1]] != it[2]))

    def fields(self) -> dict[str, Any]:
        """Return the JSON object of an entry in `texts`."""
        return {"length": self.length, "marks": [list(span) for span in self.spans]}

    def apply(self, text: str) -> str:
        """Return a text of this length with its marks."""
        found: list[str] = []
        at = 0
        for start, end, mark in self.spans:
            found += text[at:start], mark
            at = end
        return "".join([*found, text[at:]])
