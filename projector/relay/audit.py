"""Reads every byte of the mirrors, and sets aside those that are damaged, to be fetched again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.fs import disk
from journal.fs.files import make_folder, sync_folder
from journal.segments.segment import segment_name
from projector.relay.chunk import name_in_folder
from projector.relay.files.own import prefix_crc
from projector.relay.identity import RELAY
from projector.relay.state import STATE, State

if TYPE_CHECKING:
    from journal.fs.directory import Directory

DAMAGED = "damaged"
"""Name of the folder in `relay/` to which damaged mirrors are moved."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit has found.

    Attributes:
        mirrors: segments that were read.
        bytes: of these.
        damaged: those that differ from what arrived: folder and number.
    """

    mirrors: int
    bytes: int
    damaged: tuple[tuple[str, int], ...]


def audit(journal: Directory) -> Audit:
    """Compare the mirrors with the checksums of what arrived; set aside what differs.

    The next run of the relay fetches it again. The caller holds the lock of the relay.

    Raises:
        OSError: a file cannot be read or moved.
    """
    damaged = []
    with State(journal.path / RELAY / STATE) as state:
        mirrors = state.mirrors()
        for held in mirrors:
            path = journal.lanes / held.place.folder / segment_name(held.place.number)
            is_there = path.exists()
            if is_there and prefix_crc(path, held.size) == held.crc:
                continue
            damaged.append((held.place.folder, held.place.number))
            if is_there:
                aside = journal.path / RELAY / DAMAGED
                make_folder(aside)
                disk.in_use.replace(path, aside / name_in_folder(held.place))
                sync_folder(path.parent)
            state.drop_mirror(held.place)
        if damaged:
            state.put(cursor=0, mark="")
    return Audit(len(mirrors), sum(each.size for each in mirrors), tuple(damaged))
