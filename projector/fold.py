"""What the set of events means: pure functions, the same for every order of arrival."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from journal.event import SESSION_CREATED, SESSION_ENDED, SESSION_TITLED

if TYPE_CHECKING:
    from collections.abc import Iterable

Order = tuple[int, str, int]
"""What orders events: time, lane uuid, sequence number."""


def canonical(data: object) -> bytes:
    """Encode a JSON value so that equal content gives equal bytes."""
    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS)


@dataclass(frozen=True, slots=True)
class Columns:
    """A message's data as the columns of its row; nothing is lost between the two.

    Attributes:
        said: the message's own `timestamp`, microseconds.
        parent: id of the message it answers.
        role: who speaks.
        source: where it was said.
        content: the text, or the JSON of a list of parts.
        parts: whether `content` is such a list.
        rest: JSON of everything else; None if there is nothing else.
    """

    said: int | None
    parent: str | None
    role: str | None
    source: str | None
    content: str | None
    parts: bool
    rest: str | None


_TEXT_COLUMNS = ("parent", "role", "source")
_INTEGER_END = 2**63
"""SQLite has no larger integers."""


def encode(value: object, *, within: int = 1) -> str:
    """Encode a part of a record's data that stands `within` objects deep in the record.

    Raises:
        TypeError: as part of the whole it is nested deeper than can be encoded: the digest and
            conflicts encode the whole again.
    """
    for _ in range(within):
        value = [value]
    return orjson.dumps(value)[within:-within].decode()


def to_columns(data: Mapping[str, Any]) -> Columns:
    """Spread a message's data over columns; a value of an unexpected kind stays in `rest`."""
    rest = dict(data)
    said = rest.get("timestamp")
    if _is_moment(said):
        del rest["timestamp"]
    else:
        said = None
    parent, role, source = (
        rest.pop(name) if rest.get(name).__class__ is str else None for name in _TEXT_COLUMNS
    )
    content = rest.get("content")
    parts = content.__class__ is list
    if parts:
        content = encode(rest.pop("content"), within=2)
    elif content.__class__ is str:
        del rest["content"]
    else:
        content = None
    left = encode(rest) if rest else None
    return Columns(said, parent, role, source, content, parts, left)


def _is_moment(value: object) -> bool:
    # a bool is an int to Python, and would come back as one
    return value.__class__ is int and 0 <= value < _INTEGER_END


def from_columns(columns: Columns) -> dict[str, Any]:
    """Put a message's data together again: the inverse of `to_columns`."""
    data: dict[str, Any] = {} if columns.rest is None else orjson.loads(columns.rest)
    if columns.said is not None:
        data["timestamp"] = columns.said
    for name in _TEXT_COLUMNS:
        value = getattr(columns, name)
        if value is not None:
            data[name] = value
    if columns.content is not None:
        data["content"] = orjson.loads(columns.content) if columns.parts else columns.content
    return data


@dataclass(frozen=True, slots=True)
class Session:
    """What a session's own events say of it; `started` and `ended` in microseconds."""

    title: str | None = None
    source: str | None = None
    model: str | None = None
    cwd: str | None = None
    parent: str | None = None
    started: int | None = None
    ended: int | None = None
    end_reason: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)


_KEPT: dict[str, type] = {
    "title": str,
    "source": str,
    "model": str,
    "cwd": str,
    "parent": str,
    "started": int,
}


def fold_session(events: Iterable[tuple[Order, str, Mapping[str, Any]]]) -> Session:
    """Fold a session's events, given as (order, type, data) in any sequence.

    Fields are last-writer-wins in the order of events, `extra` key by key; the first end stands.
    """
    fields: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for order, type, data in sorted(events, key=lambda event: event[0]):
        if type in (SESSION_CREATED, SESSION_TITLED):
            fields |= {name: v for name, v in data.items() if _is_kept(name, v)}
            if isinstance(data.get("extra"), Mapping):
                extra |= data["extra"]
        elif type == SESSION_ENDED and "ended" not in fields:
            ended, reason = data.get("ended"), data.get("reason")
            fields["ended"] = ended if _is_moment(ended) else order[0]
            fields["end_reason"] = reason if isinstance(reason, str) else None
    return Session(**fields, extra=extra)


def _is_kept(name: str, value: object) -> bool:
    kind = _KEPT.get(name)
    return _is_moment(value) if kind is int else value.__class__ is kind


def revise(
    original: Mapping[str, Any], revisions: Iterable[tuple[Order, Mapping[str, Any]]]
) -> dict[str, Any]:
    """Return a message's data with its revisions in force, last-writer-wins field by field."""
    data = dict(original)
    for _, revision in sorted(revisions, key=lambda pair: pair[0]):
        data |= {name: value for name, value in revision.items() if name != "message"}
    return data


@dataclass(frozen=True, slots=True)
class Said:
    """What decides a message's place: its id, its moment in microseconds, and its parent."""

    id: str
    moment: int
    parent: str | None


def place_after(moment: int, parent: tuple[int, int] | None) -> tuple[int, int]:
    """Return (place, depth) of a message: its moment, but never before its parent.

    Messages are read by place, then depth, then in the order of events.
    """
    if parent is None or parent[0] < moment:
        return moment, 0
    return parent[0], parent[1] + 1


def place_all(messages: Iterable[Said]) -> dict[str, tuple[int, int]]:
    """Return (place, depth) of every message of a session.

    A parent that is not there does not count. In a ring of parents, which only a broken writer
    makes, the message that sorts first by (moment, id) begins.
    """
    by_id = {message.id: message for message in messages}
    placed: dict[str, tuple[int, int]] = {}
    for message in by_id.values():
        chain: list[Said] = []  # from child to parent, up to what is placed already
        on_chain: set[str] = set()
        at: Said | None = message
        while at is not None and at.id not in placed and at.id not in on_chain:
            chain.append(at)
            on_chain.add(at.id)
            at = by_id.get(at.parent) if at.parent is not None else None
        if at is not None and at.id in on_chain:
            start = chain.index(at)
            _place_chain(_cut_ring(chain[start:]), None, placed)
            del chain[start:]
        _place_chain(chain, placed[at.id] if at is not None else None, placed)
    return placed


def _place_chain(
    chain: list[Said], above: tuple[int, int] | None, placed: dict[str, tuple[int, int]]
) -> None:
    for message in reversed(chain):
        above = placed[message.id] = place_after(message.moment, above)


def _cut_ring(ring: list[Said]) -> list[Said]:
    """Turn a ring, child to parent, so that the message which begins comes last."""
    begin = min(range(len(ring)), key=lambda index: (ring[index].moment, ring[index].id))
    return ring[begin + 1 :] + ring[: begin + 1]
