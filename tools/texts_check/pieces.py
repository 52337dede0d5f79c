"""What a conversation consists of, for a comparison: texts, calls of tools and their results."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

TEXT, REASONING, CALL, RESULT = "text", "reasoning", "call", "result"


@dataclass(frozen=True, slots=True)
class Piece:
    """One text of a conversation.

    Attributes:
        kind: TEXT, REASONING, CALL or RESULT.
        role: the role of its message, of a result always "tool"; empty if the source has none.
        text: the text; of a call its arguments, as JSON with sorted keys.
        name: the name of the tool, of a call or a result; empty if the source does not say.
        id: the source's id of the call, of a call or a result; empty if there is none.
        loss: why the importer may leave it out, as `docs/sources.md` says; empty: it may not.
        once: whether it has a message of its own. Others need only be within some message.
    """

    kind: str
    role: str
    text: str
    name: str = ""
    id: str = ""
    loss: str = ""
    once: bool = True


@dataclass(frozen=True, slots=True)
class Item:
    """One message of a raw file.

    Attributes:
        session: its session by the raw file: its id, or the beginning or another part of it.
        key: what the source knows it by: two items with one key and the same pieces are one.
        pieces: its texts. Their order within the item is not compared.
        version: version of the program or of the format, if the raw file says it.
    """

    session: str
    key: str
    pieces: tuple[Piece, ...]
    version: str = ""


def text(role: str, value: object) -> Piece:
    """Return a text of a message."""
    return Piece(TEXT, role, str(value))


def beside(role: str, value: object, loss: str) -> Piece:
    """Return a text that may be left out for a reason, and needs no message of its own."""
    return Piece(TEXT, role, value if isinstance(value, str) else "", loss=loss, once=False)


def reasoning(value: object) -> Piece:
    """Return what a model thought."""
    return Piece(REASONING, "assistant", str(value))


def call(name: object, id: object, arguments: object) -> Piece:
    """Return a call of a tool; arguments are JSON, or a value."""
    return Piece(CALL, "assistant", canonical(arguments), str(name or ""), str(id or ""))


def result(id: object, value: object, name: object = "") -> Piece:
    """Return the result of a call."""
    return Piece(RESULT, "tool", str(value), str(name or ""), str(id or ""))


def canonical(arguments: object) -> str:
    """Return arguments as JSON with sorted keys, so that two ways to write them are equal."""
    value: Any = arguments
    if isinstance(arguments, str):
        try:
            value = json.loads(arguments)
        except ValueError:
            return arguments
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
