"""The namespaces of key-values that a board is kept in."""

from __future__ import annotations

from dataclasses import dataclass

from journal.errors import EventError
from journal.format.bounds import KEY_LIMIT, is_key
from journal.format.lossless import check_text

SOURCE = "board"
"""The source of the sessions that are tasks."""


@dataclass(frozen=True, slots=True)
class Names:
    """The namespaces of one board.

    Attributes:
        tasks: the state of each task that is not done, by its id.
        done: the same of those that are done. They have a namespace of their own, so that a search
            for work does not read them.
        beats: the last heartbeat of each claim.
    """

    tasks: str
    done: str
    beats: str


def names_of(board: str) -> Names:
    """Return the namespaces of a board.

    Raises:
        EventError: `board` is empty, too long or no text.
    """
    check_text("name", board)
    found = f"@board/{board}"
    if not board or "/" in board or not is_key(f"{found}/beats"):
        raise EventError(
            f"name must be a text without '/' of 1 to {KEY_LIMIT - 20} characters,"
            f" not {board!r:.60}"
        )
    return Names(found, f"{found}/done", f"{found}/beats")


def beat_key(task: str, token: int) -> str:
    """Return the key of the heartbeats of one claim.

    A stale worker that still beats must not replace the heartbeat of the one that has the task now.
    A request to forget the task takes keys that have its id before `_`.
    """
    return f"{task}_{token}"
