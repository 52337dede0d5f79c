"""What a projection lacks at this moment, for readers that apply nothing themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.segments.gone import repeat_if_gone
from journal.segments.listing import list_segments
from projector.db.schema import APPLIED
from projector.errors import Behind
from projector.run.watermark import lag, load_marks

if TYPE_CHECKING:
    import apsw

    from projector.reading.reader import Reader
    from projector.run.open_segments import Place
    from projector.run.watermark import Mark

_RUNS = "a projector runs and has not come to them"
_NONE_RUNS = "no projector runs: start `projector run`, or run `projector sync` once"


def behind(reader: Reader) -> Behind | None:
    """Return which events of the journal the projection lacks; None if it lacks none.

    Nothing is applied, and nothing is waited for.

    Raises:
        ProjectionError: the projection cannot be read.
        ReadError: a lane cannot be read.
    """
    return repeat_if_gone(lambda: _behind(reader))


def _behind(reader: Reader) -> Behind | None:
    refs = list_segments(reader.journal.lanes)
    applied, marks = reader.look(_look)
    missing = lag(marks, refs)
    if not missing.bytes:
        return None
    why = _RUNS if reader.projector_lock.is_locked() else _NONE_RUNS
    return Behind(missing.bytes, missing.records, applied, why)


def _look(db: apsw.Connection | None) -> tuple[int | None, dict[Place, Mark]]:
    if db is None:
        return None, {}
    applied = db.execute("SELECT value FROM _meta WHERE key = ?", (APPLIED,)).get
    return applied or None, load_marks(db)
