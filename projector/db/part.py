"""What a database holds of a journal: all of it, or the sessions of one part.

The sessions of other parts, of which a part has skeletons only (`projector.fold.skeleton`), have
rowids below 0 in `_sessions`, and their events in `_events`. What reads the database sees only rows
above 0 (`hide_foreign`), and so do the documented views.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import apsw

LOWEST = -(2**40)
"""The rowid below that of the first event of another part: they grow, as SQLite appends cheaply."""
PART = "part"
"""Key in `_meta` of the part that a database holds, as text; it is missing if that is all."""

_HIDE = """
CREATE TEMP VIEW _sessions AS SELECT * FROM main._sessions
  WHERE id > 0 OR session >= '@' AND session < 'A';
CREATE TEMP VIEW _events AS SELECT * FROM main._events WHERE id > 0;
CREATE TEMP VIEW _changes AS SELECT * FROM main._changes WHERE session > 0;
CREATE TEMP VIEW _other_contents AS SELECT * FROM main._other_contents WHERE session > 0;
"""


def is_foreign(session: int) -> bool:
    """Return whether a session, by its rowid, belongs to another part."""
    return session < 0


def part_of(db: apsw.Connection) -> str | None:
    """Return the part that a database holds, as text; None if it holds all sessions.

    Raises:
        apsw.Error: the database refuses.
    """
    found: str | None = db.execute("SELECT value FROM _meta WHERE key = ?", (PART,)).get
    return found


def hide_foreign(db: apsw.Connection) -> None:
    """Hide the sessions of other parts on a connection that reads a part.

    The keys of namespaces (`@...`) stay: each part has all of them.

    Raises:
        apsw.Error: the database refuses.
    """
    if part_of(db) is not None:
        db.execute(_HIDE)
