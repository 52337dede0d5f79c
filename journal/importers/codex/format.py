"""The format of Codex's rollouts, for detection and for reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.importers.codex.session_index import FILES, title_of
from journal.importers.formats import LineFormat, SessionIndex, SourceFormat

if TYPE_CHECKING:
    from journal.importers.parsing.parser import Location, Parser
    from journal.importers.parsing.values import Json

_KINDS = ("session_meta", "response_item", "event_msg", "turn_context", "compacted", "world_state")
_HEAD = {"id", "timestamp", "instructions"}


def _is_envelope(value: Json) -> bool:
    return (
        isinstance(value, dict)
        and value.get("type") in _KINDS
        and isinstance(value.get("payload"), dict)
    )


def _is_line(value: Json) -> bool:
    return _is_envelope(value) or (isinstance(value, dict) and _is_bare(value))


def _is_bare(value: dict[str, Json]) -> bool:
    """Return whether this is a line of the first versions: an item without a time, or a head."""
    kind = value.get("type")
    if kind == "message":
        return (
            isinstance(value.get("role"), str) and "content" in value and "timestamp" not in value
        )
    # a saved conversation has an id and a time, too, but also a list of messages
    lists = any(isinstance(item, list) for item in value.values())
    return kind is None and value.keys() >= _HEAD and "role" not in value and not lists


def _parser(location: Location) -> Parser:
    from journal.importers.codex.parser import Codex  # noqa: PLC0415 - loaded to read

    return Codex(location)


FORMAT = SourceFormat(
    name="codex",
    version=6,
    about="rollouts, one JSONL file a session",
    paths=("~/.codex/sessions",),
    lines=LineFormat(matches=_is_line, parser=_parser, is_envelope=_is_envelope),
    index=SessionIndex(FILES, title_of),
)
