"""Reads contents that are lists of blocks with a `type`, as the API of Anthropic has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.texts_check.pieces import Piece, call, reasoning, result, text
from tools.texts_check.raw_files import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

_THOUGHTS = frozenset({"thinking", "think", "reasoning"})
_CALLS = frozenset({"tool_use", "tool_call", "toolCall", "tool-call", "toolRequest"})
_RESULTS = frozenset({"tool_result", "tool-result", "toolResult", "toolResponse"})


def block_pieces(content: object, role: str, names: dict[str, str]) -> Iterator[Piece]:
    """Yield the pieces of a content: a string, or a list of blocks.

    Args:
        content: the content.
        role: the role of its message.
        names: names of the tools by ids of calls; those of the content are added.
    """
    for part in content if isinstance(content, list) else [content]:
        typed = part if isinstance(part, dict) else {}
        kind = typed.get("type")
        if kind in _THOUGHTS:
            for name in ("thinking", "think", "text"):
                yield from (reasoning(each) for each in plain(typed.get(name)))
        elif kind in _CALLS:
            given = typed.get("input", typed.get("arguments"))
            names[str(typed.get("id") or "-")] = str(typed.get("name"))
            yield call(typed.get("name"), typed.get("id"), given)
        elif kind in _RESULTS:
            id = str(typed.get("tool_use_id") or typed.get("toolCallId") or "")
            for each in plain(typed.get("content", typed.get("output"))):
                yield result(id, each, typed.get("name") or names.get(id))
        else:
            yield from (text(role, each) for each in plain(part))
