"""Finds the outputs of tools of which a message has only the beginning.

Claude Code stores a large output in a file. What `toolUseResult` has of an output takes the place
of a file that is not there; without a file it is a message of its own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from journal.importers.claude_code.layout import SIDE_FOLDER
from journal.importers.claude_code.shown_output import shown_output
from journal.importers.parsing.events import message
from journal.importers.parsing.parser import SideFile
from journal.importers.parsing.provisional import SHOWN
from journal.importers.parsing.values import text_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.parser import Item
    from journal.importers.parsing.values import Json

_MARK = "<persisted-output>"
_SAVED = re.compile(r"Full output saved to: ([^\n]{1,4096})")
OUTPUT = ":output"
"""What the id of a message of an output has after that of the line's message."""
_HEAD = 8192
"""Characters at the beginning of a result that may contain the name of the file."""


def outputs_of(
    line: int, session: str, value: dict[str, Json], content: Json, fields: dict[str, Json]
) -> Iterator[Item]:
    """Yield the outputs of which a message has only a part.

    Args:
        line: number of the line.
        session: its session.
        value: its value.
        content: of its message.
        fields: fields of the messages of the outputs; their `parent` is the line's message.
    """
    shown = shown_output(value, content)
    named = False
    for name, call in _files(content):
        named = True
        data = {**fields, "role": "tool", "tool_call_id": call, "extra": {"file": name}}
        partly = {"content": shown, "extra": {"file": name, "taken_from": SHOWN}}
        yield SideFile(line, session, SIDE_FOLDER, name, data, partly if shown else None)
    if shown and not named:
        id = f"{fields['parent']}{OUTPUT}"
        copied = id if text_or_none(value.get("uuid")) else None
        data = {**fields, "role": "tool", "tool_call_id": _call(content[0]), "content": shown}
        yield message(line, session, id, {**data, "line": copied})


def _call(result: dict[str, Json]) -> str | None:
    return text_or_none(result.get("tool_use_id"))


def _files(content: Json) -> Iterator[tuple[str, str | None]]:
    """Yield the files that a line's results name: the file's name, and the call's id."""
    for part in content if isinstance(content, list) else ():
        if not isinstance(part, dict) or part.get("type") != "tool_result":
            continue
        content = part.get("content")
        for text in content if isinstance(content, list) else [content]:
            head = text.get("text") if isinstance(text, dict) else text
            if not isinstance(head, str) or not head[:_HEAD].lstrip().startswith(_MARK):
                continue
            found = _SAVED.search(head, 0, _HEAD)
            name = re.split(r"[/\\]", found[1].strip())[-1] if found is not None else ""
            if not name.startswith(".") and name:  # Claude Code gives no file a hidden name
                yield name, _call(part)
