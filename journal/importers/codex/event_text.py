"""Reads the texts within a Codex event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.importers.parsing.values import text_or_none

if TYPE_CHECKING:
    from journal.importers.parsing.values import Json


def plan(payload: dict[str, Json]) -> str | None:
    """Return the plan that an item holds, if it is one."""
    item = payload.get("item")
    if not isinstance(item, dict) or item.get("type") != "Plan":
        return None
    return text_or_none(item.get("text"))


def error_text(payload: dict[str, Json]) -> str | None:
    """Return the text of the error that an event holds, if it has one."""
    error = payload.get("error")
    return text_or_none(error.get("message")) if isinstance(error, dict) else None


def shorten(name: Json) -> str:
    """Return the name of a kind, for the report."""
    return name if isinstance(name, str) and name else "no type"
