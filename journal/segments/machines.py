"""The machines whose lanes are here, with their names: `relay/machines.json`.

The relay writes the file; where there was never one, all lanes are of this machine, which has no
name. A name may change, so that nothing that is made from events depends on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from journal.errors import ReadError
from journal.fs.files import swap_file
from journal.fs.ownership import read_own
from journal.segments.listing import list_lanes
from journal.segments.mirrors import parse_mirror
from journal.segments.segment import RETIRED

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from journal.fs.directory import Directory
    from journal.segments.listing import SegmentRef

_FILE = "relay/machines.json"
_MOST = 1 << 24


@dataclass(frozen=True, slots=True)
class Machine:
    """Another machine, as it has reported itself.

    Attributes:
        machine: its uuid.
        name: its name.
        seen: when it reported last, by our clock, microseconds since 1970; 0 for never.
        skew: microseconds by which its clock was ahead of ours then.
    """

    machine: str
    name: str
    seen: int
    skew: int


@dataclass(frozen=True, slots=True)
class Machines:
    """The machines of a journal.

    Attributes:
        machine: the uuid of this one.
        name: its name; its uuid if it never joined a fleet.
        former: uuids that it had before.
        others: all others that were ever known, by their uuids.
    """

    machine: str
    name: str
    former: tuple[str, ...] = ()
    others: tuple[Machine, ...] = ()

    def of_folder(self, folder: str) -> tuple[str, str]:
        """Return the uuid and the name of the machine that writes to a lane's folder."""
        mirrored = parse_mirror(folder)
        if mirrored is None:
            return self.machine, self.name
        machine = mirrored[0]
        return machine, self.name_of(machine)

    def name_of(self, machine: str) -> str:
        """Return the name of a machine; its uuid if it never reported itself."""
        if machine in self.former:
            return self.name
        return next((m.name for m in self.others if m.machine == machine), machine)


SKEW = 3_600_000_000
"""Microseconds of clock skew that are reported: the dates of one machine are wrong."""


@dataclass(frozen=True, slots=True)
class Mirrored:
    """What is here of another machine, or of this one under a uuid that it had before.

    Attributes:
        machine: its uuid.
        name: its name; its uuid if it never reported itself.
        lanes, segments, bytes: of its mirrors.
        seen: when it reported last, microseconds since 1970; 0 for never.
        skew: microseconds by which its clock was ahead of ours then.
    """

    machine: str
    name: str
    lanes: int
    segments: int
    bytes: int
    seen: int
    skew: int


def mirrored(journal: Directory, refs: Iterable[SegmentRef]) -> tuple[Mirrored, ...]:
    """Return what some segments mirror, by machine: those with mirrors, and those that reported.

    Raises:
        ReadError: the names of the machines cannot be read.
    """
    machines = read_machines(journal)
    found: dict[str, list[SegmentRef]] = {each.machine: [] for each in machines.others}
    for ref in refs:
        place = parse_mirror(ref.lane)
        if place is not None:
            found.setdefault(place[0], []).append(ref)
    known = {each.machine: each for each in machines.others}
    rows = []
    for uuid, segments in found.items():
        of = known.get(uuid) or Machine(uuid, machines.name_of(uuid), 0, 0)
        lanes, size = len({ref.lane for ref in segments}), sum(ref.size for ref in segments)
        rows.append(Mirrored(uuid, of.name, lanes, len(segments), size, of.seen, of.skew))
    return tuple(sorted(rows, key=lambda each: (each.name, each.machine)))


def retired_lanes(lanes: Path) -> tuple[str, ...]:
    """Return the folders that no writer leases any more.

    Raises:
        ReadError: the folder of the lanes cannot be read.
    """
    return tuple(name for name in list_lanes(lanes) if (lanes / name / RETIRED).exists())


def read_machines(journal: Directory) -> Machines:
    """Read which machines a journal has lanes of.

    Raises:
        ReadError: the file cannot be read, or is damaged.
    """
    path = journal.path / _FILE
    try:
        found = orjson.loads(read_own(path, _MOST))
        others = tuple(Machine(**each) for each in found["others"])
        return Machines(found["machine"], found["name"], tuple(found["former"]), others)
    except FileNotFoundError:
        return Machines(journal.uuid, journal.uuid)
    except OSError as error:
        raise ReadError(f"cannot read {path}: {error.strerror or error}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise ReadError(
            f"{path} is damaged ({error}): remove it; the next `journal relay run` writes it again"
        ) from error


def write_machines(journal: Directory, machines: Machines) -> None:
    """Write which machines a journal has lanes of. The folder of the relay is there.

    Raises:
        OSError: the file system refuses.
    """
    swap_file(journal.path / _FILE, orjson.dumps(machines))
