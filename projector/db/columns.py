"""A message's data as the columns of its row, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from journal.format.bounds import is_key, is_moment

if TYPE_CHECKING:
    from collections.abc import Mapping


class Columns(NamedTuple):
    """A message's data as the columns of its row, without loss, in the order of the row.

    Attributes:
        timestamp: the message's own, microseconds.
        parent: id of the message it answers.
        role: `user`, `assistant`, ...
        source: where it was written.
        content: the text, or the JSON of a list of parts.
        content_is_json: whether `content` is such a list.
        other_fields: JSON of everything else; None if there is nothing else.
    """

    timestamp: int | None
    parent: str | None
    role: str | None
    source: str | None
    content: str | None
    content_is_json: bool
    other_fields: str | None


_TEXT_COLUMNS = ("parent", "role", "source")
_OWN = ("timestamp", *_TEXT_COLUMNS, "content")
"""Fields that have a column, in the order of `Columns`."""


def encode(value: object, *, within: int = 1) -> str:
    """Encode a part of a record's data that is `within` objects deep in the record.

    Raises:
        TypeError: as part of the whole it is nested deeper than can be encoded: the digest and
            conflicts encode the whole again.
    """
    for _ in range(within):
        value = [value]
    return orjson.dumps(value)[within:-within].decode()


def to_columns(data: Mapping[str, Any]) -> Columns:
    """Spread a message's data over columns; values of unexpected kinds stay in `other_fields`."""
    timestamp, parent, role, source, content = map(data.get, _OWN)
    if timestamp is not None and not is_moment(timestamp):
        timestamp = None
    # no message has such an id, and each parent that is missing is stored
    if parent is not None and not is_key(parent):
        parent = None
    if role.__class__ is not str:
        role = None
    if source.__class__ is not str:
        source = None
    content_is_json = content.__class__ is list
    if content_is_json:
        content = encode(content, within=2)
    elif content.__class__ is not str:
        content = None
    own = timestamp, parent, role, source, content
    other_fields = None
    if len(data) > len(own) - own.count(None):  # most messages have no other field
        with_column = {name for name, value in zip(_OWN, own, strict=True) if value is not None}
        others = {name: value for name, value in data.items() if name not in with_column}
        other_fields = encode(others)
    return Columns(*own, content_is_json, other_fields)


def from_columns(columns: Columns) -> dict[str, Any]:
    """Put a message's data together again: the inverse of `to_columns`."""
    other = columns.other_fields
    data: dict[str, Any] = {} if other is None else orjson.loads(other)
    if columns.timestamp is not None:
        data["timestamp"] = columns.timestamp
    for name in _TEXT_COLUMNS:
        value = getattr(columns, name)
        if value is not None:
            data[name] = value
    if columns.content is not None:
        content = columns.content
        data["content"] = orjson.loads(content) if columns.content_is_json else content
    return data
