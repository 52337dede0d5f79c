"""Arguments that several tools take."""

from __future__ import annotations

from datetime import UTC, datetime

from journal.cli.kit.times import parse_time
from projector.mcp.errors import ToolError
from projector.mcp.tools.argument import Argument

PROJECT = Argument("project", "string", "Only this working directory, or its last part.")
AGENT = Argument(
    "agent", "string", "Only sessions of this agent: claude-code, codex, gemini-cli, ..."
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
