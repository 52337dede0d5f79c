"""The SQL views of a projection that other programs may use: their names and columns are stable.

Everything else in the database is internal and named `_...`; it changes with any version. What a
view is, and what each of its columns means, is written here only: the DDL (`CREATE`) and the tables
in docs/sql.md are made of it.

A view selects from few tables, without grouping or windows, so that SQLite flattens it into the
query around it: an index serves a condition on `session`, `id` or `rowid`, and a column that a
query does not name costs nothing.
"""

from __future__ import annotations

from projector.db.public_views.events import CONFLICTS, COPIES, EVENTS, LANES, QUARANTINE
from projector.db.public_views.messages import ALL_MESSAGES, MESSAGE_CHANGES, MESSAGES
from projector.db.public_views.sessions import KEYS, SESSIONS, USAGE

VIEWS = (
    SESSIONS,
    MESSAGES,
    ALL_MESSAGES,
    USAGE,
    KEYS,
    EVENTS,
    MESSAGE_CHANGES,
    COPIES,
    CONFLICTS,
    QUARANTINE,
    LANES,
)
"""Every view, in the order in which docs/sql.md has them."""

CREATE = "".join(view.create for view in VIEWS)
"""The statements that make all views."""
