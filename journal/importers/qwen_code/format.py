"""The format of Qwen Code's recordings, for detection and for reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.importers.formats import LineFormat, SourceFormat

if TYPE_CHECKING:
    from journal.importers.parsing.parser import Location, Parser
    from journal.importers.parsing.values import Json

_KINDS = ("user", "assistant", "tool_result")


def _is_line(value: Json) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("sessionId"), str):
        return False
    body = value.get("message")
    if value.get("type") in _KINDS:
        return isinstance(body, dict) and isinstance(body.get("parts"), list)
    # Claude Code's lines of this type say whether they are of a sub-agent
    is_system = value.get("type") == "system" and "isSidechain" not in value
    return is_system and "subtype" in value and ("systemPayload" in value or isinstance(body, dict))


def _parser(location: Location) -> Parser:
    from journal.importers.qwen_code.parser import QwenCode  # noqa: PLC0415 - loaded to read

    return QwenCode(location)


FORMAT = SourceFormat(
    name="qwen-code",
    version=1,
    about="recordings, one JSONL file a session",
    paths=("~/.qwen/projects",),
    lines=LineFormat(matches=_is_line, parser=_parser, is_envelope=_is_line),
)
