"""Finds the output of a tool that a line holds beside a shortened one.

The result in a line's message is what the model was given: of a large output its beginning, in
`<persisted-output>`, or a text that was cut. `toolUseResult` beside it is what the user interface
shows, in a form of each tool.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.importers.parsing.values import text_or_none

if TYPE_CHECKING:
    from journal.importers.parsing.values import Json

_ERROR = "Error: "
_PRINTED = ("stdout", "stderr")


def shown_output(value: dict[str, Json], content: Json) -> str | None:
    """Return the output that a line shows, if it is longer than the result in its message.

    Args:
        value: the line.
        content: of its message.

    Returns:
        The output; None if the result has all of it, or is not the only one of the line.
    """
    shown = value.get("toolUseResult")
    if not shown or not isinstance(content, list) or len(content) != 1:
        return None
    result = content[0]
    if not isinstance(result, dict) or result.get("type") != "tool_result":
        return None
    given = result.get("content")
    if (
        isinstance(shown, dict)
        and not shown.get("stderr")
        and isinstance(given, str)
        and shown.get("stdout") == given
    ):
        return None  # most lines have the output of a command twice
    output = _output(shown).strip()
    return output if len(output) > len(_text(given)) else None


def _output(shown: Json) -> str:
    """Return the output that a `toolUseResult` holds; it is empty if it holds none.

    What edits a file shows the file before it, which is no output.
    """
    if not isinstance(shown, dict):
        return _text(shown).removeprefix(_ERROR)
    if shown.get("isImage") or "filePath" in shown:
        return ""
    if isinstance(shown.get("stdout"), str):
        return "\n".join(filter(None, map(text_or_none, map(shown.get, _PRINTED))))
    for name, inner in (("file", "content"), ("task", "output")):
        about = shown.get(name)
        if isinstance(about, dict):
            return _text(about.get(inner))
    return _text(shown.get("result")) or _text(shown.get("content"))


def _text(content: Json) -> str:
    parts = content if isinstance(content, list) else [content]
    texts = (part.get("text") if isinstance(part, dict) else part for part in parts)
    return "\n".join(text for text in texts if isinstance(text, str))
