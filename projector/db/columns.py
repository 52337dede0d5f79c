"""A message's data as the columns of its row, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from journal.format.bounds import is_key, is_moment
from projector.errors import TextDamaged

if TYPE_CHECKING:
    from collections.abc import Mapping


class Columns(NamedTuple):
    """A message's data as the columns of its row, without loss, in the order of the row.

    Attributes:
        timestamp: the message's own, microseconds.
        parent: id of the message it answers.
        role: `user`, `assistant`, ...
        source: where it was written.
        content: the text, or its JSON: of a list of parts, and of a text with NUL characters.
        content_is_json: whether `content` is JSON.
        other_fields: JSON of everything else; None if there is nothing else.
    """

    timestamp: int | None
    parent: str | None
    role: str | None
    source: str | None
    content: str | None
    content_is_json: bool
    other_fields: str | None


_NUL = "\0"
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
    content_is_json = content.__class__ is list or (content.__class__ is str and _NUL in content)
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
    data: dict[str, Any] = {} if other is None else decode(other)
    if columns.timestamp is not None:
        data["timestamp"] = columns.timestamp
    for name in _TEXT_COLUMNS:
        value = getattr(columns, name)
        if value is not None:
            data[name] = value
    if columns.content is not None:
        data["content"] = read_content(columns.content, is_json=columns.content_is_json)
    return data


def read_content(content: str, *, is_json: bool) -> Any:  # noqa: ANN401 - any JSON value
    """Return the content of a message, of its two columns.

    The checksum of a page of zeros is zero, too, so a page that a disk lost can be valid. SQLite
    notices that unless the page is the end of a long value. No text is stored with a NUL character
    in it, so a text that has one was damaged.

    Raises:
        TextDamaged: it is not what was written.
    """
    if is_json:
        return decode(content)
    if _NUL in content:
        raise TextDamaged("a message in the projection ends with zeros; run `projector rebuild`")
    return content


def decode(text: str) -> Any:  # noqa: ANN401 - any JSON value
    """Return the value of a JSON text in the database.

    Raises:
        TextDamaged: it is no JSON.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise TextDamaged(
            f"a value in the projection is no JSON ({error}); run `projector rebuild`"
        ) from error
