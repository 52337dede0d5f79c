"""Messages and usage that repeat others in other sessions, as forks and second imports do."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from journal.erasure.hashes import message_hashes
from journal.format.bounds import is_key, is_moment
from journal.format.event_types import MESSAGE_APPENDED, USAGE_ADDED
from projector.db.kinds import KINDS
from projector.forgetting.contents import messages_like

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterator

    import apsw

    from journal.format.keyed_hash import Key
    from journal.format.redacted import Redacted
    from journal.redact.redactor import Redactor
    from projector.forgetting.contents import Content


@dataclass(frozen=True, slots=True)
class Naming:
    """Names messages by hashes.

    Attributes:
        key: the key of the hashes.
        redactor: redacts as an export of the journal does. A message that was redacted before it
            arrives is known by what this one leaves of it, if nothing else names it.
    """

    key: Key
    redactor: Redactor

    def hashes(self, content: Content) -> set[str]:
        """Return the hashes that name a message in every session; none of what is no message."""
        event = content.event
        if event.type != MESSAGE_APPENDED:
            return set()
        found = self._hashes(event.id, event.data, event.redacted)
        if content.revised is not None:  # a fork that was made after the revision repeats that
            found |= self._hashes(event.id, content.revised, None)
            for each in content.revisions:
                if each.key == self.key.id and each.content:
                    found |= self._hashes(event.id, content.revised, each)
        return found

    def _hashes(self, id: str, data: dict[str, Any], redacted: Redacted | None) -> set[str]:
        found = set(message_hashes(self.key, id, data, redacted))
        if is_moment(data.get("timestamp")):
            left, _ = self.redactor.redact(MESSAGE_APPENDED, data)
            if left is not data:
                found.update(message_hashes(self.key, id, left, redacted))
        return found


def usage_repeats(db: apsw.Connection, sessions: Collection[str]) -> list[tuple[str, str]]:
    """Return the keys of usage events of other sessions that repeat one of some, as forks do.

    Without them, what these sessions used would count in a fork when they are gone.
    """
    query = (
        "SELECT DISTINCT t.session, e.event_id FROM _sessions s JOIN _shared x ON x.session = s.id"
        " JOIN _shared o ON o.line = x.line AND o.words = x.words AND o.session <> x.session"
        f" JOIN _events e ON e.id = o.event AND e.kind = {KINDS[USAGE_ADDED]}"
        " JOIN _sessions t ON t.id = o.session WHERE s.session IN"
        " (SELECT value FROM json_each(?1)) AND t.session NOT IN (SELECT value FROM json_each(?1))"
    )
    return [(str(name), str(id)) for name, id in db.execute(query, (json.dumps(list(sessions)),))]


class Repeats:
    """Collects messages, and finds those that repeat them, and those that repeat these."""

    def __init__(self, naming: Naming) -> None:
        self._naming = naming
        self._hashes: set[str] = set()
        self._ids: set[str] = set()
        self._timestamps: set[int] = set()

    def add(self, content: Content) -> None:
        """Add a message; anything else has no effect."""
        hashes = self._naming.hashes(content)
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
                if not self._hashes.isdisjoint(self._naming.hashes(content)):
                    seen.add(content.key)
                    self.add(content)
                    grows = True
                    yield content
