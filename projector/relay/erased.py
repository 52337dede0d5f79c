"""Which machine has replaced what was erased: a receipt by machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.segments.listing import list_lanes
from journal.segments.segment import open_segment
from projector.relay.config import read_config
from projector.relay.files.own import Names, folder_segments
from projector.relay.have import parse_have
from projector.relay.identity import RELAY, former_of, machine_of
from projector.relay.state import STATE, State

if TYPE_CHECKING:
    from pathlib import Path

    from journal.fs.directory import Directory


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a machine has reported about segments that were rewritten.

    Attributes:
        machine: its uuid.
        name: its name.
        seen: when it reported, microseconds since 1970.
        replaced: how many of the rewritten segments it has.
        pending: how many it lacks: it may still have the bytes that were erased.
    """

    machine: str
    name: str
    seen: int
    replaced: int
    pending: int


def receipts(journal: Directory, request: str | None) -> list[Receipt]:
    """Return a receipt of each other machine that has reported.

    Args:
        journal: the journal.
        request: id of a request to forget: only segments from which it erased something count;
            None for all that were rewritten.

    Raises:
        NotJoined: the journal belongs to no fleet.
        RelayError, JournalError, OSError: something cannot be read.
    """
    read_config(journal)
    known = {uuid for uuid, path in _rewritten(journal.lanes) if _is_of(path, request)}
    with State(journal.path / RELAY / STATE) as state:
        peers = state.peers()
    ours = {machine_of(journal), *former_of(journal)}
    found = []
    for seen, text in peers.values():
        have = parse_have(text.encode())
        if have.machine not in ours:
            there = known.intersection(have.rewritten)
            pending = len(known) - len(there)
            found.append(Receipt(have.machine, have.name, seen, len(there), pending))
    return sorted(found, key=lambda each: each.name)


def _rewritten(lanes: Path) -> list[tuple[str, Path]]:
    names = Names()
    return [
        (each.name, each.path)
        for folder in list_lanes(lanes)
        for each in folder_segments(lanes / folder, names)
        if each.supersedes
    ]


def _is_of(path: Path, request: str | None) -> bool:
    """Return whether a segment has events that a request erased."""
    if request is None:
        return True
    with open_segment(path) as file:
        return f'"by":"{request}"'.encode() in file.readall()
