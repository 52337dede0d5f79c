"""A session: its messages by the page, and what is known of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from projector.cli.kit.render import message_json, session_json
from projector.cli.show.resume import resume
from projector.views.browsing.changes import count_changes, end_of, last_of
from projector.views.browsing.message_window import (
    find,
    key_at,
    key_of,
    place_of,
    views_of,
    window,
    window_before,
)
from projector.views.browsing.prompts import focus, prompts
from projector.views.session_filters import SessionFilters
from projector.views.sessions import brief, session_ids
from projector.web import params as given
from projector.web import urls
from projector.web.page import Page
from projector.web.pages.messages import SIZE, entries_of, name_of
from projector.web.render.portions import whole_end, whole_start

if TYPE_CHECKING:
    from collections.abc import Mapping

    import apsw

    from projector.cli.show.resume import Resume
    from projector.views.browsing.message_window import Key, Session, Window
    from projector.views.browsing.prompts import Prompt
    from projector.views.messages import MessageView
    from projector.views.sessions import SessionBrief
    from projector.views.usage import UsageRow
    from projector.web.reading import Readings
    from projector.web.render.entries import Entry

_BACK = 8
"""Messages that are shown before the one that a link leads to."""
_OUTLINE = (60, 200)
"""Prompts of the outline before the page, and from it on."""
_CHILDREN = 20
_FAR = 10**9


@dataclass(frozen=True, slots=True)
class Step:
    """A prompt in the outline.

    Attributes:
        prompt: what a person wrote.
        href: address of it: a place on this page, or another page.
        here: whether it is on this page.
    """

    prompt: Prompt
    href: str
    here: bool


@dataclass(frozen=True, slots=True)
class SessionPage:
    """The page.

    Attributes:
        session: what is known of it.
        used: what its calls used and cost; None if they have used nothing.
        resume: how to continue it; None if its source has no way.
        children: sessions of which it is the parent, some of them.
        entries: the messages.
        target: id of the message that the address leads to; None if it leads to none.
        focused: whether only prompts and final answers are shown.
        place, until, total: places of the first and last message, and how many there are.
        begins: whether the page begins with the first message.
        before, after: addresses of other pages; None where there is none.
        outline: the prompts around this page.
        end: id of the last message of the session; None if it has none.
        changes: another number as soon as messages may have changed since the page was made.
    """

    session: SessionBrief
    used: UsageRow | None
    resume: Resume | None
    children: tuple[SessionBrief, ...]
    entries: tuple[Entry, ...]
    target: str | None
    focused: bool
    place: int
    until: int
    total: int
    begins: bool
    before: str | None
    after: str | None
    outline: tuple[Step, ...]
    end: str | None
    changes: int


@dataclass(frozen=True, slots=True)
class _Part:
    """Messages of a session, and where others are.

    Attributes:
        views: the messages.
        place, total: of the first one, and of all.
        start: the key of the first one; None if there is none.
        begins: whether the first one is the first of the session.
        before, after: parameters of other pages; None where there is none.
    """

    views: tuple[MessageView, ...]
    place: int
    total: int
    start: Key | None
    begins: bool
    before: dict[str, str | int] | None
    after: dict[str, str | int] | None


def session(readings: Readings, params: Mapping[str, str]) -> Page:
    """Return the page of a session."""
    name = name_of(params)
    view, messages = readings.peek(lambda db: _page(db, readings, name, params))
    title = view.session.title or view.session.preview or view.session.session
    return Page("session.html", title, view, lambda: _json(view, messages))


def _page(
    db: apsw.Connection, readings: Readings, name: str, params: Mapping[str, str]
) -> tuple[SessionPage, tuple[MessageView, ...]]:
    view = brief(db, name)
    found = find(db, view.session)
    focused = given.flag(params, "focus")
    part = _focused(db, found, params) if focused else _window(db, found, params)
    state = {"focus": 1} if focused else {}

    def there(more: dict[str, str | int] | None) -> str | None:
        return None if more is None else urls.session(view.session, **(state | more))

    below = SessionFilters(parent=view.session)
    page = SessionPage(
        session=view,
        used=readings.counting.used(db, view),
        resume=resume(view),
        children=tuple(brief(db, child) for child in session_ids(db, below, limit=_CHILDREN)),
        entries=entries_of(db, view, part.views),
        target=given.text(params, "at"),
        focused=focused,
        place=part.place,
        until=part.place + max(len(part.views) - 1, 0),
        total=part.total,
        begins=part.begins,
        before=there(part.before),
        after=there(part.after),
        outline=_outline(db, found, part, state),
        end=last_of(db, found),
        changes=count_changes(db, found),
    )
    return page, part.views


def _window(db: apsw.Connection, session: Session, params: Mapping[str, str]) -> _Part:
    at, before = given.text(params, "at"), given.text(params, "before")
    after, place = given.text(params, "after"), given.number(params, "from", 0, _FAR)
    movable = 0
    if at is not None:
        found, movable = window(db, session, key_of(db, session, at), SIZE, back=_BACK), _BACK
    elif after is not None:
        found = window(db, session, key_of(db, session, after), SIZE, side="after")
    elif before is not None:
        found, movable = window_before(db, session, key_of(db, session, before), SIZE), SIZE // 2
    elif place <= 1 and not given.flag(params, "end"):
        found = window(db, session, None, SIZE, place=1)
    elif (start := key_at(db, session, place) if place > 1 else None) is not None:
        found = window(db, session, start, SIZE, place=place)
    else:  # the end, or a place behind it
        found, movable = window_before(db, session, None, SIZE), SIZE // 2
    return _part(db, session, found, movable)


def _part(db: apsw.Connection, session: Session, found: Window, movable: int) -> _Part:
    """Return a window without the messages at its ends that belong to others outside of it.

    Args:
        db: the projection.
        session: whose messages.
        found: the window.
        movable: how many messages may go at its beginning.
    """
    until = whole_end(found.views) if found.after else len(found.views)
    skipped = whole_start(found.views[:until], movable) if found.before else 0
    views = found.views[skipped:until]
    start = key_of(db, session, views[0].id) if views else None
    return _Part(
        views=views,
        place=found.place if start is None or not skipped else place_of(db, session, start),
        total=found.total,
        start=start,
        begins=not found.before,
        before={"before": views[0].id} if found.before else None,
        after={"after": views[-1].id} if found.after else None,
    )


def _focused(db: apsw.Connection, session: Session, params: Mapping[str, str]) -> _Part:
    at = given.text(params, "at") or given.text(params, "start")
    start = None if at is None else key_of(db, session, at)
    found = focus(db, session, start, SIZE)
    views = views_of(db, session, found.messages)
    total, _ = end_of(db, session)
    return _Part(
        views=views,
        place=1 if views else 0,
        total=total,
        start=start,
        begins=start is None,
        before=None,
        after=None if found.next is None else {"start": found.next},
    )


def _outline(
    db: apsw.Connection, session: Session, part: _Part, state: dict[str, int]
) -> tuple[Step, ...]:
    before, after = _OUTLINE
    found = prompts(db, session, part.start, after, "from")
    if part.start is not None:
        found = prompts(db, session, part.start, before, "before") + found
    here = {view.id for view in part.views}
    return tuple(
        Step(
            prompt,
            f"#{urls.anchor(session.name, prompt.id)}"
            if prompt.id in here
            else urls.session(session.name, at=prompt.id, **state),
            prompt.id in here,
        )
        for prompt in found
    )


def _json(view: SessionPage, messages: tuple[MessageView, ...]) -> dict[str, object]:
    how = view.resume
    return {
        "session": session_json(view.session),
        "cost": None if view.used is None else view.used.cost,
        "resume": None if how is None else how.command,
        "children": [child.session for child in view.children],
        "messages": [message_json(message) for message in messages],
        "steps": {entry.id: asdict(entry.used) for entry in view.entries if entry.used},
        "place": view.place,
        "total": view.total,
        "before": view.before,
        "after": view.after,
    }
