"""Messages of a session as entries: parts of its page, and one message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from projector.cli.kit.render import message_json
from projector.errors import NotFound
from projector.export.calls import CallsById
from projector.export.parts import call_names
from projector.views.billing.calls import session_calls
from projector.views.browsing.message_window import find, key_of, rows_near, views_from, views_of
from projector.views.sessions import brief
from projector.web import params as given
from projector.web.counting import is_long
from projector.web.page import Page
from projector.web.render.entries import entries

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    """Return messages of a session from one on, up to one or the last, as a part of its page."""
    name, first, last = name_of(params), given.text(params, "from"), given.text(params, "until")

    def ask(db: apsw.Connection) -> tuple[tuple[Entry, ...], tuple[MessageView, ...]]:
        found = find(db, name)
        start = None if first is None else _first_of(db, found, first)
        end = None if last is None else _first_of(db, found, last)
        views = views_from(db, found, start, SIZE if end is None else _RANGE, end)
        return entries_of(db, brief(db, name), views), views

    found, views = readings.peek(ask)
    return Page(
        "entries.html",
        "New messages",
        TailPart(found, None),
        lambda: {"messages": [message_json(view) for view in views]},
        whole=False,
    )


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
    """

    entries: tuple[Entry, ...]
    target: str | None


def message(readings: Readings, params: Mapping[str, str]) -> Page:
    """Return one message, whole."""
    name, id = given.text(params, "session") or "", given.text(params, "id") or ""

    def ask(db: apsw.Connection) -> MessageView:
        found = views_of(db, find(db, name), (id,))
        if not found:
            raise NotFound(f"the session {name!r} has no message {id!r}")
        return found[0]

    view = readings.peek(ask)
    part = TailPart(entries((view,), cwd=None, whole=True), None)
    return Page("message.html", "Message", part, lambda: message_json(view) | {"session": name})
