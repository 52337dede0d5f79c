"""Imports raw files with the product, and reads back what the journal has."""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal import Journal
from journal.importers.run.driver import Importer
from projector import Projection
from tools.texts_check.compare import Found
from tools.texts_check.pieces import REASONING, Piece, call, canonical, result, text
from tools.texts_check.raw_files import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import apsw

    from journal.importers.run.report import Report

_MESSAGES = """
SELECT session, role, content, content_is_json, tool_name, tool_calls, tool_call_id, reasoning,
    other_fields FROM all_messages WHERE state IN ('transcript', 'archived')
ORDER BY session, order_time, order_depth, event_order, lane, seq, transcript_index
"""
_EVENTS = "SELECT session, data FROM events WHERE data IS NOT NULL"
_CONFLICTS = "SELECT session, data FROM conflicts"


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import has given.

    Attributes:
        report: the report of the import.
        sessions: what the journal has, by session.
        messages: messages in transcripts, and archived ones.
    """

    report: Report
    sessions: dict[str, Found]
    messages: int


def imported(paths: Sequence[Path]) -> Imported:
    """Import files or folders into an empty journal, and read it back."""
    with tempfile.TemporaryDirectory() as folder:
        with Journal.open(folder, fsync="never") as journal:
            importer = Importer(journal, "auto")
            report = importer.run(importer.sources(paths))
        with Projection.open(folder) as projection:
            (sessions, messages), _ = projection.read(_read)
    return Imported(report, sessions, messages)


def _read(connection: apsw.Connection) -> tuple[dict[str, Found], int]:
    sessions: dict[str, Found] = defaultdict(Found)
    aside: dict[str, list[str]] = defaultdict(list)
    names: dict[str, dict[str, str]] = defaultdict(dict)
    count = 0
    for session, *fields in connection.execute(_MESSAGES):
        pieces = _Row(*fields[:-1]).pieces(names[session])
        sessions[session].pieces += [(count, piece) for piece in pieces if piece.text.strip()]
        aside[session] += _strings(json.loads(fields[-1] or "{}"))
        count += 1
    for session, data in connection.execute(_EVENTS):
        aside[session] += _strings(json.loads(data))
    for session, texts in aside.items():
        sessions[session].aside = "\0".join(texts)
    conflicts: dict[str, list[str]] = defaultdict(list)
    for session, data in connection.execute(_CONFLICTS):
        conflicts[session] += _strings(json.loads(data))
    for session, texts in conflicts.items():
        sessions[session].conflicts = "\0".join(texts)
    return dict(sessions), count


@dataclass(frozen=True, slots=True)
class _Row:
    """A message as the view has it."""

    role: str
    content: str | None
    content_is_json: int
    tool_name: str | None
    tool_calls: str | None
    tool_call_id: str | None
    reasoning: str | None

    def pieces(self, names: dict[str, str]) -> Iterator[Piece]:
        """Yield its pieces. A result without a name has that of the call it answers."""
        if self.reasoning:
            yield Piece(REASONING, self.role, self.reasoning)
        content = self.content
        value = json.loads(content) if content and self.content_is_json else content
        for part in value if isinstance(value, list) else [value]:
            yield from self._part(part, names)
        for each in json.loads(self.tool_calls or "[]"):
            function = each.get("function") or {}
            names[str(each.get("id"))] = str(function.get("name"))
            yield call(function.get("name"), each.get("id"), function.get("arguments"))

    def _part(self, part: object, names: dict[str, str]) -> Iterator[Piece]:
        typed = part if isinstance(part, dict) else {}
        if typed.get("type") == "thinking":
            yield Piece(REASONING, self.role, str(typed.get("thinking")))
        elif typed.get("type") == "tool_result":
            id = str(typed.get("tool_use_id") or "")
            for each in plain(typed.get("content")):
                yield result(id, each, self.tool_name or names.get(id))
        else:
            id = self.tool_call_id or ""
            for each in plain(part):
                known = self.tool_name or names.get(id)
                yield result(id, each, known) if self.role == "tool" else text(self.role, each)


def _strings(value: object) -> Iterator[str]:
    """Yield the strings of a value at any depth, and those that are JSON in canonical form."""
    if isinstance(value, str):
        yield value
        if value[:1] in {"{", "["}:
            yield canonical(value)
    elif isinstance(value, dict):
        yield json.dumps(value, ensure_ascii=False, sort_keys=True)
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)
