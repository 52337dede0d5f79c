"""What `journal restore` writes beside an item: what its message has from other lines.

An item without an id is known by a hash of its line, and has its model from the lines before it. A
line that was written back has other bytes, and its message must be the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.importers.parsing.values import text_or_none

if TYPE_CHECKING:
    from journal.importers.parsing.values import Json

KEY = "agentJournal"
"""The key of a line that has it; Codex ignores keys that it does not know."""


def restored_of(value: dict[str, Json]) -> dict[str, Json] | None:
    """Return what a line has of its message; None if Codex wrote it."""
    found = value.get(KEY)
    return found if isinstance(found, dict) else None


def id_in(restored: dict[str, Json] | None) -> str | None:
    """Return the id that the message of a line has; None if Codex wrote it."""
    return None if restored is None else text_or_none(restored.get("id"))


def fields_in(restored: dict[str, Json] | None) -> dict[str, Json]:
    """Return the fields that the message of a line has in place of others; none as None."""
    if restored is None:
        return {}
    found = {name: text_or_none(restored.get(name)) for name in ("line", "parent", "model")}
    return found | ({"timestamp": None} if restored.get("undated") else {})
