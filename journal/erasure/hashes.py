"""The keyed hashes by which requests name events: see "Keyed hashes" in `docs/format.md`. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from journal.format.bounds import is_key, is_moment
from journal.format.event_types import MESSAGE_APPENDED
from journal.format.redacted import without_marks
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

    One that was redacted has the hash of its content in clear, if that is known, and a hash in
    which all marks are alike. So the same message in clear, or redacted by other rules or with
    another key, has one of its hashes.

    Args:
        key: the key.
        id: its id.
        data: its data, as in `message.appended`.
        redacted: what was redacted in it.
    """
    if _UUID.fullmatch(id) is not None:
        yield key.hash("line", id)
    line = data.get("line")
    if is_key(line) and line != id:
        yield key.hash("line", line)
    timestamp = data.get("timestamp")
    if not is_moment(timestamp):
        return
    role, content = data.get("role"), data.get("content")
    yield key.hash("message", [role, content, timestamp])
    bare = without_marks(content)
    if bare is not content:
        yield key.hash("message", [role, bare, timestamp])
    known = redacted if redacted is not None and redacted.key == key.id else None
    in_clear = "" if known is None else known.content
    yield key.hash("message", [role, in_clear or key.hash("content", content), timestamp])
    if known is not None and known.original:
        yield known.original
    else:
        yield key.hash("original", [MESSAGE_APPENDED, data])
