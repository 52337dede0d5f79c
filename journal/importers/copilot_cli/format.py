"""The format of Copilot CLI, for detection and for reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.importers.copilot_cli.workspace import WORKSPACE, title_of
from journal.importers.formats import LineFormat, SessionIndex, SourceFormat

if TYPE_CHECKING:
    from journal.importers.parsing.parser import Location, Parser
    from journal.importers.parsing.values import Json

_KINDS = frozenset(
    ("session", "user", "assistant", "tool", "system", "hook", "subagent", "permission", "skill")
)
"""The first words of the types of events, before a point."""
_FIELDS = {"type", "data", "id", "timestamp"}


def _is_line(value: Json) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() >= _FIELDS
        and isinstance(value["data"], dict)
        and isinstance(value["type"], str)
        and "." in value["type"]
        and value["type"].partition(".")[0] in _KINDS
    )


def _parser(location: Location) -> Parser:
    from journal.importers.copilot_cli.parser import CopilotCLI  # noqa: PLC0415 - loaded to read

    return CopilotCLI(location)


FORMAT = SourceFormat(
    name="copilot-cli",
    version=1,
    about="events of GitHub Copilot CLI, one JSONL file a session",
    paths=("~/.copilot/session-state",),
    files=("*.jsonl",),
    lines=LineFormat(matches=_is_line, parser=_parser, is_envelope=_is_line),
    index=SessionIndex((WORKSPACE,), title_of),
)
