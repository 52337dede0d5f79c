"""Writes a journal as a `state.db` that Hermes opens: `journal export hermes`.

Hermes reads a session by row ids, so these must grow in the order of the transcript. A message
keeps the number by which Hermes knows it (its row id if it was imported, else what
`append_message` returned), unless another message has that number or it would not grow. All others
are numbered from above the highest.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from journal import ExportFailed
from projector.adapters.hermes.export.columns import (
    bindable,
    highest_number,
    is_later,
    message_values,
    redacted,
    redacted_setting,
    session_values,
)
from projector.adapters.hermes.export.state_file import StateFile
from projector.adapters.hermes.export.state_tables import (
    ROUTE,
    TOPIC_BINDING,
    TOPIC_MODE,
    create_tables,
    create_topics,
    finish_tables,
)
from projector.adapters.hermes.namespaces import META, ROUTES, TOPIC_BINDINGS, TOPIC_MODES
from projector.adapters.hermes.rows.sessions import session_ids
from projector.errors import ProjectorError
from projector.projection import Projection
from projector.store.deciding.values import key_values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import apsw

_PATIENCE = 60.0
"""Seconds to wait for a running projector that is behind."""

_TOPIC_VERSION = "telegram_dm_topic_schema_version"
"""The key of `state_meta` by which Hermes knows that the tables of topics exist."""

_SAME_TITLES = """
SELECT id, title FROM sessions WHERE title IN
  (SELECT title FROM sessions GROUP BY title HAVING count(*) > 1)
  ORDER BY title, started_at DESC, id DESC
"""
_NO_PARENTS = """
UPDATE sessions SET parent_session_id = NULL WHERE parent_session_id IS NOT NULL
  AND parent_session_id NOT IN (SELECT id FROM sessions) RETURNING id
"""


def export(
    journal: Path, file: Path, target: Path, *, redact: Callable[[str], str] | None = None
) -> Mapping[str, int]:
    """Write all sessions of a journal into a database.

    Args:
        journal: folder of the journal.
        file: an empty file to fill.
        target: the path to which the caller will move it.
        redact: returns a text without secrets; None to write all texts as they are.

    Returns:
        Counts of what was written and of what was changed, by their names in a report.

    Raises:
        NotAJournalError: there is no journal.
        ExportFailed: the projection cannot be read, or the file cannot be written.
    """
    for suffix in ("-wal", "-journal"):
        beside = target.with_name(target.name + suffix)
        if beside.exists():
            raise ExportFailed(
                f"{beside} belongs to another database, and SQLite would apply it to the new one:"
                " move it away first"
            )

    def query(source: apsw.Connection) -> Counter[str]:
        # called again if the projection is damaged and was rebuilt
        file.write_bytes(b"")
        with StateFile(file) as made:
            return _Export(source, made, redact).run()

    try:
        with Projection.open(journal) as projection:
            counts, fresh = projection.read(query, patience=_PATIENCE)
    except ProjectorError as error:
        raise ExportFailed(str(error)) from error
    if fresh.behind is not None:
        # on a read-only medium nothing more can be applied
        counts[f"events that are missing ({fresh.behind})"] = fresh.behind.events
    return counts


class _Export:
    """Writes one database."""

    def __init__(
        self, source: apsw.Connection, file: StateFile, redact: Callable[[str], str] | None
    ) -> None:
        self.source = source
        self.file = file
        self._redact = redact
        self.counts: Counter[str] = Counter(sessions=0, messages=0)

    def run(self) -> Counter[str]:
        """Write everything; return the counts.

        Raises:
            ExportFailed: the file cannot be written.
        """
        routes = self._routes()
        later = bool(routes) or is_later(self.source)
        create_tables(self.file, later=later)
        highest = highest_number(self.source)
        for id in session_ids(self.source, "TRUE", (), "ORDER BY s.started_at, s.id"):
            row = self._redacted(session_values(self.source, id, later=later))
            self.file.insert("sessions", row)
            self.counts["sessions"] += 1
            highest = self._messages(row["id"], highest, later=later)
        self._repair()
        for key, value in key_values(self.source, META).items():
            self.file.insert("state_meta", {"key": key, "value": self._setting(key, value)})
        self._topics()
        for route in routes:
            self.file.insert("gateway_routing", self._redacted(route))
        finish_tables(self.file)
        return self.counts

    def _messages(self, session: str, highest: int, *, later: bool) -> int:
        """Write the messages of a session; return the highest number in use afterwards."""
        last = 0
        for own, values in message_values(self.source, session, later=later):
            row = self._redacted(values)
            self.counts["messages"] += 1
            kept = own is not None and own > last
            if own is not None and kept and self.file.insert("messages", row | {"id": own}):
                last = own
                continue
            highest += 1
            last = highest
            self.file.insert("messages", row | {"id": highest})
            if own is not None:
                self.counts["messages with another number"] += 1
        return highest

    def _redacted(self, row: dict[str, Any]) -> dict[str, Any]:
        if self._redact is None:
            return row
        found = redacted(row, self._redact)
        self._count(sum(found[name] != value for name, value in row.items()))
        return found

    def _setting(self, key: str, value: object) -> object:
        bound = bindable(value)
        if self._redact is None:
            return bound
        found = redacted_setting(key, bound, self._redact)
        self._count(int(found != bound))
        return found

    def _count(self, redactions: int) -> None:
        if redactions:
            self.counts["texts with secrets that were redacted"] += redactions

    def _repair(self) -> None:
        """Remove parents that do not exist and make titles unique: Hermes requires both."""
        if gone := len(self.file.execute(_NO_PARENTS)):
            self.counts["parents that are not there"] = gone
        titles = {title for (title,) in self.file.execute("SELECT title FROM sessions")}
        last = None
        for session, title in self.file.execute(_SAME_TITLES):
            if title == last:
                number = 2
                while (new := f"{title} ({number})") in titles:
                    number += 1
                titles.add(new)
                self.file.execute("UPDATE sessions SET title = ? WHERE id = ?", (new, session))
                self.counts["titles that another session has"] += 1
            last = title

    def _topics(self) -> None:
        """Write Telegram's topics, without bindings of sessions that do not exist."""
        tables = {
            "telegram_dm_topic_mode": (TOPIC_MODES, TOPIC_MODE),
            "telegram_dm_topic_bindings": (TOPIC_BINDINGS, TOPIC_BINDING),
        }
        rows = {
            table: [self._row(value, columns) for value in key_values(self.source, name).values()]
            for table, (name, columns) in tables.items()
        }
        version = key_values(self.source, META).get(_TOPIC_VERSION)
        if version is None and not any(rows.values()):
            return
        create_topics(self.file)
        query = "SELECT 1 FROM sessions WHERE id = ?"
        for table, found in rows.items():
            for row in found:
                session = row.get("session_id")
                is_bound = session is None or self.file.execute(query, (session,))
                if is_bound and self.file.insert(table, row):
                    self.counts["topics"] += 1
                else:
                    self.counts["topics left out"] += 1

    def _routes(self) -> list[dict[str, Any]]:
        """Return the gateway's routes as rows."""
        query = (
            "SELECT DISTINCT namespace FROM keys WHERE namespace = ? OR namespace BETWEEN ? AND ?"
        )
        found = self.source.execute(query, (ROUTES, f"{ROUTES}:", f"{ROUTES}:\U0010ffff"))
        spaces = [str(name) for (name,) in found]
        return [
            {"scope": name[len(ROUTES) + 1 :], "session_key": key} | self._row(value, ROUTE)
            for name in spaces
            for key, value in key_values(self.source, name).items()
        ]

    @staticmethod
    def _row(value: object, columns: Mapping[str, str]) -> dict[str, Any]:
        """Return the members of a key's value that have a column and are not null."""
        members = value if isinstance(value, dict) else {}
        return {name: bindable(members[name]) for name in columns if members.get(name) is not None}
