"""Sessions with their messages, as values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projector.adapters.hermes.base import journal_of
from projector.adapters.hermes.rows.messages import message_rows
from projector.adapters.hermes.rows.sessions import Row, session_row
from projector.adapters.hermes.sessions.continuations import Continuations
from projector.adapters.hermes.sessions.lists import Lists
from projector.store.way_out import without_secrets

if TYPE_CHECKING:
    import apsw

_ALL = 100_000
"""The most sessions of one export."""


class Export(Lists, Continuations):
    """Sessions with their messages, redacted by the rules of today unless the handle does not."""

    def export_session(self, session_id: str) -> Row | None:
        """Return a session with its `messages`; None if it does not exist."""
        found = self._read(lambda db: _exported(db, session_id))
        return None if found is None else self._redacted([found])[0]

    def export_session_lineage(self, session_id: str) -> Row | None:
        """Return a compressed conversation as one session; None if it does not exist.

        It is the last session with the `messages` of all, `segments` (all sessions) and
        `lineage_session_ids` (their ids).
        """
        segments = [
            segment
            for id in self.get_compression_lineage(session_id)
            if (segment := self.export_session(id)) is not None
        ]
        if not segments:
            return None
        messages = [message for segment in segments for message in segment["messages"]]
        return segments[-1] | {
            "segments": segments,
            "lineage_session_ids": [segment["id"] for segment in segments],
            "message_count": len(messages),
            "messages": messages,
        }

    def export_all(self, source: str | None = None) -> list[Row]:
        """Return all sessions with their `messages`, the last active first."""
        rows = self.search_sessions(source=source, limit=_ALL)

        def query(db: apsw.Connection) -> list[Row]:
            return [row | {"messages": message_rows(db, row["id"])} for row in rows]

        return self._redacted(self._read(query))

    def _redacted(self, rows: list[Row]) -> list[Row]:
        """Return rows without secrets; ids, names of tools and models are as they were."""
        if not self.redact:
            return rows
        return without_secrets(journal_of(self.db_path), rows)


def _exported(db: apsw.Connection, session: str) -> Row | None:
    row = session_row(db, session)
    return None if row is None else row | {"messages": message_rows(db, session)}
