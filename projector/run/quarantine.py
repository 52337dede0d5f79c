"""The table of bytes that are no valid record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projector.run.watermark import place

if TYPE_CHECKING:
    import apsw

    from journal.format.scan import Damage
    from journal.segments.listing import SegmentRef
    from projector.apply.state import State
    from projector.run.watermark import Mark


def set_aside(
    db: apsw.Connection, state: State, ref: SegmentRef, mark: Mark, damage: Damage
) -> None:
    """Note a stretch of bytes of a segment, and count it."""
    before = db.total_changes()
    db.execute(
        "INSERT INTO _quarantine(lane_folder, number, offset, length, lane, segment, reason)"
        " VALUES(?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            *place(ref),
            damage.offset,
            damage.length,
            state.uuids[mark.lane] if mark.lane else "",
            mark.uuid,
            damage.reason,
        ),
    )
    state.counters["quarantined"] += db.total_changes() - before


def clear(db: apsw.Connection, state: State, ref: SegmentRef) -> None:
    """Remove what was noted of a segment, which is read again."""
    before = db.total_changes()
    db.execute("DELETE FROM _quarantine WHERE lane_folder = ? AND number = ?", place(ref))
    state.counters["quarantined"] -= db.total_changes() - before
