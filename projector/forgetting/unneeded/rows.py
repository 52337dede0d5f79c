"""What both searches read of the events of one session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from journal.format.event_types import SESSION_DELETED, TRANSCRIPT_REPLACED
from projector.db.kinds import KINDS, MESSAGE
from projector.fold.sweeps import joined, reach

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    import apsw

    from projector.fold.sweeps import Copies, Reach

_SHARED = (
    "SELECT 1 FROM _other_contents c JOIN _events e ON e.session = c.session AND"
    f" e.event_id = c.event_id WHERE c.session = ? AND c.type = '{TRANSCRIPT_REPLACED}'"
    f" AND e.kind <> {KINDS[TRANSCRIPT_REPLACED]} LIMIT 1"
)


def kinds(types: Iterable[str]) -> str:
    """Return the numbers of types of events, for a list in SQL."""
    return ", ".join(str(KINDS[type]) for type in types)


def has_shared_key(db: apsw.Connection, session: int) -> bool:
    """Return whether a broken writer gave the key of another event to a new transcript.

    The messages in that count, and would go with the key.
    """
    return db.execute(_SHARED, (session,)).get is not None


def read_copies(db: apsw.Connection, session: int) -> Mapping[str, Copies]:
    """Return the lanes that hold an event which was appended more than once, by its id."""
    found: dict[str, Copies] = {}
    query = (
        "SELECT c.event_id, l.uuid, c.seq FROM _copies c JOIN _lanes l ON l.id = c.lane_row"
        " WHERE c.session = ?"
    )
    for id, lane, seq in db.execute(query, (session,)):
        found.setdefault(id, {})[lane] = seq
    return found


def read_deletions(db: apsw.Connection, session: int, before: int | None = None) -> Reach:
    """Return the events that deletions of a session reach, of those before a moment if given."""
    query = (
        "SELECT time, ord, l.uuid, seq, other_fields FROM _events e"
        " JOIN _lanes l ON l.id = e.lane_row"
        f" WHERE session = ? AND kind <> {MESSAGE} AND kind = {KINDS[SESSION_DELETED]}"
    )
    return joined(
        reach((ord, lane, seq), orjson.loads(text))
        for time, ord, lane, seq, text in db.execute(query, (session,))
        if before is None or time < before
    )


def count_others(db: apsw.Connection, session: int, ids: Collection[str]) -> int:
    """Return how many other contents the keys of events have."""
    query = "SELECT event_id FROM _other_contents WHERE session = ?"
    return sum(id in ids for (id,) in db.execute(query, (session,)))
