"""Finds the files in which Claude Code stores large outputs of tools."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from journal.importers.parsing.values import text_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.values import Json

_MARK = "<persisted-output>"
_SAVED = re.compile(r"Full output saved to: ([^\n]{1,4096})")
_HEAD = 8192
"""Characters at the beginning of a result that may contain the name of the file."""


def outputs_of(content: Json) -> Iterator[tuple[str, str | None]]:
    """Return the files that a line's results name: the file's name, and the call's id."""
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
            if name not in ("", ".", ".."):
                yield name, text_or_none(part.get("tool_use_id"))
