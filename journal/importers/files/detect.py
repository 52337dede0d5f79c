"""What a file is: one JSON document, JSON lines or a database, and of which format."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from journal.importers.files.decode import BOM, BadLine, decode, unfinished
from journal.importers.files.document import format_of
from journal.importers.files.lines import read_lines
from journal.importers.hermes.file import HERMES, is_database
from journal.importers.openai.message import is_message
from journal.importers.openai.parser import unwrap

if TYPE_CHECKING:
    from journal.importers.items import Json

FORMATS = ("claude-code", "codex", "openai", "hermes")
_LOOKED_AT = 64
"""Lines that are looked at before a file is given up."""
_LONGEST = 1024 * 1024
"""Bytes of a line that is looked at: a first line may hold a whole document's image."""
_CODEX = ("session_meta", "response_item", "event_msg", "turn_context", "compacted", "world_state")
_CLAUDE = ("system", "progress", "attachment")
_CLAUDE_NAMED = ("queue-operation", "custom-title", "ai-title", "agent-name", "permission-mode")


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file is.

    Attributes:
        format: one of FORMATS, or None when it is of none of them.
        document: whether it is one whole (a JSON document, a database), rather than JSON lines.
        why: why the format cannot be told, where the file's bytes say it.
    """

    format: str | None
    document: bool
    why: str | None = field(default=None, compare=False)


def detect(stream: BinaryIO, *, name: str) -> Kind:
    """Find out what a file is from its first lines, and its name where these leave it open."""
    stream.seek(0)
    if is_database(stream.read(16)):
        return Kind(HERMES, document=True)  # whose database it is, is seen when it is opened
    document = _is_document(stream, name)
    if document:
        format, why = format_of(stream)
        return Kind(format, document=True, why=why)
    stream.seek(0)
    why = None
    readable = False
    for line in read_lines(stream, limit=_LONGEST):
        if line.number > _LOOKED_AT:
            break
        if line.raw:
            try:
                value, _ = decode(line.raw)
            except BadLine as bad:
                why = why or (str(bad) if line.finished else unfinished(line.raw, bad))
                continue
            readable = True
            if (format := format_of_line(value)) is not None:
                return Kind(format, document=False)
    return Kind(None, document=False, why=None if readable else why)


def format_of_line(value: Json) -> str | None:
    """Tell which format a line is of; None when it could be of any."""
    if not isinstance(value, dict):
        return "openai" if unwrap(value) is not None else None
    kind = value.get("type")
    if _is_codex(value, kind):
        return "codex"
    if _is_claude_code(value, kind):
        return "claude-code"
    if is_message(value) or unwrap(value) is not None:
        # the first Codex versions wrote items bare, after a head without a type
        return "codex" if kind == "message" and "timestamp" not in value else "openai"
    if kind is None and "id" in value and "timestamp" in value and "instructions" in value:
        return "codex"
    return None


def is_enveloped(value: Json) -> bool:
    """Tell what can only be a line by itself: a bare message may be a part of another object."""
    if not isinstance(value, dict):
        return False
    kind = value.get("type")
    return _is_codex(value, kind) or _is_claude_code(value, kind)


def _is_codex(value: dict[str, Json], kind: Json) -> bool:
    return kind in _CODEX and isinstance(value.get("payload"), dict)


def _is_claude_code(value: dict[str, Json], kind: Json) -> bool:
    if kind == "summary":
        return "leafUuid" in value
    if kind == "file-history-snapshot":
        return "snapshot" in value
    if kind in ("user", "assistant"):
        body = value.get("message")
        # other agents use the same envelope, with parts in place of content
        return "sessionId" in value and isinstance(body, dict) and "content" in body
    if kind in _CLAUDE:
        return "sessionId" in value and "isSidechain" in value
    return kind in _CLAUDE_NAMED and "sessionId" in value


def _is_document(stream: BinaryIO, name: str) -> bool:
    """Tell a document from lines: in lines, the first that is no blank is a value by itself."""
    stream.seek(0)
    values = 0
    for line in read_lines(stream, limit=_LONGEST):
        if line.raw is None:
            return not name.endswith(".jsonl") and values == 0
        text = line.raw.removeprefix(BOM).strip()
        if not text:
            continue
        if values or line.number > _LOOKED_AT:
            return False
        try:
            decode(text)
        except BadLine:
            opens = text[:1] in (b"{", b"[")
            return opens and (not name.endswith(".jsonl") or len(text) == 1)
        values += 1
    return values > 0 and not name.endswith((".jsonl", ".ndjson"))
