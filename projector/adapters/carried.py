"""Carries JSON values of a framework through a journal, which refuses what JSON would change."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import orjson

from journal import EventError

if TYPE_CHECKING:
    from collections.abc import Mapping

_VALUE, _TEXT = "value", "json"
_PLAIN = ("source", "timestamp", "meta")
"""Fields of a message that an adapter makes itself."""


def carry(value: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Return an object that a journal stores, and from which `carried` makes an equal value.

    It holds the value itself, or its text if Python's `json` reads the value and a journal refuses
    it: integers over 64 bits, lone surrogates, NaN, deep nesting.

    Raises:
        EventError: JSON has no such value: it would come back as another one.
    """
    if is_storable(value):
        return {_VALUE: value}
    try:
        if _is_json(value):
            return {_TEXT: json.dumps(value)}
    except RecursionError:
        raise EventError("a value is nested too deep; nothing was written") from None
    raise EventError(
        "a value has parts that JSON does not have, such as a tuple, bytes, or a key that is no"
        " text; nothing was written"
    )


def carried(holder: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return the value that `carry` put in an object.

    Raises:
        EventError: it is no such object; another program wrote it.
    """
    if isinstance(holder, dict):
        if _VALUE in holder:
            return holder[_VALUE]
        if isinstance(holder.get(_TEXT), str):
            return json.loads(holder[_TEXT])
    raise EventError("a stored value has not the form that this adapter writes")


def is_storable(value: Any) -> bool:  # noqa: ANN401 - any JSON
    """Return whether a journal stores a value as it is."""
    try:
        return bool(orjson.loads(orjson.dumps(value)) == value)
    except TypeError:
        return False


def storable_text(text: str) -> str:
    """Return a text without lone surrogates: pairs are joined, others replaced."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def storable_message(data: Mapping[str, Any], whole: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data of a message without what is None.

    Data that no journal stores is reduced to its texts, and `extra` to the values of `whole`.

    Args:
        data: the fields.
        whole: a key of `extra`, and the value of the framework that is in the message.

    Raises:
        EventError: as `carry`.
    """
    found = {name: value for name, value in data.items() if value is not None}
    if is_storable(found):
        return found
    content = found.get("content")
    parts = content if isinstance(content, list) else [content]
    texts = [part.get("text") if isinstance(part, dict) else part for part in parts]
    kept: dict[str, Any] = {name: found[name] for name in _PLAIN if name in found}
    return kept | {
        "role": storable_text(found["role"]),
        "content": storable_text("\n".join(text for text in texts if isinstance(text, str))),
        "extra": {key: carry(value) for key, value in whole.items()},
    }


def _is_json(value: object) -> bool:
    """Return whether a value has only the types that `json.loads` returns."""
    if value.__class__ is dict:
        pairs: dict[object, object] = value
        return all(key.__class__ is str and _is_json(item) for key, item in pairs.items())
    if value.__class__ is list:
        items: list[object] = value
        return all(map(_is_json, items))
    return value is None or value.__class__ in {str, int, float, bool}
