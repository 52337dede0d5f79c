"""The line of a message: what it is recognised by where another session repeats it. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from journal.format.bounds import is_key
from journal.process.ids import UUID

if TYPE_CHECKING:
    from collections.abc import Mapping

_UUID = re.compile(UUID)
_LENGTH = 36
_VERSION = 14
"""Length of a uuid, and the index of the digit that is its version."""


def line_of(id: str, data: Mapping[str, object]) -> str | None:
    """Return the line of a message; None if no other session can repeat it.

    That is its field `line`, else its id if that is a uuid which its source made. Programs make a
    UUIDv7 for one append, so it is not registered: most messages are appended under one, and cost
    nothing here.

    Args:
        id: its id.
        data: its data.
    """
    line = data.get("line")
    if line is not None and is_key(line):
        return line
    if len(id) == _LENGTH and id[_VERSION] != "7" and _UUID.fullmatch(id) is not None:
        return id
    return None
