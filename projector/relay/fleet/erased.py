"""Which machine has replaced what was erased: a receipt by machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.erasure.requests import read_requests
from journal.fs.key_file import read_keys
from journal.segments.listing import list_lanes
from journal.segments.segment import open_segment
from projector.errors import NotFound
from projector.relay.config import read_config
from projector.relay.files.own import Names, folder_segments
from projector.relay.fleet.have import parse_have
from projector.relay.identity import RELAY, former_of, machine_of
from projector.relay.state import STATE, State

if TYPE_CHECKING:
    from collections.abc import Collection
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


def receipts(journal: Directory, asked: str | None) -> list[Receipt]:
    """Return a receipt of each other machine that has reported.

    Args:
        journal: the journal.
        asked: a session, or the id of a request to forget: only segments from which this request,
            or one that forgets the session, erased something count; None for all that were
            rewritten.

    Raises:
        NotJoined: the journal belongs to no fleet.
        NotFound: nothing asks to forget it.
        RelayError, JournalError, OSError: something cannot be read.
    """
    read_config(journal)
    requests = None if asked is None else requests_for(journal, asked)
    known = {uuid for uuid, path in _rewritten(journal.lanes) if _is_of(path, requests)}
    with State(journal.path / RELAY / STATE) as state:
        peers = state.peers()
    ours = {machine_of(journal), *former_of(journal)}
    found = []
    for seen, text in peers.values():
        have = parse_have(text.encode())
        if have.machine not in ours:
            there = known.intersection(have.rewritten)
            # one that only sends never had the bytes, unless it mirrored others before
            has_mirrors = have.receives or not have.held.keys() <= {have.machine, *have.former}
            pending = len(known) - len(there) if has_mirrors else 0
            found.append(Receipt(have.machine, have.name, seen, len(there), pending))
    return sorted(found, key=lambda each: each.name)


def requests_for(journal: Directory, asked: str) -> frozenset[str]:
    """Return the ids of the requests that forget a session, or have this id themselves.

    Raises:
        NotFound: there is none.
        JournalError: the journal cannot be read.
    """
    keys = {key.id: key for key in read_keys(journal.path)}
    found = set()
    for request in read_requests(journal).requests:
        key = keys.get(request.key)
        if request.id == asked or (key and key.hash("session", asked) in request.sessions):
            found.add(request.id)
    if not found:
        raise NotFound(
            f"no request forgets the session {asked!r:.80}, and none has this id: `journal"
            " erasures` lists them"
        )
    return frozenset(found)


def _rewritten(lanes: Path) -> list[tuple[str, Path]]:
    names = Names()
    return [
        (each.name, each.path)
        for folder in list_lanes(lanes)
        for each in folder_segments(lanes / folder, names)
        if each.supersedes
    ]


def _is_of(path: Path, requests: Collection[str] | None) -> bool:
    """Return whether a segment has events that one of some requests erased."""
    if requests is None:
        return True
    with open_segment(path) as file:
        content = file.readall() or b""
    return any(f'"by":"{request}"'.encode() in content for request in requests)
