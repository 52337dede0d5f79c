"""The title of a session, from `workspace.yaml` in its folder.

The title is under `name` (that of a person, or one that the program made), in older versions under
`summary`. Of YAML this reads what the program writes there: a key at the beginning of a
line and a text behind it, plain, in quotes, or as a block (`>-`, `|-`); lines that are indented go
on, and count as separated by a blank. Anything else is no title.
"""

from __future__ import annotations

import json
import re
from itertools import takewhile
from typing import TYPE_CHECKING

from journal.format.event_types import SESSION_TITLED
from journal.importers.parsing.events import aside, fact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.parser import Found, Location

WORKSPACE = "workspace.yaml"
_KEYS = ("name", "summary")
_BLOCK = re.compile(r"[|>][0-9+-]{0,2}(?: +#.*)?")
_OTHER = ("&", "*", "!", "{", "[", "%", "@", "`", "|", ">", "- ", "? ", "#")
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
    at = next((n for n, line in enumerate(lines) if re.match(rf"{key}:(\s|$)", line)), None)
    if at is None:
        return None
    first = lines[at].partition(":")[2].strip()
    follow = takewhile(lambda line: not line.strip() or line[0].isspace(), lines[at + 1 :])
    more = " ".join(" ".join(follow).split())
    if _BLOCK.fullmatch(first):
        return more or None
    value = f"{first} {more}".strip()
    if value.startswith('"'):
        return _decoded(value)
    if value.startswith("'"):
        quoted = re.fullmatch(r"'((?:[^']|'')*)'(?: +#.*)?", value)
        return quoted[1].replace("''", "'") or None if quoted else None
    plain = re.split(r"\s#", value)[0].strip()
    return None if plain in _NOTHING or plain.startswith(_OTHER) else plain


def _decoded(value: str) -> str | None:
    """Return a text in double quotes; its escapes are read as those of JSON."""
    quoted = re.fullmatch(r'("(?:[^"\\]|\\.)*")(?: +#.*)?', value)
    try:
        return str(json.loads(quoted[1])) or None if quoted else None
    except json.JSONDecodeError:
        return None
