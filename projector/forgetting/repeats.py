"""Messages that repeat others in other sessions, as forks and second imports do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.erasure.hashes import message_hashes
from journal.format.bounds import is_key, is_moment
from journal.format.event_types import MESSAGE_APPENDED
from projector.forgetting.contents import messages_like

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    import apsw

    from journal.format.keyed_hash import Key
    from projector.forgetting.contents import Content


def hashes_of(key: Key, content: Content) -> set[str]:
    """Return the hashes that name a message in every session; none of what is no message."""
    event = content.event
    if event.type != MESSAGE_APPENDED:
        return set()
    found = set(message_hashes(key, event.id, event.data, event.redacted))
    if content.revised is not None:  # a fork that was made after the revision repeats that
        found.update(message_hashes(key, event.id, content.revised))
    return found


class Repeats:
    """Collects messages, and finds those that repeat them, and those that repeat these."""

    def __init__(self, key: Key) -> None:
        self._key = key
        self._hashes: set[str] = set()
        self._ids: set[str] = set()
        self._timestamps: set[int] = set()

    def add(self, content: Content) -> None:
        """Add a message; anything else has no effect."""
        hashes = hashes_of(self._key, content)
        if not hashes:
            return
        self._hashes |= hashes
        self._ids.add(content.event.id)
        for data in (content.event.data, content.revised or {}):
            line = data.get("line")
            if is_key(line):
                self._ids.add(line)
            timestamp = data.get("timestamp")
            if is_moment(timestamp):
                self._timestamps.add(timestamp)

    def find(
        self, db: apsw.Connection, but: tuple[Container[str], Container[tuple[str, str]]]
    ) -> Iterator[Content]:
        """Yield the messages in force that repeat one that was added.

        Args:
            db: the projection.
            but: sessions and keys that are left out.
        """
        sessions, keys = but
        seen: set[tuple[str, str]] = set()
        grows = bool(self._hashes)
        while grows:
            grows = False
            for content in messages_like(db, self._ids, self._timestamps):
                if content.event.session in sessions or content.key in keys or content.key in seen:
                    continue
                if not self._hashes.isdisjoint(hashes_of(self._key, content)):
                    seen.add(content.key)
                    self.add(content)
                    grows = True
                    yield content
