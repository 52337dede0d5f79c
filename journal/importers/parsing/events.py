"""Builds the events that a parser yields."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from journal.format.bounds import KEY_LIMIT
from journal.format.event_types import MESSAGE_APPENDED, MESSAGE_REVISED
from journal.importers.parsing.parser import Found, Skipped
from journal.importers.parsing.source_time import SourceTime
from journal.importers.parsing.values import fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.parser import Item

NEW = 2**62
"""The number of a line that no earlier import can know."""
_PLACED = ("timestamp", "parent")
"""Fields that place a message in its transcript."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def message(line: int, session: str, id: str, data: dict[str, Any]) -> Found:
    """Make a `message.appended` event."""
    kept, repairs = _kept(data)
    event = {"session": key(session), "id": key(id), "type": MESSAGE_APPENDED, "data": kept}
    return Found(line, event, repairs)


def placeholder(line: int, session: str, id: str, size: int, source: str) -> Iterator[Item]:
    """Yield the message that replaces a line too long to be read, and why it was replaced."""
    reason = f"a line of {size:,} bytes, more than are read"
    extra = {"left_out": {"bytes": size, "reason": reason}}
    data = {"role": "system", "content": f"[left out: {reason}]", "source": source, "extra": extra}
    yield Skipped(line, "line over 64 MiB, replaced by a message with its size")
    yield message(line, session, id, data)


def revision(line: int, session: str, id: str, data: dict[str, Any]) -> Found:
    """Make a `message.revised` event, whose id is its content, from a message's place in its file.

    Args:
        line: number of the line that shows it.
        session: the session, as a key.
        id: the message's id, as a key.
        data: fields of the message.
    """
    return fact(line, session, MESSAGE_REVISED, {"message": id, **data})


def corrected(event: dict[str, Any]) -> dict[str, Any]:
    """Return the revision that gives a message the values that are known now.

    Its place in the transcript is that of the first import.
    """
    data = {name: value for name, value in event["data"].items() if name not in _PLACED}
    data.setdefault("content", [])  # what it had may be in another field now
    return revision(0, event["session"], event["id"], data).event


def fact(line: int, session: str, type: str, data: dict[str, Any]) -> Found:
    """Make an event about a session whose id is its content: yielded twice, it is one event."""
    kept, repairs = _kept(data)
    return kept_fact(line, session, type, kept, repairs)


def kept_fact(
    line: int, session: str, type: str, data: dict[str, Any], repairs: tuple[str, ...] = ()
) -> Found:
    """Make a `fact` of data as they are appended: no value is None, no time a `SourceTime`."""
    digest = fingerprint(orjson.dumps(data, option=orjson.OPT_SORT_KEYS))
    event = {"session": key(session), "id": f"{type}:{digest}", "type": type, "data": data}
    return Found(line, event, repairs)


def aside(found: Found) -> Found:
    """Return an event as one that is from no line: it is appended unless the journal has it."""
    return replace(found, line=NEW)


def _kept(data: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the data to append, and the repairs that were needed.

    Fields without a value are left out; a parent is changed like its own id; a `SourceTime`
    becomes its microseconds; the source's own value, if it differs, becomes `extra.timestamp`.
    """
    kept: dict[str, Any] = {}
    original: dict[str, Any] = {}
    repairs: tuple[str, ...] = ()
    for name, value in data.items():
        if value.__class__ is SourceTime:
            if value.micros is not None:
                kept[name] = value.micros
            if value.repair is not None:
                repairs = (*repairs, value.repair)
            if value.original is not None:
                original = {"timestamp": value.original}
        elif value is not None:
            kept[name] = value
    if (above := kept.get("parent")) is not None:
        kept["parent"] = key(above)
    if original:
        kept["extra"] = {**kept.get("extra", {}), **original}
    return kept, repairs


def key(text: str) -> str:
    """Make a valid id from a text; an invalid text is changed and ends with its fingerprint.

    A text is invalid if it is too long, or has control characters, which a journal refuses.
    """
    if len(text) <= KEY_LIMIT and text.isprintable():
        return text  # almost every key, and far faster than a search
    plain = _CONTROL.sub("\ufffd", text)
    if plain == text and len(text) <= KEY_LIMIT:
        return text
    return f"{plain[: KEY_LIMIT - 40]}-{fingerprint(text.encode())}"
