"""The state of a task as it is stored: the value of a key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal.format.bounds import is_count

if TYPE_CHECKING:
    from projector.board.task import State

OPEN: State = "open"
CLAIMED: State = "claimed"
BLOCKED: State = "blocked"
DONE: State = "done"


def valid(value: object) -> dict[str, Any] | None:
    """Return a state that this version can use; any program can set a key-value to any value."""
    if not isinstance(value, dict):
        return None
    after, assignee = value.get("after"), value.get("assignee")
    usable = (
        isinstance(value.get("title"), str)
        and _is_whole(value.get("priority"))
        and value.get("state") in (OPEN, CLAIMED, BLOCKED, DONE)
        and is_count(value.get("token"))
        and is_count(value.get("number"))
        and isinstance(after, list)
        and all(isinstance(each, str) for each in after)
        and (assignee is None or isinstance(assignee, str))
        and (value["state"] != CLAIMED or is_count(value.get("expires")))
    )
    return value if usable else None


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
