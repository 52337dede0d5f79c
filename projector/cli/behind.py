"""How a command says that its answer is old."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal.cli.output import say

if TYPE_CHECKING:
    from projector.errors import Behind


def say_behind(behind: Behind | None) -> None:
    """Say on standard error what an answer does not know, if anything."""
    if behind is not None:
        say(str(behind), err=True)


def behind_json(behind: Behind | None) -> dict[str, Any]:
    """Return the key of an answer in JSON that says what it does not know; none if it knows all."""
    return {} if behind is None else {"behind": behind.as_json()}
