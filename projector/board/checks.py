"""Checks of what the methods of a board are called with, before anything is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.errors import EventError, shown
from journal.format.bounds import KEY_LIMIT
from journal.format.lossless import check_text
from journal.format.new_event import check_iterable
from projector.arguments import check_length
from projector.board.task import TaskClaim

if TYPE_CHECKING:
    from collections.abc import Iterable

_PRIORITY = 1_000_000
TITLE_LIMIT = 1_000
"""Characters of a title."""
_ID_LIMIT = KEY_LIMIT - 24
"""Characters of an id: the key of a heartbeat has the token behind it."""


def check_title(title: object) -> None:
    """Refuse what is no line of text, or is a long one: each change of the task repeats it.

    Raises:
        EventError: the message is the reason.
    """
    check_name("title", title)
    if len(str(title)) > TITLE_LIMIT:
        raise EventError(
            f"title must have at most {TITLE_LIMIT:,} characters, not {len(str(title)):,}; what"
            " follows belongs into body"
        )
    if len(str(title).splitlines()) > 1:
        raise EventError("title must be one line; what follows belongs into body")


def check_name(name: str, value: object) -> None:
    """Refuse what is no text, or is blank.

    Raises:
        EventError: the message names the argument.
    """
    check_text(name, value)
    if not str(value).strip():
        raise EventError(f"{name} must not be empty")


def check_id(task: object) -> None:
    """Refuse what cannot be the id of a task.

    Raises:
        EventError: the message is the reason.
    """
    check_name("id", task)
    if len(str(task)) > _ID_LIMIT:
        raise EventError(f"id must have at most {_ID_LIMIT:,} characters, not {len(str(task)):,}")


def check_priority(priority: object) -> None:
    """Refuse what is no whole number in the range of priorities.

    Raises:
        EventError: the message is the reason.
    """
    is_whole = isinstance(priority, int) and not isinstance(priority, bool)
    if not is_whole or not -_PRIORITY <= priority <= _PRIORITY:  # type: ignore[operator]
        raise EventError(
            f"priority must be a whole number from -{_PRIORITY:,} to {_PRIORITY:,},"
            f" not {shown(priority)}"
        )


def listed(after: Iterable[str]) -> list[str]:
    """Return the ids of tasks, each once.

    Raises:
        EventError: one is none; the message names it.
    """
    check_iterable("after", after)
    found = list(after)
    for index, task in enumerate(found):
        check_name(f"after[{index}]", task)
    return list(dict.fromkeys(found))


def check_claim(claim: object) -> None:
    """Refuse what is no claim of a task.

    Raises:
        EventError: the message is the reason.
    """
    if not isinstance(claim, TaskClaim):
        raise EventError(f"claim must be a TaskClaim, as `claim` returns it, not {shown(claim)}")
    check_text("claim.task", claim.task)
    check_text("claim.worker", claim.worker)
    check_length("claim.seconds", claim.seconds)
