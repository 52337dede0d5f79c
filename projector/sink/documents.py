"""Messages of a projection as documents of a sink."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from projector.db.columns import Columns, from_columns
from projector.db.schema import OUTBOX, part_of
from projector.fold.facets import facets
from projector.fold.messages import OUT
from projector.outbox import build_of
from projector.sink.document import Document
from projector.text.document import searched
from projector.text.normalize import fold, index_form
from projector.views.machines import lane_owners

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import apsw

_FULL = 32 * 1024 * 1024
"""Characters of texts from which on a batch is full: with few and long messages, too, it takes some
hundred MiB at most."""
_LONGEST = 1_000_000
"""Characters of a text that is sent: as many as are indexed."""

_COLUMNS = (
    "s.session, e.event_id, e.state, coalesce(e.timestamp, e.time), e.lane_row,"
    " EXISTS (SELECT 1 FROM _shared x WHERE x.event = e.id AND x.home IS NOT NULL),"
    " e.role, e.source, e.content, e.content_is_json, e.other_fields"
)
_SCANNED = (
    f"SELECT d.id, {_COLUMNS} FROM fts_docsize d CROSS JOIN _events e ON e.id = d.id"
    " CROSS JOIN _sessions s ON s.id = e.session WHERE d.id > ? ORDER BY d.id LIMIT ?"
)
_CHANGED = (
    f"SELECT o.position, {_COLUMNS} FROM _outbox o CROSS JOIN _events e ON e.id = o.event"
    " CROSS JOIN _sessions s ON s.id = e.session WHERE o.position > ? ORDER BY o.position LIMIT ?"
)


@dataclass(frozen=True, slots=True)
class Batch:
    """Documents to be sent next.

    Attributes:
        documents: the documents, in the order in which they are read.
        last: rowid or position of the last one; None if there is none.
        is_last: whether nothing comes behind them.
    """

    documents: list[Document]
    last: int | None
    is_last: bool


class Documents:
    """The messages of one snapshot as documents.

    Attributes:
        part: the part that the database holds, as text; empty if it holds all.
        build: uuid of its build.
        is_kept: whether its outbox is filled.
    """

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self.part = part_of(db) or ""
        self.build = build_of(db)
        query = "SELECT 1 FROM _meta WHERE key = ?"
        self.is_kept = db.execute(query, (OUTBOX,)).get is not None
        self._machines = lane_owners(db)

    def scan(self, behind: int, limit: int, version: int) -> Batch:
        """Return messages that a search finds, whose rowids are greater than one."""
        return self._batch(_SCANNED, behind, limit, lambda _: version)

    def changed(self, behind: int, limit: int, base: int) -> Batch:
        """Return messages in the outbox behind a position."""
        return self._batch(_CHANGED, behind, limit, lambda position: base + position)

    def _batch(self, query: str, behind: int, limit: int, version: Callable[[int], int]) -> Batch:
        documents: list[Document] = []
        size, last = 0, None
        with closing(self._db.execute(query, (behind, limit))) as rows:
            for number, *row in rows:
                last = int(number)
                found = self._document(row, version(last))
                documents.append(found)
                size += len(found.text)
                if size >= _FULL:
                    return Batch(documents, last, is_last=False)
        return Batch(documents, last, len(documents) < limit)

    def every(self) -> Iterator[Document]:
        """Yield all messages that a search finds."""
        for _, *row in self._db.execute(_SCANNED, (0, -1)):
            yield self._document(row, 0)

    def sessions(self) -> set[str]:
        """Return the ids of the sessions that have messages which a search finds."""
        query = "SELECT session FROM _sessions WHERE indexed AND id > 0"
        return {str(session) for (session,) in self._db.execute(query)}

    def _document(self, row: Sequence[Any], version: int) -> Document:
        session, id, state, place, lane, is_replay, *columns = row
        machine = self._machines.get(lane, "")
        is_gone = state >= OUT or is_replay
        if is_gone:
            nothing = ("", "", "", "", 0, (), (), 0, machine, place, "", 0, 1, version)
            return Document(self.part, session, id, *nothing)
        role, source, content, is_json, other = columns
        # neither the text nor a facet depends on what is left out
        data = from_columns(Columns(None, None, None, None, content, bool(is_json), other))
        own, tools, files, failed = facets(data)
        text = fold(index_form(searched(data))[:_LONGEST])
        return Document(
            self.part,
            session,
            id,
            role or "",
            source or "",
            own.model or "",
            own.branch or "",
            int(isinstance(data.get("meta"), str)),
            tools,
            files,
            int(failed),
            machine,
            place,
            text,
            state,
            0,
            version,
        )
