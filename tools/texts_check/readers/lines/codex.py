"""Reads rollouts of Codex.

A line has `timestamp`, `type` and `payload`. Items of the conversation are `response_item`; events
(`event_msg`) mostly repeat them for the user interface. The first versions wrote bare items, after
a line with the id of the session.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from tools.texts_check.pieces import REASONING, TEXT, Item, Piece, beside, call, result, text
from tools.texts_check.raw_files import Json, RawFile, plain
from tools.texts_check.readers.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

_LINES = frozenset({"session_meta", "response_item", "event_msg", "turn_context", "compacted"})
_BARE = frozenset({"message", "function_call", "function_call_output", "reasoning"})
_DRIFTED = frozenset({"role", "created_at"})
_REPEATED = {
    "user_message": ("user", "message"),
    "agent_message": ("assistant", "message"),
    "task_complete": ("assistant", "last_agent_message"),
    "turn_complete": ("assistant", "last_agent_message"),
}
"""Events whose text is that of an item, with its role and field."""

_BUILT_IN = {
    "web_search_call": "action",
    "local_shell_call": "action",
    "image_generation_call": "revised_prompt",
}
"""Calls of the program's own tools, and their arguments."""


def _claims(file: RawFile) -> bool:
    if file.path.suffix != ".jsonl":
        return False
    head = file.objects[:64]
    if any(line.get("type") in _LINES and isinstance(line.get("payload"), dict) for line in head):
        return True
    if file.first.keys() >= _DRIFTED:
        return True
    bare = "id" in file.first and "timestamp" in file.first and "type" not in file.first
    return bare and any(line.get("type") in _BARE for line in head)


def _read(file: RawFile) -> Iterator[Item]:
    session, version = "", ""
    names: dict[str, str] = {}
    seen: Counter[str] = Counter()
    for line in file.objects:
        inner = line.get("payload")
        payload = inner if isinstance(inner, dict) else line
        if line.get("type") == "session_meta" and not session:  # others are of its parents
            session, version = str(payload.get("id")), str(payload.get("cli_version") or "")
        elif inner is None and not session and "type" not in line:
            session = str(line.get("id") or "")
        key = json.dumps(line, sort_keys=True)
        seen[key] += 1
        pieces = tuple(_pieces(str(line.get("type")), payload, names))
        if pieces:
            yield Item(session or file.path.stem, f"{seen[key]} {key}", pieces, version)


def _pieces(type: str, payload: Json, names: dict[str, str]) -> Iterator[Piece]:
    if type == "event_msg":
        yield from _event(payload)
    elif type == "compacted":
        for item in (
            {"content": payload.get("message")},
            *(payload.get("replacement_history") or ()),
        ):
            for each in plain(item.get("content")):
                yield Piece(TEXT, str(item.get("role")), each, once=False)
    elif type in {"session_meta", "turn_context"}:
        base = payload.get("base_instructions", payload.get("instructions"))
        for each in plain([base, payload.get("user_instructions")]):
            yield beside("system", each, "base instructions, the same in every session")
    elif type != "world_state":
        yield from _item(str(payload.get("type")), payload, names)


def _event(payload: Json) -> Iterator[Piece]:
    kind, role, value = str(payload.get("type")), "assistant", payload.get("item")
    if kind in _REPEATED:
        role, field = _REPEATED[kind]
        value = payload.get(field)
    elif kind == "agent_reasoning":
        value = payload.get("text")
    elif kind in {"error", "rate_limit", "warning", "stream_error"}:
        nested = payload.get("error") or {}
        role, value = "system", payload.get("message") or nested.get("message")
    elif kind != "item_completed":
        return
    for each in plain(value):
        yield Piece(REASONING if kind == "agent_reasoning" else TEXT, role, each, once=False)


def _item(kind: str, item: Json, names: dict[str, str]) -> Iterator[Piece]:
    id = str(item.get("call_id") or item.get("id") or "")
    function = item.get("function")
    name = str(function.get("name") if isinstance(function, dict) else item.get("name") or "")
    if kind == "reasoning":
        for field in ("summary", "content"):
            for each in plain(item.get(field)):
                yield Piece(REASONING, "assistant", each)
    elif kind in {"function_call", "custom_tool_call", "tool_call", "tool_search_call"}:
        names[id] = name or "tool_search"
        yield call(names[id], item.get("call_id"), item.get("arguments", item.get("input")))
    elif kind in _BUILT_IN:
        names[id] = kind.removesuffix("_call")
        yield call(names[id], id, item.get(_BUILT_IN[kind]))
    elif kind.endswith(("_output", "_result")):
        for each in plain(item.get("output", item.get("result", item.get("tools")))):
            yield result(item.get("call_id"), each, names.get(id) or name)
    else:
        # a message of another agent has an author in place of a role
        role = str(item.get("role") or ("agent" if "author" in item else ""))
        yield from (text(role, each) for each in plain(item.get("content", item.get("message"))))


READER = Reader("codex", _claims, _read)
