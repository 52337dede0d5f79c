"""The files of opencode's first versions: `storage/{session,message,part}/**/*.json`.

A message is read with its parts, `storage/part/<message>/*.json`, or `storage/part/*.json` which
name their message: opencode writes the message once more when its last part is complete. A part by
itself gives nothing.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from journal.importers.opencode.message import message_items, session_items, session_of
from journal.importers.parsing.parser import Found, Skipped
from journal.importers.parsing.values import object_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.files.document import Document, Numbered
    from journal.importers.parsing.parser import Item, Location
    from journal.importers.parsing.values import Json

_NAME = re.compile(r"[0-9A-Za-z_-]{1,128}")
_PARTS = "../../part"


def pieces(document: Document, location: Location) -> Iterator[Numbered]:
    """Yield the items of one file.

    Raises:
        Broken: it is no JSON.
    """
    yield 1, stored(document.whole(), location)


def stored(value: Json, location: Location) -> Iterator[Item]:
    """Yield the items of a session, of a message with its parts, or of a part: none."""
    found = object_of(value)
    if "role" in found:
        session = session_of(str(found.get("sessionID")))
        for item in message_items(1, session, found, _parts(found, location)):
            # it is written again while the model answers
            yield replace(item, revisable=True) if isinstance(item, Found) else item
    elif "messageID" in found or "type" in found:
        yield Skipped(1, "a part in a file: it is read with its message")
    else:
        yield from session_items(1, session_of(str(found.get("id"))).talk, found)


def _parts(message: dict[str, Json], location: Location) -> list[Json]:
    """Read the parts of a message; a part that cannot be read is None."""
    id = str(message.get("id"))
    if _NAME.fullmatch(id) is None:  # it becomes a part of a path
        return []
    names = [f"{id}/{name}" for name in location.listed(f"{_PARTS}/{id}") if name.endswith(".json")]
    names += location.grouped(_PARTS, "messageID").get(id, [])
    return [location.beside(f"{_PARTS}/{name}") for name in names]
