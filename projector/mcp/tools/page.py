"""Pages of a list of sessions: what an answer passes over, and the cursor of the next one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from projector.mcp.text.cursor import cursor, places

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import apsw

    from projector.mcp.recall import Recall
    from projector.mcp.text.cursor import Pages

_ONLY_SIZE = {"cursor", "max_chars", "limit"}
"""Arguments that may differ from page to page."""
_MORE = 2
"""Sessions that are read beyond those that are shown: one may be that which asks, and one more
shows that there is a next page."""
_LOST = (
    "the server does not know any more what the pages before showed: a session may be repeated or"
    " missing; without the cursor it begins again"
)

_CHANGED = (
    "messages arrived since the first page, so what came nearest then may be missing; without the"
    " cursor it begins again"
)


@dataclass(frozen=True, slots=True)
class Page:
    """What an answer passes over. The list is read from its beginning for each page.

    Attributes:
        pages: what earlier pages showed.
        question: the arguments that every page of a list has alike.
        before: how many sessions the pages before showed.
        shown: these sessions; None if that is not known any more.
        asking: the session that asks, which no page shows; None if it is not left out.
        first, newest: the rowids of the newest event, when the first page was made and now.
    """

    pages: Pages
    question: Mapping[str, Any]
    before: int
    shown: tuple[str, ...] | None
    asking: str | None
    first: int
    newest: int

    @classmethod
    def of(cls, recall: Recall, given: Mapping[str, Any], asking: str | None) -> Page:
        """Return the page that the arguments of a call ask for.

        Raises:
            ToolError: the cursor is not of this question.
        """
        question = {name: given[name] for name in given if name not in _ONLY_SIZE}
        newest = recall.projection.read(_newest)[0]
        if given["cursor"] is None:
            return cls(recall.pages, question, 0, (), asking, newest, newest)
        number, before = places(given["cursor"], question, 2)
        found = recall.pages.get(number)
        if found is None:
            return cls(recall.pages, question, before, None, asking, newest, newest)
        return cls(recall.pages, question, before, found.shown, asking, found.newest, newest)

    @property
    def lost(self) -> str:
        """Why sessions may be repeated or missing; empty if none is."""
        return _LOST if self.shown is None else ""

    @property
    def changed(self) -> str:
        """Why what came nearest may be missing: only so many are ranked; empty if it is not."""
        return _CHANGED if self.first != self.newest else ""

    def reach(self, limit: int) -> int:
        """Return how many sessions of the list are to be read for a page of `limit`."""
        return self.before + limit + _MORE

    def rest(self, listed: Iterable[str]) -> list[str]:
        """Return the sessions of a list, each once, that no page before this one showed."""
        known = {self.asking, *(self.shown or ())}
        rest = [session for session in dict.fromkeys(listed) if session not in known]
        return rest[self.before :] if self.shown is None else rest

    def next(self, shown: Sequence[str]) -> str:
        """Return the line with the cursor of the page behind this one, which showed these."""
        # those that are not known any more are passed over by their number
        number = 0 if self.shown is None else self.pages.keep((*self.shown, *shown), self.first)
        return f'Next: cursor="{cursor(self.question, number, self.before + len(shown))}"'


def _newest(db: apsw.Connection) -> int:
    return int(db.execute("SELECT coalesce(max(id), 0) FROM _events").get)
