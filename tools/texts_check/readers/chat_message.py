"""Reads a message in the form of the chat API of OpenAI, which many programs store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.texts_check.pieces import Piece, call, reasoning, result, text
from tools.texts_check.raw_files import Json, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

_REASONING = ("reasoning", "reasoning_content")


def chat_pieces(message: Json, names: dict[str, str]) -> Iterator[Piece]:
    """Yield the pieces of a message.

    Args:
        message: the message: `role`, `content`, `tool_calls`, `tool_call_id`.
        names: names of the tools by ids of calls; those of the message are added.
    """
    function = message.get("function")
    if message.get("type") == "tool_call" and isinstance(function, dict):
        yield call(function.get("name"), message.get("id"), message.get("arguments"))
    elif message.get("type") == "tool_result":
        for each in plain(message.get("result")):
            yield result(message.get("id"), each, message.get("name"))
    elif message.get("type") == "error":
        yield from (text("system", each) for each in plain(message.get("text")))
    role = str(message.get("role") or "")
    for value in dict.fromkeys(message.get(name) for name in _REASONING):
        if isinstance(value, str):
            yield reasoning(value)
    id = str(message.get("tool_call_id") or "")
    named = message.get("tool_name") or message.get("name") or names.get(id, "")
    for each in plain(message.get("content")):
        yield result(id, each, named) if role == "tool" else text(role, each)
    for each in message.get("tool_calls") or ():
        function = each.get("function") or {}
        names[str(each.get("id"))] = str(function.get("name") or "")
        yield call(function.get("name"), each.get("id"), function.get("arguments"))
