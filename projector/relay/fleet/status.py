"""What `journal relay status` shows: who is behind, by how much, and what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.errors import counted
from journal.process import clock
from projector.relay.config import read_config
from projector.relay.files.own import Names, own_segments
from projector.relay.fleet.have import Have, hash_of, parse_have
from projector.relay.identity import RELAY, former_of, machine_of
from projector.relay.state import STATE, State

if TYPE_CHECKING:
    from journal.fs.directory import Directory


@dataclass(frozen=True, slots=True)
class Peer:
    """Another machine, as it reported itself.

    Attributes:
        machine: its uuid.
        name: its name.
        version: of its program.
        seen: when it reported, by our clock, microseconds since 1970.
        receives: whether it mirrors the others.
        behind: bytes that this machine knows of and that machine lacks; 0 if it mirrors nothing.
        lacking: bytes of that machine that this one lacks; 0 if it mirrors nothing.
        unsent: bytes of its own lanes that it has not sent.
        skew: microseconds by which its clock is ahead of ours.
        is_same: whether it has the same bytes as this machine.
    """

    machine: str
    name: str
    version: str
    seen: int
    receives: bool
    behind: int
    lacking: int
    unsent: int
    skew: int
    is_same: bool


@dataclass(frozen=True, slots=True)
class Status:
    """The state of the relay of a journal.

    Attributes:
        fleet: name of the fleet.
        machine: uuid of this machine.
        former: uuids that it had before.
        name: its name.
        url: address of the server.
        offline: why the relay did not reach the server the last time; empty if it did.
        offline_since: when that began, microseconds since 1970; 0 if it did.
        unsent: bytes of our lanes that are not sent.
        unreplicated: bytes of our lanes that no other machine has reported to have.
        hash: over all that is here.
        mirrored: bytes of all mirrors.
        replicas: servers that have the stream; 0 if that is not known yet.
        holes: segments of which bytes are missing.
        problems: forks, damage, and why something has stopped.
        peers: the other machines.
    """

    fleet: str
    machine: str
    former: tuple[str, ...]
    name: str
    url: str
    offline: str
    offline_since: int
    unsent: int
    unreplicated: int
    hash: str
    mirrored: int
    replicas: int
    holes: int
    problems: tuple[str, ...]
    peers: tuple[Peer, ...]

    @property
    def is_behind(self) -> bool:
        """Whether something is not on every machine that is known."""
        return bool(self.unsent or any(each.behind or each.lacking for each in self.peers))


def read_status(journal: Directory) -> Status:
    """Read the state of a journal's relay, which may run meanwhile. It asks no server.

    Raises:
        NotJoined: the journal belongs to no fleet.
        RelayError, JournalError, OSError: something cannot be read.
    """
    config, machine = read_config(journal), machine_of(journal)
    own = own_segments(journal.lanes, Names())
    with State(journal.path / RELAY / STATE) as state:
        sent = state.sent()
        mirrors = state.mirrors()
        holes, problems, peers = state.holes(), state.problems(), state.peers()
        replicas, most = state.replicas()
        offline = state.get("offline")
        offline_since = int(state.get("offline_since", "0")) if offline else 0
    most = max(most, config.replicas)
    if 0 < replicas < most:
        problems.append(
            f"{counted(replicas, 'server')} of {most} has the stream, as after a `journal relay"
            " scrub` that was killed: run it again on the hub"
        )
    held = {machine: sum(each.size for each in sent.values())}
    for each in mirrors:
        held[each.place.machine] = held.get(each.place.machine, 0) + each.size
    segments = [(key[2], each.size, each.crc) for key, each in sent.items() if each.size]
    segments += [(each.place.segment, each.size, each.crc) for each in mirrors]
    found = hash_of(segments)
    size = {(int(each.folder), each.number, each.name): each.size for each in own}
    unsent = sum(max(0, n - (sent[key].size if key in sent else 0)) for key, n in size.items())
    reports = [(seen, parse_have(have.encode())) for seen, have in peers.values()]
    former = {uuid for _, have in reports for uuid in have.former} | {machine}
    shown = [
        _peer(seen, have, held, found, is_mirror=config.receive)
        for seen, have in reports
        if have.machine not in former
    ]
    replicated = max((have.held.get(machine, 0) for _, have in reports), default=0)
    total = held[machine] + unsent
    return Status(
        fleet=config.fleet,
        machine=machine,
        former=former_of(journal),
        name=config.name,
        url=config.url,
        offline=offline,
        offline_since=offline_since,
        unsent=unsent,
        unreplicated=max(0, total - replicated),
        hash=found,
        mirrored=sum(each.size for each in mirrors),
        replicas=replicas,
        holes=len(holes),
        problems=tuple(problems),
        peers=tuple(sorted(shown, key=lambda each: each.name)),
    )


def _peer(seen: int, have: Have, held: dict[str, int], found: str, *, is_mirror: bool) -> Peer:
    behind = sum(max(0, n - have.held.get(machine, 0)) for machine, n in held.items())
    lacking = sum(max(0, n - held.get(machine, 0)) for machine, n in have.held.items())
    return Peer(
        machine=have.machine,
        name=have.name,
        version=have.version,
        seen=seen,
        receives=have.receives,
        behind=behind if have.receives else 0,
        lacking=lacking if is_mirror else 0,
        unsent=have.unsent,
        skew=have.clock - seen if abs(have.clock - seen) < clock.wall() else 0,
        is_same=have.hash == found,
    )
