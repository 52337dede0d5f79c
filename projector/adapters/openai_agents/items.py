"""Messages of the items of a conversation, and the items again: pure functions.

An item is what the Responses API takes: a message, a call of a tool, its output, a reasoning. What
of it is a field of a message is there, and the rest is in `extra.item`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson

from projector.adapters.carried import carried, carry, is_storable, storable_message

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Item = dict[str, Any]

SOURCE = "openai-agents"
_HELD = "item"
"""The key of `extra` that holds an item, or the rest of one."""
_MOVED = "moved"
"""The key of `extra` that says which keys of the item are fields of the message; a whole item has
none."""
_OF_CALL = ("call_id", "name", "arguments")
_UNIQUE = re.compile(r"[a-z]{2,12}_[0-9A-Za-z]{20,}")
"""The ids that the API gives to its items and calls. Others, as of a model behind an adapter or in
a test, are no ids: every message may have the same."""


def message_of(item: Item) -> dict[str, Any]:
    """Return the data of the message that holds an item.

    Raises:
        EventError: the item has something that JSON does not have.
    """
    kind, moved = item.get("type"), ""
    kind = kind if isinstance(kind, str) else ""
    data: dict[str, Any] = {"role": "assistant", "source": SOURCE}
    if isinstance(item.get("content"), str | list) and _is_text(item.get("role")):
        data |= {"role": item["role"], "content": item["content"]}
        moved = "content"
    elif kind.endswith("_output"):
        output = item.get("output")
        data |= {"role": "tool", "tool_call_id": _text(item.get("call_id"))}
        if isinstance(output, str | list):
            data["content"] = output
            moved = "output"
        else:
            data["content"] = _json(output)
    elif kind == "reasoning":
        data["reasoning"] = _summary(item.get("summary"))
    elif kind.endswith("_call"):
        data["tool_calls"] = [_call(item, kind)]
        if kind == "function_call" and data["tool_calls"][0]["function"] == {
            "name": item.get("name"),
            "arguments": item.get("arguments"),
        }:
            moved = "call"
    else:
        data["meta"] = "item"  # a reference, a compaction: nothing that a person reads
    gone = _OF_CALL if moved == "call" else (moved,)
    rest = {key: value for key, value in item.items() if key not in gone}
    data["extra"] = {_HELD: carry(rest), _MOVED: moved} if moved else {_HELD: carry(item)}
    if item_of(data.get("content"), data.get("tool_calls"), data["extra"]) != item:
        data["extra"] = {_HELD: carry(item)}
    return storable_message(data, {_HELD: item})


def item_of(content: Any, calls: Any, extra: Mapping[str, Any]) -> Item:  # noqa: ANN401 - any JSON
    """Return the item of a message, by its content, its `tool_calls` and its `extra`.

    Raises:
        EventError: another program wrote the message.
    """
    item: Item = carried(extra.get(_HELD))
    moved = extra.get(_MOVED)
    if moved == "call":
        (called,) = calls
        return item | {"call_id": called["id"], **called["function"]}
    return item | {moved: content} if moved in {"content", "output"} else item


def mark_of(item: Item) -> str | None:
    """Return what an item is recognised by when it is added again; None if it has no such id."""
    for key in ("id", "call_id"):
        id = item.get(key)
        if isinstance(id, str) and _UNIQUE.fullmatch(id):
            return f"{item.get('type')} {id}"
    return None


def new_items(items: Sequence[Item], there: Sequence[Item]) -> list[Item]:
    """Return the items that a conversation does not have yet.

    An item with an id of the API is new if no equal one is there. An item without, such as what a
    user says, can be said again: it is not new only if the whole batch is there, one item after
    the other, and has an id.
    """
    batch, marks = list(items), {mark_of(item) for item in items} - {None}
    size = len(batch)
    if marks and any(there[at : at + size] == batch for at in range(len(there) - size + 1)):
        return []
    known = {mark: item for item in there if (mark := mark_of(item)) is not None}
    return [item for item in batch if (mark := mark_of(item)) is None or known.get(mark) != item]


def _call(item: Item, kind: str) -> dict[str, Any]:
    """Return a call of a tool, in the form that all sources have."""
    name, arguments = _text(item.get("name")) or kind, item.get("arguments")
    if not isinstance(arguments, str):
        silent = {"type", "id", "call_id", "name", "status"}
        arguments = _json({key: item[key] for key in item if key not in silent})
    id = _text(item.get("call_id")) or _text(item.get("id")) or ""
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def _summary(summary: object) -> str | None:
    parts = summary if isinstance(summary, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, dict)]
    return "\n".join(text for text in texts if isinstance(text, str)) or None


def _json(value: object) -> str | None:
    """Return a value as JSON for people and searches; None if a journal cannot hold it."""
    return orjson.dumps(value).decode() if value is not None and is_storable(value) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _is_text(value: object) -> bool:
    return _text(value) is not None
