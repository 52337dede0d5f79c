"""Reads parts in the form of the API of Gemini, which Gemini CLI and Qwen Code store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.texts_check.pieces import Piece, call, canonical, reasoning, result, text
from tools.texts_check.raw_files import plain

if TYPE_CHECKING:
    from collections.abc import Iterator


def gemini_pieces(content: object, role: str) -> Iterator[Piece]:
    """Yield the pieces of a content: a string, or a list of parts."""
    for part in content if isinstance(content, list) else [content]:
        typed = part if isinstance(part, dict) else {}
        called, answer = typed.get("functionCall"), typed.get("functionResponse")
        if called:
            yield call(called.get("name"), called.get("id"), called.get("args"))
        elif answer:
            given = answer.get("response")
            # what has no text, such as the figures of a tool, is its JSON
            for each in list(plain(given)) or [canonical(given)] * (given is not None):
                yield result(answer.get("id"), each, answer.get("name"))
        elif typed.get("thought"):
            yield reasoning(typed.get("text"))
        else:
            yield from (text(role, each) for each in plain(part))
