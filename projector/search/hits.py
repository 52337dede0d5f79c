"""Messages that were found, as they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.format.timestamps import to_datetime
from projector.text.document import document_and_keys
from projector.text.snippet import WIDTH, excerpt
from projector.views.messages import MessageView, around, placed

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import apsw

    from projector.text.highlight import Match


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that was found.

    Attributes:
        session, id, role, source: of the message.
        title: of the session.
        home: of a replay the session in which the message counts; else None.
        time: the message's own date, else when it was appended; microseconds since 1970.
        score: bm25, larger is better; comparable within one answer.
        snippet: the part of the text with the best matches.
        context: the messages around it, itself among them, in order; empty unless asked for.
        missing: words of the query that neither it nor its session nor the title has; empty if
            they have all.
        more: if hits are grouped: how many other messages of its session were found.
        same: how many other messages that were found say the same, and are not shown for that.
        in_title: whether the title of its session has all words; the message itself may have none.
    """

    session: str
    id: str
    role: str | None
    source: str | None
    title: str | None
    home: str | None
    time: int
    score: float
    snippet: str
    context: tuple[MessageView, ...]
    missing: tuple[str, ...] = ()
    more: int = 0
    same: int = 0
    in_title: bool = False

    @property
    def time_utc(self) -> datetime:
        """`time` as a datetime in UTC."""
        return to_datetime(self.time)


@dataclass(frozen=True, slots=True)
class Look:
    """How hits are shown.

    Attributes:
        width: characters of a snippet.
        open, close: the marks before and after a match.
        context: messages before and after a hit.
    """

    width: int = WIDTH
    open: str = "**"
    close: str = "**"
    context: int = 0


def hit(  # noqa: PLR0913 - the fields that the message itself does not have
    db: apsw.Connection,
    row: int,
    score: float,
    find: Callable[[str], list[Match]],
    look: Look,
    missing: tuple[str, ...] = (),
    *,
    more: int = 0,
    same: int = 0,
    in_title: bool = False,
) -> Hit:
    """Return a message that was found, as it is shown.

    Args:
        db: the projection.
        row: its rowid.
        score: its score.
        find: finds what is marked in its snippet.
        look: how it is shown.
        missing: words of the query that neither it nor its session has.
        more: how many other messages of its session were found.
        same: how many other messages say the same.
        in_title: whether it is found by the title of its session.

    Raises:
        apsw.Error: the database refuses.
    """
    found = placed(db, row)
    view = found.view
    text, keys = document_and_keys(found.data)
    marks = find(text)
    if not marks and keys and (of_keys := find(keys)):
        text, marks = keys, of_keys
    shown = excerpt(text, marks, width=look.width, open=look.open, close=look.close)
    context: tuple[MessageView, ...] = ()
    if look.context:
        before, after = around(db, found, look.context)
        context = (*before, view, *after)
    return Hit(
        view.session,
        view.id,
        view.role,
        view.source,
        found.title,
        view.home,
        view.time,
        round(score, 4),
        shown,
        context,
        missing,
        more,
        same,
        in_title,
    )
