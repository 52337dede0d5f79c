"""What a parser hands out, and the fingerprints that its ids are made of."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from journal.bounds import KEY_LIMIT, is_count
from journal.importers.moments import Moment
from journal.vocabulary import MESSAGE_APPENDED

if TYPE_CHECKING:
    from collections.abc import Iterator

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
Json = Any
"""A decoded JSON value: what it is, is for the parser to find out."""


@dataclass(frozen=True, slots=True)
class Found:
    """An event that a line gave.

    Attributes:
        line: number of the line, from 1; in one JSON document, the number of the piece.
        event: the arguments of `Journal.append`: type, session, id, data.
        repairs: what of it is not as the source says it.
    """

    line: int
    event: dict[str, Any]
    repairs: tuple[str, ...] = ()


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
    """Make a `message.appended` event."""
    kept, repairs = _kept(data)
    event = {"type": MESSAGE_APPENDED, "session": key(session), "id": key(id), "data": kept}
    return Found(line, event, repairs)


def fact(line: int, type: str, session: str, data: dict[str, Any]) -> Found:
    """Make an event about a session whose id is its content: said twice, it is one event."""
    kept, repairs = _kept(data)
    digest = fingerprint(orjson.dumps(kept, option=orjson.OPT_SORT_KEYS))
    event = {"type": type, "session": key(session), "id": f"{type}:{digest}", "data": kept}
    return Found(line, event, repairs)


def _kept(data: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Give an event's data as it is appended, and what of it was repaired.

    Fields without a value are left out; a parent is made fit as its own id is; a `Moment`
    becomes its microseconds, and what the source said, if that differs, is `extra.timestamp`.
    """
    kept: dict[str, Any] = {}
    said: dict[str, Any] = {}
    repairs: tuple[str, ...] = ()
    for name, value in data.items():
        if isinstance(value, Moment):
            if value.micros is not None:
                kept[name] = value.micros
            if value.repair is not None:
                repairs = (*repairs, value.repair)
            if value.said is not None:
                said = {"timestamp": value.said}
        elif value is not None:
            kept[name] = key(value) if name == "parent" else value
    if said:
        kept["extra"] = {**kept.get("extra", {}), **said}
    return kept, repairs


def fingerprint(raw: bytes) -> str:
    """Give 32 hex digits that stand for these bytes."""
    return hashlib.blake2b(raw, digest_size=16).hexdigest()


def key(text: str) -> str:
    """Make a text fit for an id: one that is none ends in its fingerprint.

    That is one that is too long, or has control characters, which a journal refuses.
    """
    plain = _CONTROL.sub("\ufffd", text)
    if plain == text and len(text) <= KEY_LIMIT:
        return text
    return f"{plain[: KEY_LIMIT - 40]}-{fingerprint(text.encode())}"


def text_or_none(value: Json) -> str | None:
    """Give a string that is not empty, else None."""
    return value if isinstance(value, str) and value else None


def count_or_none(value: Json) -> int | None:
    """Give an integer that a journal takes as a count, else None."""
    return value if is_count(value) else None


def present(pairs: dict[str, Json]) -> dict[str, Json] | None:
    """Drop what says nothing (None, False, empty); None when nothing is left."""
    kept = {
        name: value
        for name, value in pairs.items()
        if value is not None and value is not False and value not in ("", [], {})
    }
    return kept or None
