"""What a parser hands out, and the fingerprints that its ids are made of."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import orjson

from journal.format.bounds import KEY_LIMIT, is_count
from journal.format.event_types import MESSAGE_APPENDED, MESSAGE_REVISED
from journal.importers.moments import Moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
        origin: number of the line in which it stands, where that is an earlier one; else 0.
    """

    line: int
    event: dict[str, Any]
    repairs: tuple[str, ...] = ()
    origin: int = 0


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


@dataclass(frozen=True, slots=True)
class Repeated:
    """A message that stands a second time in its source."""

    line: int
    session: str


@dataclass(frozen=True, slots=True)
class Began:
    """When a session began, in microseconds, where its source says so beside its lines."""

    line: int
    session: str
    micros: int


@dataclass(frozen=True, slots=True)
class Retracted:
    """Lines whose messages the source takes back.

    Attributes:
        line: number of the line that takes them back.
        lines: numbers of the lines that are taken back, in order.
        reason: how the source takes them back.
    """

    line: int
    lines: Sequence[int]
    reason: str


@dataclass(frozen=True, slots=True)
class SideFile:
    """The output of a tool that the source keeps in a file of its own.

    Attributes:
        line: number of the line that names the file.
        session: the session of that line.
        name: the file's name, without a folder.
        data: fields of the message that the file's text becomes, but for its content.
    """

    line: int
    session: str
    name: str
    data: dict[str, Any]


Item = Found | Skipped | Repaired | Repeated | Began | Retracted | SideFile


class Parser(Protocol):
    """Turns the values of one source, in order, into items.

    Attributes:
        equal_is_same: whether two lines under one id that say the same are one message whatever
            stands between them, also where that id is used for others.
    """

    equal_is_same: ClassVar[bool]

    def value(self, line: int, value: Json, raw: bytes | None) -> Iterator[Item]:
        """Take the value of one line; `raw` are its bytes, None where it is no line."""
        ...

    def left_out(self, line: int, size: int, id: str) -> Iterator[Item]:
        """Take a line that is too long to be read: its size in bytes, and its fingerprint."""
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


def placeholder(line: int, session: str, id: str, size: int, source: str) -> Iterator[Item]:
    """Give what stands for a line that is too long to be read."""
    reason = f"a line of {size:,} bytes, more than are read"
    extra = {"left_out": {"bytes": size, "reason": reason}}
    data = {"role": "system", "content": f"[left out: {reason}]", "source": source, "extra": extra}
    yield Skipped(line, "line over 64 MiB, replaced by a message with its size")
    yield message(line, session, id, data)


def revision(line: int, session: str, id: str, data: dict[str, Any]) -> Found:
    """Make a `message.revised` event, whose id is its content: what a message's place says of it.

    Args:
        line: number of the line that shows it.
        session: the session, as a key.
        id: the message's id, as a key.
        data: fields of the message.
    """
    return fact(line, MESSAGE_REVISED, session, {"message": id, **data})


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
