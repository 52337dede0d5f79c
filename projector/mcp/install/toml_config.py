"""A table in a configuration that is TOML.

The table is put behind everything else and taken out again as text, so every other byte stays. What
the text then means is compared with what it should mean.
"""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

from projector.mcp.install.entry import is_own, made_of
from projector.mcp.protocol import NAME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from projector.mcp.install.entry import Server

_BOX = "mcp_servers"
NOTHING, LINE_END, FILE = 0, 1, 2
"""What was made beside the table: nothing, the end of the last line before it, or the file."""


def added(text: str | None, server: Server) -> str:
    """Return a configuration with the table.

    Args:
        text: the configuration; None if there is none.
        server: how the server is started.

    Raises:
        ValueError: it is no TOML, has another form, or a table of this name that is not ours.
    """
    made = FILE if text is None else NOTHING
    text = text or ""
    if NAME in _tables(text):
        made = made_of(_words(text))
        text = removed(text, keeps=True) or ""
    line = "\r\n" if "\r\n" in text else "\n"
    if text and not text.endswith("\n"):
        made = max(made, LINE_END)
        text += line
    command, *arguments = server.words(made)
    # a JSON text without escapes above U+FFFF is a TOML text, too
    rows = [
        f"[{_BOX}.{NAME}]",
        f"command = {json.dumps(command, ensure_ascii=False)}",
        f"args = {json.dumps(arguments, ensure_ascii=False)}",
    ]
    changed = text + (line if text else "") + "".join(f"{row}{line}" for row in rows)
    expected = tomllib.loads(text)
    expected.setdefault(_BOX, {})[NAME] = {"command": command, "args": arguments}
    if not _means(changed, expected):
        raise ValueError(f"its form is not known: add {_BOX}.{NAME} by hand")
    return changed


def removed(text: str, *, keeps: bool = False) -> str | None:
    """Return a configuration without the table; None if it has none.

    An empty text means that there is to be no file, if the file was made for the table.

    Args:
        text: the configuration.
        keeps: keep what was made beside the table.

    Raises:
        ValueError: it is no TOML, has another form, or a table of this name that is not ours.
    """
    if NAME not in _tables(text):
        return None
    made = made_of(_words(text))
    expected = tomllib.loads(text)
    del expected[_BOX][NAME]
    line_end_too = made == LINE_END and not keeps
    # the last first: a text of several lines may have a line that looks like the header
    for start in reversed(list(_headers(text))):
        changed = _without(text, start, line_end_too=line_end_too)
        if _means(changed, expected) or (
            not expected[_BOX]
            and _means(changed, {key: expected[key] for key in expected if key != _BOX})
        ):
            return changed
    raise ValueError(f"its form is not known: remove {_BOX}.{NAME} by hand")


def made(text: str) -> int:
    """Return what was made beside the table.

    Raises:
        ValueError: as `removed`.
    """
    return made_of(_words(text))


def _headers(text: str) -> Iterator[int]:
    """Yield where a line begins that looks like the header of the table."""
    at = 0
    for row in text.splitlines(keepends=True):
        if _keys(row) == (_BOX, NAME):
            yield at
        at += len(row)


def _keys(row: str) -> tuple[str, ...]:
    """Return the keys of a line that looks like a header, else nothing."""
    bare = row.strip()
    if not bare.startswith("[") or bare.startswith("[["):
        return ()
    return tuple(key.strip(" \t\"'") for key in bare[1:].partition("]")[0].split("."))


def _without(text: str, start: int, *, line_end_too: bool) -> str:
    """Return a text without the table whose header begins there, and the blank line before it."""
    before, end = text[:start], _end(text, start)
    for blank in ("\r\n", "\n"):
        if before.endswith(f"\n{blank}"):
            before = before.removesuffix(blank)
            break
    if line_end_too and end == len(text):
        before = before.removesuffix("\n").removesuffix("\r")
    return before + text[end:]


def _end(text: str, start: int) -> int:
    """Return where a table ends, with the tables below it: behind its last line that is none."""
    end = at = start
    for row in text[start:].splitlines(keepends=True):
        bare = row.strip()
        if at > start and bare.startswith("[") and _keys(row)[:2] != (_BOX, NAME):
            break
        at += len(row)
        if bare and not bare.startswith("#"):
            end = at
    return end


def _tables(text: str) -> dict[str, Any]:
    found = tomllib.loads(text).get(_BOX, {})
    if not isinstance(found, dict):
        raise ValueError(f"{_BOX} is no table")  # noqa: TRY004 - of a text, not of a call
    return found


def _words(text: str) -> list[Any]:
    table = _tables(text)[NAME]
    found = [table.get("command"), *table.get("args", [])] if isinstance(table, dict) else []
    if not is_own(found):
        raise ValueError(f"it has another table {_BOX}.{NAME}, which is not of this program")
    return found


def _means(text: str, expected: object) -> bool:
    try:
        return tomllib.loads(text) == expected
    except tomllib.TOMLDecodeError:
        return False
