"""Requests to forget, as far as a projection knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.format.event_types import ERASURE_COMPLETED, FORGET
from projector.db.kinds import KINDS

if TYPE_CHECKING:
    import apsw

_DONE = (
    "SELECT r.value FROM _events e, json_each(e.other_fields, '$.requests') r"
    f" WHERE e.kind = {KINDS[ERASURE_COMPLETED]}"
    " AND e.session = (SELECT id FROM _sessions WHERE session = ?)"
)


def count_requests(db: apsw.Connection) -> tuple[int, int]:
    """Return how many requests to forget are applied, and how many of these have no receipt."""
    ids = {str(id) for (id,) in db.execute("SELECT id FROM _requests")}
    done = {str(id) for (id,) in db.execute(_DONE, (FORGET,))}
    return len(ids), len(ids - done)
