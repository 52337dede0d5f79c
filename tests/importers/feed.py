"""Run lines through a parser, and read the events that an import wrote."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

from journal.importers.files.decode import decode
from journal.importers.files.document import Document
from journal.importers.parsing.parser import Found, Location, Skipped
from journal.importers.parsing.transcript import Transcript
from journal.importers.registry import installed
from journal.importers.run.whole_document import items_of
from journal.segments.reader import read_events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from journal.importers.parsing.parser import Item, Parser

Key = tuple[str, str]


def line(**fields: Any) -> bytes:  # noqa: ANN401 - any JSON
    """Write one line of a transcript."""
    return json.dumps(fields, ensure_ascii=False).encode()


def feed(
    make: Callable[[Location], Parser], lines: Iterable[bytes], stem: str = "file"
) -> list[Item]:
    """Run lines through a new parser and return everything that it yields."""
    parser = make(Location(stem, (), "0badcafe"))
    transcript = Transcript(parser.equal_is_same)
    items: list[Item] = []
    for number, raw in enumerate(lines, 1):
        value, _ = decode(raw)
        items.extend(transcript.take(parser.value(number, value, raw)))
    items.extend(transcript.take(parser.end()))
    return items


def read_document(raw: bytes, location: Location) -> list[Item]:
    """Read bytes as a document of the format that recognises it, else as a list of messages."""
    document = Document(io.BytesIO(raw))
    formats = [format for format in installed().formats if format.documents is not None]
    claims = (
        format for format in formats if format.documents and format.documents.matches(document)
    )
    format = next(claims, installed().named("openai"))
    return list(items_of(document, format.documents, location))


def contents(items: Iterable[Item]) -> dict[Key, dict[str, Any]]:
    """Return contents by key; one key with two contents fails the test."""
    found: dict[Key, dict[str, Any]] = {}
    for item in items:
        if isinstance(item, Found):
            key = (item.event["session"], item.event["id"])
            content = {"type": item.event["type"], **item.event["data"]}
            assert found.setdefault(key, content) == content
    return found


def messages(items: Iterable[Item]) -> list[dict[str, Any]]:
    """Return the messages in order, with id and session among their fields."""
    return [
        {"session": item.event["session"], "id": item.event["id"], **item.event["data"]}
        for item in items
        if isinstance(item, Found) and item.event["type"] == "message.appended"
    ]


def facts(items: Iterable[Item], type: str = "session.created") -> list[tuple[str, dict[str, Any]]]:
    """Return the values of the events about sessions."""
    return [
        (item.event["session"], item.event["data"])
        for item in items
        if isinstance(item, Found) and item.event["type"] == type
    ]


def reasons(items: Iterable[Item]) -> list[str]:
    """Return the reasons why lines were skipped."""
    return [item.reason for item in items if isinstance(item, Skipped)]


def journal_events(folder: Path) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Return session, id, type and data of every event, in order; damage fails the test."""
    damage: list[object] = []
    found = [
        (at.record.event.session, at.record.event.id, at.record.event.type, at.record.event.data)
        for at in read_events(folder / "lanes", lambda _segment, it: damage.append(it))
    ]
    assert damage == []
    return found


def journal_set(folder: Path) -> dict[Key, dict[str, Any]]:
    """Return a journal's set of events; two contents for one key fail the test."""
    found: dict[Key, dict[str, Any]] = {}
    for session, id, type, data in journal_events(folder):
        content = {"type": type, **data}
        assert found.setdefault((session, id), content) == content
    return found
