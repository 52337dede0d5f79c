"""Pages of a list of sessions: where an answer begins, and the cursor of the next one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from projector.mcp.text.cursor import cursor, places

if TYPE_CHECKING:
    from collections.abc import Mapping

_ONLY_SIZE = {"cursor", "max_chars", "limit"}
"""Arguments that may differ from page to page."""


@dataclass(frozen=True, slots=True)
class Page:
    """Where an answer begins.

    Attributes:
        question: the arguments that every page of a list has alike.
        offset: how many sessions are passed over.
        before: how many were shown on the pages before.
    """

    question: Mapping[str, Any]
    offset: int
    before: int

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Page:
        """Return the page that the arguments of a call ask for.

        Raises:
            ToolError: the cursor is not of this question.
        """
        question = {name: given[name] for name in given if name not in _ONLY_SIZE}
        if given["cursor"] is None:
            return cls(question, 0, 0)
        offset, before = places(given["cursor"], question, 2)
        return cls(question, offset, before)

    def next(self, passed: int, shown: int) -> str:
        """Return the line with the cursor of the page behind this one.

        Args:
            passed: how many sessions this page passed over or showed.
            shown: how many it showed.
        """
        return f'Next: cursor="{cursor(self.question, self.offset + passed, self.before + shown)}"'
