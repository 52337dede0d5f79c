"""The sub-agent that wrote a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.importers.parsing.values import text_or_none

if TYPE_CHECKING:
    from journal.importers.parsing.values import Json


def agent_of(value: dict[str, Json]) -> str | None:
    """Return the id of the sub-agent that wrote a line; None for a line of the session itself.

    A line that says that it is no sidechain is the session's own, although it may name an agent:
    Claude Code writes lines into the file of an agent only if they say both.
    """
    return None if value.get("isSidechain") is False else text_or_none(value.get("agentId"))
