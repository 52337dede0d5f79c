"""The keyed hashes by which requests name events: see "Keyed hashes" in `docs/format.md`. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from journal.format.bounds import is_key, is_moment
from journal.format.event_types import MESSAGE_APPENDED
from journal.process.ids import UUID

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from journal.format.keyed_hash import Key
    from journal.format.redacted import Redacted

_UUID = re.compile(UUID)


def session_hash(key: Key, session: str) -> str:
    """Return the hash that names a session."""
    return key.hash("session", session)


def event_hash(key: Key, session: str, id: str) -> str:
    """Return the hash that names the event, or the message, with an id in a session."""
    return key.hash("event", [session, id])


def message_hashes(
    key: Key, id: str, data: Mapping[str, object], redacted: Redacted | None = None
) -> Iterator[str]:
    """Yield the hashes that name a message in every session that repeats it.

    A message without a timestamp and a line, whose id is no uuid, has none: its text alone does not
    identify it.

    Args:
        key: the key.
        id: its id.
        data: its data, as in `message.appended`.
        redacted: what was redacted in it; then it is named by its original, which other rules
            redact to other data.
    """
    if _UUID.fullmatch(id) is not None:
        yield key.hash("line", id)
    line = data.get("line")
    if is_key(line) and line != id:
        yield key.hash("line", line)
    timestamp = data.get("timestamp")
    if is_moment(timestamp):
        yield key.hash("message", [data.get("role"), data.get("content"), timestamp])
        if redacted is not None and redacted.key == key.id and redacted.original:
            yield redacted.original
        else:
            yield key.hash("original", [MESSAGE_APPENDED, data])
