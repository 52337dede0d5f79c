"""A table in a configuration that is TOML.

The table is put behind everything else and taken out again as text, so every other byte stays. In a
table that is there, the values of `command` and `args` are replaced. What the text then means is
compared with what it should mean.
"""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING, Any

from projector.mcp.install.entry import (
    changed_keys,
    is_own,
    is_same_text,
    kept_because,
    made_of,
    others_of,
)
from projector.mcp.protocol import NAME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from projector.mcp.install.entry import Server

_BOX = "mcp_servers"
_MARGIN = 400
"""Characters of a value that is laid out otherwise, beyond four times those that it needs."""
_KEY = re.compile(r"""(?<![\w-])["']?(command|args)["']?[ \t]*=[ \t]*""")
"""The keys whose values are replaced, with all before their values."""
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
    if text is not None and NAME in _tables(text):
        return _updated(text, server)
    made = FILE if text is None else NOTHING
    text = text or ""
    line = "\r\n" if "\r\n" in text else "\n"
    if text and not text.endswith("\n"):
        made = max(made, LINE_END)
        text += line
    words = server.words(made)
    changed = text + (line if text else "") + _table(words).replace("\n", line)
    expected = tomllib.loads(text)
    expected.setdefault(_BOX, {})[NAME] = _entry(words)
    if not _means(changed, expected):
        raise ValueError(f"its form is not known: add {_BOX}.{NAME} by hand")
    return changed


def kept(text: str) -> str:
    """Return why the table is not removed: it is not as it was written; empty if it is.

    Raises:
        ValueError: as `removed`.
    """
    table = _tables(text).get(NAME)
    if table is None:
        return ""
    words = _words(text)
    written = words[:6] if others_of(words) else words
    if keys := changed_keys(table, _entry(written)):
        return kept_because(keys)
    own = _table(words)
    is_as_written = any(
        is_same_text(text[start : _end(text, start)], own) for start in _headers(text)
    )
    return "" if is_as_written else kept_because(())


def removed(text: str) -> str | None:
    """Return a configuration without the table as it was written; None if it has none.

    An empty text means that there is to be no file, if the file was made for the table.

    Raises:
        ValueError: it is no TOML, has another form, or a table of this name that is not ours.
    """
    if NAME not in _tables(text):
        return None
    made = made_of(_words(text))
    expected = tomllib.loads(text)
    del expected[_BOX][NAME]
    line_end_too = made == LINE_END
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


def _updated(text: str, server: Server) -> str:
    """Return a configuration whose table starts the server; all else in it stays as it is."""
    old = _words(text)
    new = _entry(server.words(made_of(old), others_of(old)))
    expected = tomllib.loads(text)
    for key, value in new.items():
        current = expected[_BOX][NAME][key]
        if current != value:
            expected[_BOX][NAME][key] = value
            text = _with_value(text, key, current, value, expected)
    return text


def _with_value(text: str, key: str, old: object, new: object, expected: object) -> str:
    """Return a text with another value of a key of the table.

    Other tables have keys of that name, too: the one that is meant is that with which the whole
    text means what it should.

    Raises:
        ValueError: there is none.
    """
    for found in _KEY.finditer(text):
        if found[1] != key:
            continue
        end = _value_end(text, found.end(), old)
        changed = f"{text[: found.end()]}{json.dumps(new, ensure_ascii=False)}{text[end:]}"
        if _means(changed, expected):
            return changed
    raise ValueError(f"its form is not known: change {_BOX}.{NAME}.{key} by hand")


def _value_end(text: str, start: int, value: object) -> int:
    """Return where a value ends that begins there; `start` if another one does."""
    longest = _MARGIN + 4 * len(json.dumps(value))
    for end in range(start + 1, min(start + longest, len(text)) + 1):
        if text[end - 1] in "\"']" and _means(f"v = {text[start:end]}", {"v": value}):
            return end
    return start


def _table(words: list[Any]) -> str:
    """Return the table as it is written."""
    # a JSON text without escapes above U+FFFF is a TOML text, too
    rows = [
        f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in _entry(words).items()
    ]
    return f"[{_BOX}.{NAME}]\n{''.join(rows)}"


def _entry(words: list[Any]) -> dict[str, Any]:
    return {"command": words[0], "args": words[1:]}


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
    """Return where a table ends: behind its last line that is neither blank nor a comment."""
    end = at = start
    for row in text[start:].splitlines(keepends=True):
        bare = row.strip()
        if at > start and bare.startswith("["):
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
