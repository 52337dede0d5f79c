"""The format of the sessions of Kimi Code, for detection and for reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.importers.formats import LineFormat, SourceFormat

if TYPE_CHECKING:
    from journal.importers.parsing.parser import Location, Parser
    from journal.importers.parsing.values import Json

_KINDS = ("context.append_message", "context.append_loop_event", "turn.prompt", "usage.record")


def _is_line(value: Json) -> bool:
    if not isinstance(value, dict):
        return False
    kind = value.get("type")
    return kind in _KINDS or (kind == "metadata" and "protocol_version" in value)


def _parser(location: Location) -> Parser:
    from journal.importers.kimi.parser import Kimi  # noqa: PLC0415 - loaded to read

    return Kimi(location)


FORMAT = SourceFormat(
    name="kimi",
    version=1,
    about="sessions of Kimi Code, one JSONL file an agent",
    paths=("~/.kimi-code/sessions",),
    lines=LineFormat(matches=_is_line, parser=_parser, is_envelope=_is_line),
    beside=("state.json", "../../state.json"),
)
