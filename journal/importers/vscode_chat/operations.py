"""The operations of a chat's log: each line changes one value of the chat.

`kind` 0 is the whole chat, 1 sets the value at a path, 2 adds items to the list there (after its
first `i`, if that is given), 3 deletes the value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from journal.importers.parsing.values import Json

INITIAL, SET, PUSH, DELETE = range(4)
KINDS = frozenset((INITIAL, SET, PUSH, DELETE))


def changed(chat: Json, operation: dict[str, Json]) -> Json:
    """Apply an operation to a chat in place; return the chat, or the new one.

    Raises:
        LookupError: there is nothing at the path.
        TypeError: what is there is no object and no list.
    """
    kind, path = operation.get("kind"), operation.get("k") or []
    if kind == INITIAL:
        return operation.get("v")
    if not path:
        raise LookupError("an operation without a path")
    at = chat
    for name in path[:-1]:
        at = at[name]
    last = path[-1]
    if kind == SET:
        _set(at, last, operation.get("v"))
    elif kind == PUSH:
        _push(at, last, operation)
    elif isinstance(at, dict):
        at.pop(last, None)
    else:
        del at[last]
    return chat


def _set(at: Json, name: Json, value: Json) -> None:
    if isinstance(at, list) and name == len(at):
        at.append(value)
    else:
        at[name] = value


def _push(at: Json, name: Json, operation: dict[str, Json]) -> None:
    items = operation.get("v")
    if isinstance(at, dict) and at.get(name) is None:
        at[name] = []
    found, first = at[name], operation.get("i")
    if not isinstance(found, list):
        raise TypeError("items are added to what is no list")
    if type(first) is int and first >= 0:
        del found[first:]
    found.extend(items if isinstance(items, list) else [items])
