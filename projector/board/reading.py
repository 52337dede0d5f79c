"""What was said about a task, and what happened to it, from the messages of its session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from projector.board.changes import BODY, EXTRA
from projector.board.task import Comment, TaskEvent
from projector.errors import NotFound
from projector.views.messages import messages

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import apsw

    from projector.views.messages import MessageView


def is_written(db: apsw.Connection, session: str, id: str) -> bool:
    """Return whether a session has an event."""
    query = (
        "SELECT 1 FROM _events WHERE event_id = ?"
        " AND session = (SELECT id FROM _sessions WHERE session = ?)"
    )
    return db.execute(query, (id, session)).get is not None


def said_of(db: apsw.Connection, task: str) -> list[MessageView]:
    """Return the messages of a task; none if its session was removed or forgotten."""
    try:
        return messages(db, task)
    except NotFound:
        return []


def comments_of(said: Iterable[MessageView]) -> tuple[str, tuple[Comment, ...]]:
    """Return the body of a task, and its comments."""
    body = ""
    comments = []
    for message in said:
        text = message.content if isinstance(message.content, str) else ""
        about = _about(message)
        if message.id == BODY:
            body = text.partition("\n\n")[2]
        elif message.role == "user":
            comments.append(Comment(message.id, _text(about.get("by")), text, message.time))
    return body, tuple(comments)


def events_of(said: Iterable[MessageView], state: Mapping[str, Any]) -> tuple[TaskEvent, ...]:
    """Return what happened to a task, in order, its last change included."""
    found: dict[int, TaskEvent] = {}
    for message in said:
        about = _about(message)
        if message.id == BODY:
            found[0] = TaskEvent(0, "added", None, 0, None, message.time)
        elif message.role == "system" and isinstance(about.get("number"), int):
            found[about["number"]] = _event(about["number"], about)
    # a crash can lose the message of the last change, which the state names, too
    last = state.get("last")
    if isinstance(last, dict) and state["number"] not in found:
        found[state["number"]] = _event(state["number"], last)
    return tuple(found[number] for number in sorted(found))


def _event(number: int, about: Mapping[str, Any]) -> TaskEvent:
    token, time = about.get("token"), about.get("time")
    return TaskEvent(
        number,
        _text(about.get("event")) or "",
        _text(about.get("by")),
        token if isinstance(token, int) else 0,
        _text(about.get("note")),
        time if isinstance(time, int) else 0,
    )


def _about(message: MessageView) -> Mapping[str, Any]:
    extra = message.fields.get("extra")
    about = extra.get(EXTRA) if isinstance(extra, dict) else None
    return about if isinstance(about, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
