"""Reads parts of messages of opencode, which its database, files and exports have in one form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.texts_check.pieces import Piece, call, reasoning, result, text
from tools.texts_check.raw_files import Json, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def opencode_pieces(role: str, parts: Iterable[Json]) -> Iterator[Piece]:
    """Yield the pieces of a message's parts."""
    for part in parts:
        kind = part.get("type")
        if kind == "text":
            yield text(role, part.get("text"))
        elif kind == "reasoning":
            yield reasoning(part.get("text"))
        elif kind == "tool":
            name, id, state = part.get("tool"), part.get("callID"), part.get("state") or {}
            yield call(name, id, state.get("input"))
            for each in plain(state.get("output", state.get("error"))):
                yield result(id, each, name)
        elif kind == "subtask":
            yield text(role, part.get("prompt"))
