"""The format of Claude Code's transcripts, for detection and for reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.importers.claude_code.layout import SIDE_FOLDER
from journal.importers.claude_code.session_index import INDEX, title_of
from journal.importers.files.document import NO_MESSAGES
from journal.importers.formats import DocumentFormat, LineFormat, SessionIndex, SourceFormat
from journal.importers.parsing.parser import Skipped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.files.document import Document, Numbered
    from journal.importers.parsing.parser import Item, Location, Parser
    from journal.importers.parsing.values import Json

_KINDS = ("system", "progress", "attachment")
_NAMED_KINDS = ("queue-operation", "custom-title", "ai-title", "agent-name", "permission-mode")


def _is_line(value: Json) -> bool:
    if not isinstance(value, dict):
        return False
    kind = value.get("type")
    if kind == "summary":
        return "leafUuid" in value
    if kind == "file-history-snapshot":
        return "snapshot" in value
    if kind in ("user", "assistant"):
        body = value.get("message")
        # other agents use the same envelope, with parts in place of content
        return "sessionId" in value and isinstance(body, dict) and "content" in body
    if kind in _KINDS:
        return "sessionId" in value and "isSidechain" in value
    return kind in _NAMED_KINDS and "sessionId" in value


def _wraps_lines(document: Document) -> bool:
    """Return whether a document is `{"loglines": [...]}`."""
    lines = document.shape.lists.get("loglines")
    return lines is not None and any("type" in keys for keys in lines.keys)


def _parser(location: Location) -> Parser:
    from journal.importers.claude_code.parser import ClaudeCode  # noqa: PLC0415 - loaded to read

    return ClaudeCode(location)


def _pieces(document: Document, location: Location) -> Iterator[Numbered]:
    parser = _parser(location)
    return document.pieces("loglines", lambda number, piece: parser.value(number, piece, None))


def _whole(value: Json, location: Location) -> Iterator[Item]:
    lines = value.get("loglines") if isinstance(value, dict) else None
    if not isinstance(lines, list):
        yield Skipped(1, NO_MESSAGES)
        return
    parser = _parser(location)
    for number, piece in enumerate(lines, 1):
        yield from parser.value(number, piece, None)


FORMAT = SourceFormat(
    name="claude-code",
    version=5,
    about="one JSONL file a session",
    paths=("~/.claude/projects",),
    lines=LineFormat(matches=_is_line, parser=_parser, is_envelope=_is_line),
    documents=DocumentFormat(matches=_wraps_lines, pieces=_pieces, whole=_whole),
    index=SessionIndex((INDEX,), title_of),
    side_folders=(SIDE_FOLDER,),
    beside=("{stem}.meta.json",),
)
