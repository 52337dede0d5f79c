"""Reads conversations in the form of the chat API, wherever they are in documents or lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tools.texts_check.pieces import Item
from tools.texts_check.readers.chat_message import chat_pieces
from tools.texts_check.readers.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.texts_check.raw_files import Json, RawFile

_LINE = re.compile(r"^(user|assistant|tool|system): ", re.MULTILINE)
"""Before each message of a conversation that is written as one text."""
_ROLES = frozenset({"user", "assistant", "system", "tool", "developer", "function"})
_SAID = frozenset({"content", "tool_calls", "message", "function_call"})
_UNNAMED = frozenset({"tool_call", "tool_result", "error"})
"""Types of lines beside messages that have no role."""


def _claims(file: RawFile) -> bool:
    return file.path.suffix in {".json", ".jsonl"} and any(True for _ in _lists(file))


def _lists(file: RawFile) -> Iterator[tuple[str, list[Json]]]:
    """Yield the lists of messages, each with the session's id, or a name of its own."""
    values = [file.document] if file.document is not None else file.objects
    if values and all(_is_message(value) for value in values):
        yield file.path.stem, [value for value in values if isinstance(value, dict)]
        return
    for number, value in enumerate(values):
        yield from _within(value, f"{file.path.stem} {number}")


def _within(value: object, name: str) -> Iterator[tuple[str, list[Json]]]:
    if isinstance(value, list) and any(_is_message(each) for each in value):
        yield name, [each for each in value if isinstance(each, dict)]
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _within(each, f"{name} {number}")
    elif isinstance(value, dict) and isinstance(value.get("messages_display"), str):
        found = _LINE.split(value["messages_display"])[1:]
        pairs = zip(found[::2], found[1::2], strict=True)
        yield (
            name,
            [{"role": role, "content": said} for role, said in pairs if said.strip() != "None"],
        )
    elif isinstance(value, dict):
        own = str(value.get("session_id") or value.get("id") or name)
        for key, each in value.items():
            if isinstance(each, list | dict):
                yield from _within(each, own if key == "messages" else f"{own} {key}")


def _is_message(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    said = value.get("role") in _ROLES and bool(_SAID & value.keys())
    return said or value.get("type") in _UNNAMED


def _read(file: RawFile) -> Iterator[Item]:
    for session, messages in _lists(file):
        names: dict[str, str] = {}
        for number, message in enumerate(messages):
            yield Item(session, str(message.get("id", number)), tuple(chat_pieces(message, names)))


READER = Reader("openai", _claims, _read)
