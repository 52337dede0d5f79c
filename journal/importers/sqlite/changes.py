"""Finds the conversations that may have changed, without reading their contents.

New rows have higher rowids than all before, so the rows after the last one that was read show which
conversations have grown. VACUUM may renumber rows: some rows of each table are known with their
keys, and if one of them has another rowid now, every conversation is looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.importers.sqlite.known import mark_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.sqlite.conversations import Conversations, Growth, Head
    from journal.importers.sqlite.known import KnownDatabase
    from journal.importers.sqlite.snapshot import Snapshot

_KNOWN_ROWS = 8
"""Rows of a table that show whether its rows were renumbered."""
_WARM = 16
"""Conversations that are always looked at, those that changed last: rows may change in place."""


def changed(
    snapshot: Snapshot, source: Conversations, known: KnownDatabase, heads: list[Head]
) -> list[Head]:
    """Return the conversations that may have changed, in the order of `heads`.

    Raises:
        DamagedError: a read failed.
        ImportFailed: the database cannot be read any more.
    """
    grown: set[str] = set(_warm(known))
    for growth in source.growth(snapshot):
        rows = known.tables.get(growth.table, [])
        if not rows or not _is_continued(snapshot, growth, rows):
            return heads
        query = f"SELECT DISTINCT {growth.conversation} WHERE t.rowid > ?"
        found = snapshot.all(query, (rows[-1][0],))
        grown.update(str(value) for row in found for value in list(row.values.values())[:1])
    return [head for head in heads if head.id in grown or _is_new(head, known)]


def known_rows(snapshot: Snapshot, growth: Growth) -> list[tuple[int, int]]:
    """Return rows of a table, as rowid and mark of the key; the last one is the table's last.

    Raises:
        DamagedError: a read failed.
        ImportFailed: the database cannot be read any more.
    """
    last = snapshot.number(f'SELECT coalesce(max(rowid), 0) FROM "{growth.table}"')  # noqa: S608
    places = sorted({last * part // _KNOWN_ROWS for part in range(1, _KNOWN_ROWS + 1)})
    query = (
        f'SELECT rowid AS r, "{growth.key}" AS k FROM "{growth.table}"'  # noqa: S608
        " WHERE rowid <= ? ORDER BY rowid DESC LIMIT 1"
    )
    found = (row.values for place in places for row in snapshot.all(query, (place,)))
    return sorted({(values["r"], mark_of(str(values["k"]))) for values in found})


def _warm(known: KnownDatabase) -> Iterator[str]:
    """Yield the conversations that changed last, and those whose last change may be missing."""
    latest = sorted(known.conversations.items(), key=lambda item: -item[1].newest)
    yield from (id for id, _ in latest[:_WARM])
    yield from (id for id, of in latest if not of.rows)


def _is_new(head: Head, known: KnownDatabase) -> bool:
    before = known.conversations.get(head.id)
    return before is None or before.head != mark_of(head.stamp)


def _is_continued(snapshot: Snapshot, growth: Growth, rows: list[tuple[int, int]]) -> bool:
    """Return whether rows have kept their numbers: those that are still there, and one at least."""
    marks = [(mark, _key(snapshot, growth, row)) for row, mark in rows]
    there = [before == now for before, now in marks if now]
    return bool(there) and all(there)


def _key(snapshot: Snapshot, growth: Growth, row: int) -> int:
    """Return the mark of a row's key; 0 if there is no such row."""
    query = f'SELECT "{growth.key}" AS k FROM "{growth.table}" WHERE rowid = ?'  # noqa: S608
    found = snapshot.all(query, (row,))
    return mark_of(str(found[0].values["k"])) if found else 0
