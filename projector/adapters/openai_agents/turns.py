"""The turns of a conversation, the tools that they use, and what they cost: pure functions.

A turn begins with a message of the user. Turn 0 is what stands before the first one.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from string import ascii_lowercase, ascii_uppercase
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from projector.adapters.openai_agents.items import Item
    from projector.adapters.openai_agents.rows import Stored

_PREVIEW = 100
"""Characters that a list of turns shows of a message."""
_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
_NAMED_BY_SERVER = {"mcp_call", "mcp_approval_request"}
_NAMED_BY_TYPE = {
    "apply_patch_call",
    "code_interpreter_call",
    "computer_call",
    "file_search_call",
    "shell_call",
    "web_search_call",
}
_CALLS = {"custom_tool_call", "function_call", "tool_call"} | _NAMED_BY_SERVER | _NAMED_BY_TYPE
_FIND, _FOUND = "tool_search_call", "tool_search_output"


def numbered(kept: Iterable[Stored]) -> Iterator[tuple[int, Stored]]:
    """Yield each item with the number of its turn."""
    turn = 0
    for each in kept:
        turn += _is_prompt(each.item)
        yield turn, each


def before_turn(kept: Iterable[Stored], turn: int) -> list[Stored] | None:
    """Return the items before a turn; None if no user's message begins it."""
    before: list[Stored] = []
    for number, each in numbered(kept):
        if number == turn and _is_prompt(each.item):
            return before
        before.append(each)
    return None


def first_ids(kept: Iterable[Stored]) -> dict[int, str]:
    """Return the id of the first message of each turn."""
    found: dict[int, str] = {}
    for turn, each in numbered(kept):
        found.setdefault(turn, each.id)
    return found


def prompts(kept: Iterable[Stored], term: str | None = None) -> list[dict[str, Any]]:
    """Return what the user said in each turn, in the form of the SDK.

    Args:
        kept: the items.
        term: only turns that contain this text, which are then not cut; A and a are equal, as are
            the other letters of ASCII.
    """
    return [
        {
            "turn": turn,
            "content": _preview(each.item.get("content", ""), None if term else _PREVIEW),
            "full_content": each.item.get("content", ""),
            "timestamp": sql_time(each.time),
            "can_branch": True,
        }
        for turn, each in numbered(kept)
        if _is_prompt(each.item) and (term is None or _contains(each.item, term))
    ]


def by_turn(kept: Iterable[Stored]) -> dict[int, list[dict[str, str | None]]]:
    """Return for each turn the types of its items and the names of their tools."""
    turns: dict[int, list[dict[str, str | None]]] = {}
    for turn, each in numbered(kept):
        about = {"type": type_of(each.item), "tool_name": tool_of(each.item)}
        turns.setdefault(turn, []).append(about)
    return turns


def tool_uses(kept: Iterable[Stored]) -> list[tuple[str | None, int, int]]:
    """Return how often each tool was called in each turn: name, count, turn.

    The output of a search for tools counts where its call is not among the items.
    """
    counts: Counter[tuple[int, str | None]] = Counter()
    outputs: Counter[tuple[int, str | None]] = Counter()
    for turn, each in numbered(kept):
        type = type_of(each.item)
        if type in _CALLS or type == _FIND:
            counts[turn, tool_of(each.item)] += 1
        elif type == _FOUND:
            outputs[turn, tool_of(each.item)] += 1
    counts |= Counter({place: count for place, count in outputs.items() if place not in counts})
    places = sorted(counts, key=lambda place: (place[0], place[1] or ""))
    return [(name, counts[turn, name], turn) for turn, name in places]


def type_of(item: Item) -> str:
    """Return the type of an item as the SDK names it: `user`, `assistant`, or the item's own."""
    role, type = item.get("role"), item.get("type")
    return str(role if role in {"user", "assistant"} else type or "other")


def tool_of(item: Item) -> str | None:
    """Return the name of the tool that an item calls or answers for; None if it has none."""
    type, name = item.get("type"), item.get("name")
    if type in _NAMED_BY_SERVER and "server_label" in item:
        return ".".join(str(part) for part in (item["server_label"], name) if part) or None
    if type in {_FIND, _FOUND}:
        return "tool_search"
    if type in _NAMED_BY_TYPE:
        return str(type)
    if name is None:
        return None
    namespace = item.get("namespace")
    # the API repeats the name of a tool that is loaded later as its namespace
    return f"{namespace}.{name}" if namespace and namespace != name else str(name)


def sql_time(moment: int) -> str:
    """Return a time (microseconds since 1970) as SQLite's CURRENT_TIMESTAMP writes it."""
    return datetime.fromtimestamp(moment // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _is_prompt(item: Item) -> bool:
    return item.get("role") == "user"


def _preview(content: object, length: int | None) -> str:
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    return text if length is None or len(text) <= length else f"{text[:length]}..."


def _contains(item: Item, term: str) -> bool:
    content = item.get("content")
    parts: Sequence[object] = content if isinstance(content, list) else [content]
    texts = [part.get("text") if isinstance(part, dict) else part for part in parts]
    wanted = term.translate(_LOWER)
    return any(isinstance(text, str) and wanted in text.translate(_LOWER) for text in texts)
