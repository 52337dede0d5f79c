"""The events that a board appends: what a task is, and how its state changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal.format.event_types import KEY_DELETED, KEY_SET, MESSAGE_APPENDED, SESSION_ENSURED
from journal.format.new_event import new_event
from journal.process import clock
from projector.board.names import SOURCE, beat_key
from projector.board.stored import CLAIMED, DONE, OPEN
from projector.store.claims import term
from projector.store.keys import key_event

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from projector.board.names import Names

BODY = "task"
"""The id of the message that is a task's title and body."""

EXTRA = "board"
"""The key of a message's `extra` that has what it is on a board."""

HISTORY = f"{SOURCE}:"
"""The ids of the messages about the changes of a task begin with this."""

_TERM = ("expires", "boot", "until")
_SAYINGS = {
    "claimed": "Claimed",
    "completed": "Completed",
    "blocked": "Blocked",
    "unblocked": "Unblocked",
    "released": "Released",
    "depends": "Waits for",
}


def added(
    names: Names,
    task: str,
    *,
    title: str,
    body: str,
    priority: int,
    after: Sequence[str],
    assignee: str | None,
) -> list[dict[str, Any]]:
    """Return the events of a new task. The same task again gives the same events: no effect."""
    board = names.tasks.partition("/")[2]
    session = {"title": title, "source": SOURCE, "extra": {EXTRA: board}}
    text = f"{title}\n\n{body}" if body else title
    message = {
        "role": "user",
        "content": text,
        "source": SOURCE,
        "extra": {EXTRA: {"event": "added", "title": title}},
    }
    state = {
        "title": title,
        "priority": priority,
        "after": list(after),
        "assignee": assignee,
        "state": OPEN,
        "token": 0,
        "number": 0,
    }
    return [
        new_event(task, SESSION_ENSURED, session, id=f"{SESSION_ENSURED}:{BODY}"),
        new_event(task, MESSAGE_APPENDED, message, id=BODY),
        # the key-value puts it on the board: it is last, because a crash can separate the three
        new_event(names.tasks, KEY_SET, {"key": task, "value": state}, id=f"add:{task}"),
    ]


def claimed(state: Mapping[str, Any], worker: str, seconds: float) -> dict[str, Any]:
    """Return the state of a task that a worker claims."""
    found = _without(state, *_TERM, "reason")
    return {
        **found,
        "state": CLAIMED,
        "holder": worker,
        "token": state["token"] + 1,
        **term(seconds),
    }


def ended(state: Mapping[str, Any], to: str, **fields: object) -> dict[str, Any]:
    """Return the state of a task whose claim ends."""
    found = _without(state, *_TERM, "reason")
    if to == OPEN:
        found = _without(found, "holder")
    return {**found, "state": to, **{name: it for name, it in fields.items() if it is not None}}


def _without(state: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in state.items() if name not in names}


def changed(
    names: Names,
    task: str,
    before: Mapping[str, Any],
    state: Mapping[str, Any],
    *,
    event: str,
    by: str | None,
    note: str | None = None,
) -> list[dict[str, Any]]:
    """Return the events that change the state of a task.

    The first one is the decision. It names what happened as `last`, so nothing is lost if a crash
    separates it from the message that follows: the next change appends that message.
    """
    last = {
        "event": event,
        "by": by,
        "token": state["token"],
        "note": note,
        "time": clock.wall(),
    }
    number = before["number"] + 1
    value = {**state, "number": number, "last": last}
    done = state["state"] == DONE
    found = [key_event(names.done if done else names.tasks, task, value)]
    if done:
        found.append(new_event(names.tasks, KEY_DELETED, {"key": task}))
    if before["state"] == CLAIMED:
        # heartbeats of a claim that is over
        gone = {"key": beat_key(task, before["token"])}
        found.append(new_event(names.beats, KEY_DELETED, gone))
    found.append(history_message(task, number, last))
    return found


def history_message(task: str, number: int, last: Mapping[str, Any]) -> dict[str, Any]:
    """Return the message that says what happened to a task."""
    who = f" by {last['by']}" if last["by"] else ""
    token = f" (token {last['token']})" if last["event"] == "claimed" else ""
    note = f": {last['note']}" if last["note"] else ""
    data = {
        "role": "system",
        "content": f"{_SAYINGS[last['event']]}{who}{token}{note}",
        "source": SOURCE,
        # it is no message by a person, and searches rank it so
        "meta": SOURCE,
        "timestamp": last["time"],
        "extra": {EXTRA: {**last, "number": number}},
    }
    return new_event(task, MESSAGE_APPENDED, data, id=history_id(number))


def history_id(number: int) -> str:
    """Return the id of the message about a change of a task."""
    return f"{HISTORY}{number}"
