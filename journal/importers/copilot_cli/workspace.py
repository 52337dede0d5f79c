"""The title of a session, from `workspace.yaml` in its folder.

The title is under `name` (that of a person, or one that the program made), in older versions under
`summary`. Of YAML this reads what the program writes there: a key at the beginning of a
line and a text behind it, plain, in quotes, or as a block (`>-`, `|-`); lines that are indented go
on, and count as separated by a blank. Anything else is no title.
"""

from __future__ import annotations

import json
from itertools import takewhile
from typing import TYPE_CHECKING

from journal.format.event_types import SESSION_TITLED
from journal.importers.parsing.events import aside, fact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.parser import Found, Location

WORKSPACE = "workspace.yaml"
_KEYS = ("name", "summary")
_INDICATORS = frozenset("123456789+-")
"""What follows the sign of a block: its indentation, and whether the last newline counts."""
_OTHER = ("&", "*", "!", "{", "[", "%", "@", "`", "- ", "? ", "#")
"""Beginnings of a value that is no plain text."""
_NOTHING = ("", "~", "null", "Null", "NULL")


def title_of(location: Location, session: str) -> Iterator[Found]:
    """Yield the title of the session in a folder, if its file has one."""
    text = location.text(WORKSPACE)
    title = next(filter(None, (_value(text, key) for key in _KEYS)), None)
    if title is not None:
        yield aside(fact(0, session, SESSION_TITLED, {"title": title}))


def _value(text: str, key: str) -> str | None:
    lines = text.splitlines()
    at = next((n for n, line in enumerate(lines) if _has_key(line, key)), None)
    if at is None:
        return None
    first = lines[at].partition(":")[2].strip()
    follow = takewhile(lambda line: not line.strip() or line[0].isspace(), lines[at + 1 :])
    more = " ".join(" ".join(follow).split())
    if first.startswith(("|", ">")):
        header = first[1:].partition(" #")[0].strip()
        return more or None if set(header) <= _INDICATORS else None
    value = f"{first} {more}".strip()
    if value.startswith('"'):
        return _decoded(value)
    if value.startswith("'"):
        quoted, end, rest = value[1:].replace("''", "\0").partition("'")
        return quoted.replace("\0", "'") or None if end and _is_nothing(rest) else None
    plain = value.partition(" #")[0].strip()
    return None if plain in _NOTHING or plain.startswith(_OTHER) else plain


def _has_key(line: str, key: str) -> bool:
    name, colon, rest = line.partition(":")
    return name == key and bool(colon) and (not rest or rest[0].isspace())


def _decoded(value: str) -> str | None:
    """Return a text in double quotes; its escapes are read as those of JSON."""
    try:
        text, end = json.JSONDecoder().raw_decode(value)
    except json.JSONDecodeError:
        return None
    return str(text) or None if _is_nothing(value[end:]) else None


def _is_nothing(rest: str) -> bool:
    """Return whether what follows a text in quotes is nothing, or a comment."""
    return not rest.strip() or rest.startswith(" #")
