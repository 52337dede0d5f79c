"""Arguments that several tools take."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from journal.cli.kit.times import parse_time
from journal.process.fork import no_fork
from projector.mcp.errors import ToolError
from projector.mcp.text.budget import Block
from projector.mcp.text.fence import short
from projector.mcp.tools.argument import Argument

if TYPE_CHECKING:
    from collections.abc import Mapping

    from journal.redact.redactor import Redactor
    from projector.projection import Projection
    from projector.views.nearest import UnknownValue

PROJECT = Argument("project", "string", "Only this working directory, or its last part.")
AGENT = Argument(
    "agent", "string", "Only sessions of this agent: claude-code, codex, gemini-cli, ..."
)
MACHINE = Argument(
    "machine",
    "string",
    "Only what this machine wrote, of several that share the journal: its name.",
)
SINCE = Argument(
    "since", "string", "Only this time or later: 2026-01-31, 2026-01-31T12:00, or 3h, 2d, 1w back."
)
CURSOR = Argument("cursor", "string", "Where to continue, as the last answer says.")
INCLUDE_ASKING = Argument(
    "include_asking", "boolean", "Do not leave out the session that asks.", default=False
)
ASKING = Argument("asking", "string", "The id of your own session, if you know it.")


def moment(name: str, text: str | None) -> int | None:
    """Return a time in microseconds since 1970; None if none was given.

    Raises:
        ToolError: it is no time.
    """
    if text is None:
        return None
    try:
        return parse_time(text, datetime.now(UTC))
    except (ValueError, OverflowError) as error:
        raise ToolError(f"{name}: {error}") from error


def unknown_blocks(
    projection: Projection, redactor: Redactor, filters: Mapping[str, Any]
) -> list[Block]:
    """Return a block for each filter whose value nothing has, with values that there are."""
    with no_fork.turn:
        from projector.reading.unknown import unknown_filters  # noqa: PLC0415 - most find something

    found = unknown_filters(projection, filters)
    names = {"source": "agent"}
    return [
        Block(
            f"* nothing has the {names.get(value.kind, value.kind)}"
            f" {short(redactor.text(value.name), 60)!r}; {_existing(redactor, value)}"
        )
        for value in found
    ]


def _existing(redactor: Redactor, value: UnknownValue) -> str:
    """Return which values there are, the nearest if some are like the one that is asked for."""
    names = [short(redactor.text(name), 60) for name in value.nearest]
    if not names:
        return "nothing has one"
    which = "the nearest" if value.is_like else "there"
    return f"{which} {'is' if len(names) == 1 else 'are'} {', '.join(names)}"
