"""The machine that a message is from: the one that writes the lane of its event.

It follows from the folder of the lane (`journal.segments.machines`), and not from the event: no row
depends on it, and the digest is the same on all machines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.segments.mirrors import is_mirror, parse_mirror

if TYPE_CHECKING:
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
