"""The machine that a message is from: the one that writes the lane of its event.

It follows from the folder of the lane (`journal.segments.machines`), and not from the event: no row
depends on it, and the digest is the same on all machines.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.segments.mirrors import is_mirror, parse_mirror

if TYPE_CHECKING:
    from collections.abc import Iterable

    import apsw

    from journal.segments.machines import Machines


def lane_folders(db: apsw.Connection) -> dict[int, str]:
    """Return the folder of each lane, by the lane's row.

    A lane that is in two folders is one of a machine that took a new uuid, and of which its old
    self is mirrored: it counts as the mirror, as it does on all other machines.
    """
    query = "SELECT DISTINCT lane_folder, lane_row FROM _segments"
    rows = sorted((is_mirror(folder), folder, lane) for folder, lane in db.execute(query))
    return {lane: folder for _, folder, lane in rows}


def lane_machines(db: apsw.Connection, machines: Machines) -> dict[int, tuple[str, str]]:
    """Return uuid and name of the machine of each lane, by the lane's row."""
    return {lane: machines.of_folder(folder) for lane, folder in lane_folders(db).items()}


def lane_owners(db: apsw.Connection) -> dict[int, str]:
    """Return the uuid of the machine of each lane, by the lane's row.

    The uuid is empty for this machine: it follows from the folder alone, and no name is needed.
    """
    return {
        lane: "" if (mirror := parse_mirror(folder)) is None else mirror[0]
        for lane, folder in lane_folders(db).items()
    }


@dataclass(frozen=True, slots=True)
class Origin:
    """A filter: only messages from a machine.

    Attributes:
        asked: its name or its uuid.
        machines: those of the journal.
    """

    asked: str
    machines: Machines

    def lanes(self, db: apsw.Connection) -> tuple[int, ...]:
        """Return the rows of its lanes."""
        found = lane_machines(db, self.machines).items()
        return tuple(lane for lane, machine in found if self.asked in machine)


def names(db: apsw.Connection, machines: Machines) -> list[str]:
    """Return the names of the machines that lanes are from, sorted."""
    return sorted({name for _, name in lane_machines(db, machines).values()})


def counts(
    db: apsw.Connection, rows: Iterable[int], machines: Machines
) -> tuple[tuple[str, int], ...]:
    """Return the names of the machines that messages are from, that of most messages first.

    Args:
        db: the projection.
        rows: rowids of messages.
        machines: those of the journal.
    """
    of_lane = lane_machines(db, machines)
    query = (
        "SELECT e.lane_row, count(*) FROM json_each(?) j JOIN _events e ON e.id = j.value"
        " GROUP BY e.lane_row"
    )
    found: Counter[str] = Counter()
    for lane, count in db.execute(query, (json.dumps([*rows]),)):
        found[of_lane[lane][1]] += count
    return tuple(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))
