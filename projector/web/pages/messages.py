"""Messages of a session as entries: parts of its page, and one message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from projector.cli.kit.render import message_json
from projector.errors import NotFound
from projector.export.calls import CallsById
from projector.export.parts import call_names
from projector.views.billing.calls import session_calls
from projector.views.browsing.message_window import (
    find,
    key_of,
    rows_near,
    views_before,
    views_from,
    views_of,
)
from projector.views.messages import with_tool_names
from projector.views.sessions import brief
from projector.web import params as given
from projector.web.counting import is_long
from projector.web.page import Page
from projector.web.render.entries import answered_in, calls_in, entries
from projector.web.render.portions import whole_end

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import apsw

    from projector.views.browsing.message_window import Key, Session
    from projector.views.messages import MessageView
    from projector.views.sessions import SessionBrief
    from projector.web.reading import Readings
    from projector.web.render.entries import Entry

SIZE = 60
"""Messages on a page."""
_RANGE = 1_000
"""Messages that are returned at most if the last one is named, too."""
_CONTEXT = 20
"""Messages before the first one that are looked at: what is shown of it depends on them."""


def name_of(params: Mapping[str, str]) -> str:
    """Return the id of the session that an address names.

    Raises:
        ValueError: it names none.
    """
    name = given.text(params, "id")
    if name is None:
        raise ValueError("the address lacks `id`, the id of a session")
    return name


def entries_of(
    db: apsw.Connection, session: SessionBrief, views: tuple[MessageView, ...]
) -> tuple[Entry, ...]:
    """Return messages as entries, each with what its call of the API used."""
    used = None
    if session.usage:
        names = {name for view in views for name in call_names(view)}
        between = rows_near(db, session.session, views) if is_long(session) else None
        used = CallsById(session_calls(db, session.session, names, between))
    return entries(views, cwd=session.cwd, used=used)


def tail(readings: Readings, params: Mapping[str, str]) -> Page:
    """Return messages of a session from one on, up to one or the last, as a part of its page.

    The part begins earlier if these messages have results of calls before them.
    """
    name, first, last = name_of(params), given.text(params, "from"), given.text(params, "until")

    def ask(db: apsw.Connection) -> tuple[TailPart, tuple[MessageView, ...]]:
        found = find(db, name)
        start = None if first is None else _first_of(db, found, first)
        end = None if last is None else _first_of(db, found, last)
        limit = SIZE if end is None else _RANGE
        views = views_from(db, found, start, limit + 1, end)
        more = len(views) > limit
        views = views[: whole_end(views[:limit])] if more else views
        before = () if start is None else views_before(db, found, start, _CONTEXT)
        both = tuple(with_tool_names([*before, *views]))
        before, views = both[: len(before)], both[len(before) :]
        entries = entries_of(db, brief(db, name), both)
        hidden = _unchanged(before, views)
        return TailPart(tuple(each for each in entries if each.id not in hidden), more=more), views

    part, views = readings.peek(ask)
    return Page(
        "tail.html",
        "New messages",
        part,
        lambda: {"messages": [message_json(view) for view in views], "more": part.more},
        whole=False,
    )


def _unchanged(before: Sequence[MessageView], views: Sequence[MessageView]) -> set[str]:
    """Return the ids of messages that show nothing of those that follow them."""
    answered = {id for view in views for id in answered_in(view)}
    count = next((at for at, view in enumerate(before) if calls_in(view) & answered), len(before))
    return {view.id for view in before[:count]}


def _first_of(db: apsw.Connection, session: Session, names: str) -> Key:
    """Return the key of the first of some messages, one id a line, that is there.

    Raises:
        NotFound: none of them is.
    """
    for id in names.split("\n")[:-1]:
        try:
            return key_of(db, session, id)
        except NotFound:  # it was forgotten or removed
            continue
    return key_of(db, session, names.rpartition("\n")[2])


@dataclass(frozen=True, slots=True)
class TailPart:
    """Entries without the page around them.

    Attributes:
        entries: the messages.
        target: id of the one that an address leads to.
        more: whether there are further messages behind them.
    """

    entries: tuple[Entry, ...]
    target: str | None = None
    more: bool = False


def message(readings: Readings, params: Mapping[str, str]) -> Page:
    """Return one message, whole."""
    name, id = given.text(params, "session"), given.text(params, "id")
    if name is None or id is None:
        raise ValueError("the address lacks `session` or `id`, the ids of a session and a message")

    def ask(db: apsw.Connection) -> MessageView:
        found = views_of(db, find(db, name), (id,))
        if not found:
            raise NotFound(f"the session {name!r} has no message {id!r}")
        return found[0]

    view = readings.peek(ask)
    part = TailPart(entries((view,), cwd=None, whole=True))
    return Page("message.html", "Message", part, lambda: message_json(view) | {"session": name})
