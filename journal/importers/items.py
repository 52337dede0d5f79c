"""What a parser hands out, and the fingerprints that its ids are made of."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from journal.event import KEY_LIMIT, MESSAGE_APPENDED

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = Any
"""A decoded JSON value: what it is, is for the parser to find out."""


@dataclass(frozen=True, slots=True)
class Found:
    """An event that a line gave.

    Attributes:
        line: number of the line, from 1; in one JSON document, the number of the piece.
        event: the arguments of `Journal.append`: type, session, id, data.
    """

    line: int
    event: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A line, or a part of one, that is not imported, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Repaired:
    """A line that is imported although it is no strict JSON, and what was changed."""

    line: int
    reason: str


Item = Found | Skipped | Repaired


class Parser(Protocol):
    """Turns the values of one source, in order, into items."""

    def value(self, line: int, value: Json, raw: bytes | None) -> Iterator[Item]:
        """Take the value of one line; `raw` are its bytes, None where it is no line."""
        ...

    def end(self) -> Iterator[Item]:
        """Say what was still waiting for a later line."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where a source is: ids are made from it when the source has none.

    Attributes:
        stem: the file's name without its ending.
        folders: names of the folders above it, innermost first.
        mark: 8 hex digits that stand for the resolved path.
    """

    stem: str
    folders: tuple[str, ...] = ()
    mark: str = ""

    @property
    def name(self) -> str:
        """A session id for a source that names none."""
        return f"{self.stem or 'file'}-{self.mark}" if self.mark else self.stem or "file"


def message(line: int, session: str, id: str, data: dict[str, Any]) -> Found:
    """Make a `message.appended` event; fields without a value are left out."""
    return event(line, MESSAGE_APPENDED, session, id, data)


def event(line: int, type: str, session: str, id: str, data: dict[str, Any]) -> Found:
    """Make an event; fields that are None are left out, keys too long for one are shortened."""
    kept = {name: value for name, value in data.items() if value is not None}
    return Found(line, {"type": type, "session": key(session), "id": key(id), "data": kept})


def fact(line: int, type: str, session: str, data: dict[str, Any]) -> Found:
    """Make an event about a session whose id is its content: said twice, it is one event."""
    kept = {name: value for name, value in data.items() if value is not None}
    digest = fingerprint(orjson.dumps(kept, option=orjson.OPT_SORT_KEYS))
    return event(line, type, session, f"{type}:{digest}", kept)


def fingerprint(raw: bytes) -> str:
    """Give 32 hex digits that stand for these bytes."""
    return hashlib.blake2b(raw, digest_size=16).hexdigest()


def key(text: str) -> str:
    """Make a text fit for an id: one that is too long ends in its fingerprint instead."""
    if len(text) <= KEY_LIMIT:
        return text
    return f"{text[: KEY_LIMIT - 40]}-{fingerprint(text.encode())}"


def text_or_none(value: Json) -> str | None:
    """Give a string that is not empty, else None."""
    return value if isinstance(value, str) and value else None


def count_or_none(value: Json) -> int | None:
    """Give an integer that is a count (JSON's true and false are none), else None."""
    return value if type(value) is int and value >= 0 else None


def present(pairs: dict[str, Json]) -> dict[str, Json] | None:
    """Drop what says nothing (None, False, empty); None when nothing is left."""
    kept = {
        name: value
        for name, value in pairs.items()
        if value is not None and value is not False and value not in ("", [], {})
    }
    return kept or None
