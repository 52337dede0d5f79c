"""Shapes lines that hold a message within them like the lines of messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.importers.claude_code.agent import agent_of
from journal.importers.parsing.provisional import PROGRESS
from journal.importers.parsing.values import text_or_none

if TYPE_CHECKING:
    from journal.importers.parsing.values import Json

TAKEN = "takenFrom"
"""Key that a reshaped line has for the kind of the line that holds it."""
_OF_PARENT = ("sessionId", "cwd", "gitBranch", "version", "timestamp")
"""Keys of a line of progress that its sub-agent's line has, too."""


def of_agent(value: dict[str, Json]) -> dict[str, Json] | None:
    """Return the line of a sub-agent that a line of progress holds, as its own file has it."""
    data = value.get("data")
    inner = data.get("message") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(inner, dict):
        return None
    if inner.get("type") not in ("user", "assistant") or not text_or_none(inner.get("uuid")):
        return None
    shared = {name: value[name] for name in _OF_PARENT if name in value}
    about = {"isSidechain": True, "agentId": text_or_none(data.get("agentId")), TAKEN: PROGRESS}
    return {**shared, **about, **inner}


def as_user(value: dict[str, Json], prompt: Json) -> dict[str, Json]:
    """Shape a line that holds a prompt like the line of a user's message."""
    return {**value, "type": "user", "message": {"role": "user", "content": prompt}}


def is_root(value: dict[str, Json]) -> bool:
    """Return whether a session begins here, and does not continue after a compaction."""
    return (
        value.get("parentUuid") is None
        and value.get("logicalParentUuid") is None
        and (not value.get("isSidechain") or agent_of(value) is not None)
    )
