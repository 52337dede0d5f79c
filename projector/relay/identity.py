"""Which machine a journal is, and how a clone becomes another one.

What stands under our name and is not ours means that this journal is a copy, or that it was
restored: from then on it is another machine, and its lanes are retired, so that no number is
assigned twice under one uuid of a lane.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from journal.fs import disk
from journal.fs.files import make_folder, replace_file, sync_folder
from journal.fs.ownership import read_own
from journal.process.ids import UUID, uuid7
from journal.segments.listing import list_lanes
from journal.segments.segment import RETIRED
from projector.relay.errors import RelayError
from projector.relay.files.own import is_own

if TYPE_CHECKING:
    from pathlib import Path

    from journal.fs.directory import Directory

RELAY = "relay"
"""Name of the folder of the relay in a journal."""
_MACHINE = "machine"
_FORMER = "former"
_MOST = 1 << 20
_UUID = re.compile(UUID)


def machine_of(journal: Directory) -> str:
    """Return the uuid of the machine: that of the journal, before it has another.

    Raises:
        RelayError: the file that has it is damaged.
        OSError: it cannot be read.
    """
    found = _uuids(journal.path / RELAY / _MACHINE)
    if found:
        return found[0]
    if _UUID.fullmatch(journal.uuid) is None:
        raise RelayError(f"{journal.path} has the uuid {journal.uuid!r:.80}, which is none")
    return journal.uuid


def former_of(journal: Directory) -> tuple[str, ...]:
    """Return the uuids that the machine had before.

    Raises:
        RelayError: the file that has them is damaged.
        OSError: it cannot be read.
    """
    return _uuids(journal.path / RELAY / _FORMER)


def become_another(journal: Directory) -> str:
    """Make the journal another machine, retire its lanes, and return its new uuid.

    The old uuid is noted first: if it is interrupted, it is done once more.

    Raises:
        OSError: the file system refuses.
    """
    folder = journal.path / RELAY
    make_folder(folder)
    former = (*former_of(journal), machine_of(journal))
    replace_file(folder / _FORMER, _lines(dict.fromkeys(former)))
    retire_lanes(journal.lanes)
    return name_machine(journal)


def name_machine(journal: Directory) -> str:
    """Give the machine a new uuid, and return it.

    Raises:
        OSError: the file system refuses.
    """
    folder = journal.path / RELAY
    make_folder(folder)
    machine = uuid7()
    replace_file(folder / _MACHINE, _lines([machine]))
    return machine


def retire_lanes(lanes: Path) -> None:
    """Keep writers from leasing the lanes that are there; one that has a lane goes on in it.

    Raises:
        ReadError: the lanes cannot be listed.
        OSError: the file system refuses.
    """
    for name in list_lanes(lanes):
        path = lanes / name / RETIRED
        if is_own(name) and not path.exists():
            fd = disk.in_use.create(path)
            os.close(fd)
            sync_folder(lanes / name)


def _lines(uuids: object) -> bytes:
    return "".join(f"{each}\n" for each in uuids).encode()  # type: ignore[attr-defined]


def _uuids(path: Path) -> tuple[str, ...]:
    try:
        found = tuple(read_own(path, _MOST).decode("ascii", "replace").split())
    except FileNotFoundError:
        return ()
    if not all(map(_UUID.fullmatch, found)):
        raise RelayError(f"{path} is damaged: it has something else than uuids; remove it")
    return found
