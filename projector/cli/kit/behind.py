"""Reports that the answer of a command lacks the newest events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal.cli.kit.output import print_line

if TYPE_CHECKING:
    from projector.errors import Behind


def warn_if_behind(behind: Behind | None) -> None:
    """Write to stderr which events an answer lacks; nothing if it lacks none."""
    if behind is not None:
        print_line(str(behind), err=True)


def behind_json(behind: Behind | None) -> dict[str, Any]:
    """Return the key `behind` of an answer in JSON; no key if the answer lacks no event."""
    return {} if behind is None else {"behind": behind.as_json()}
