"""Find what a machine wrote in the place of a person, from the beginning of its text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import orjson

from journal.importers.claude_code.agent import agent_of

if TYPE_CHECKING:
    from journal.importers.parsing.values import Json

_HEAD = 64
_BEGINNINGS = {
    "<task-notification": "notification",
    "<teammate-message": "notification",
    "[SYSTEM NOTIFICATION": "notification",
    "[Request interrupted": "notification",
    "<system-reminder": "instructions",
    "<local-command-": "command",
    "<bash-": "command",
    "Caveat: The messages below": "command",
    "This session is being continued from a previous conversation": "summary",
}
"""Beginnings of texts that Claude Code itself writes with the role "user"."""
_COMMAND = "<command-"
_TYPED_COMMAND = re.compile(r"/[a-z][\w:-]{0,63}")
_NO_ARGUMENTS = "<command-args></command-args>"


def meta_of(value: dict[str, Json], content: Json) -> str | None:
    """Return what a line with the role "user" is, if no person wrote it.

    Args:
        value: the line.
        content: of its message.
    """
    if value.get("isCompactSummary"):
        return "summary"
    text = first_text(content)
    found = meta_of_text(text)
    if found is None and value.get("isMeta"):
        found = "instructions"
    if found is None and (agent_of(value) or value.get("isSidechain")):
        return "task"  # the agent that started this one wrote it
    return found


def meta_of_text(text: str) -> str | None:
    """Return what a text of the role "user" is, if no person wrote it."""
    head = text[: 2 * _HEAD].lstrip()
    for beginning, meta in _BEGINNINGS.items():
        if head.startswith(beginning):
            return meta
    if head.startswith(_COMMAND):
        # what follows the name of a command was typed
        has_arguments = "<command-args>" in text and _NO_ARGUMENTS not in text
        return None if has_arguments else "command"
    if _TYPED_COMMAND.fullmatch(text.strip()) is not None:
        return "command"
    return "notification" if head.startswith("{") and _is_notice(text) else None


def first_text(content: Json) -> str:
    """Return the first text of a content that is not empty."""
    parts = content if isinstance(content, list) else [content]
    texts = (part.get("text") if isinstance(part, dict) else part for part in parts)
    return next((text for text in texts if isinstance(text, str) and text.strip()), "")


def _is_notice(text: str) -> bool:
    """Return whether a text is the notice of a task in the background, as JSON."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return isinstance(value, dict) and "task_id" in value
