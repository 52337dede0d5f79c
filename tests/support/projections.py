"""Helpers for tests of the read side: lanes byte by byte, projections, and random steps."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import orjson

from journal.format.event import Event
from journal.format.event_types import (
    MESSAGE_APPENDED,
)
from journal.format.record import FORMAT, Header, encode_event, encode_header
from journal.fs.directory import open_directory
from journal.process.boot import boot_id
from journal.segments.segment import segment_name
from projector.db.connections import create
from projector.db.generations import generations
from projector.db.process_lock import ProcessLock
from projector.db.schema import COUNTERS
from projector.run.lock_holder import open_current
from projector.run.projector import Projector

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path
    from random import Random

    import apsw


JOURNAL = "0190aaaa-0000-7000-8000-000000000000"
"""The journal's uuid in projections without a journal around them."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A record as tests use it: its lane's uuid, its number there, and the event.

    `part` is the index, from 1, of a message in the new transcript that it is from.
    """

    lane: str
    seq: int
    event: Event
    part: int = 0

    @property
    def order(self) -> tuple[int, str, int]:
        """The key by which events are sorted."""
        return self.event.order, self.lane, self.seq

    @property
    def key(self) -> tuple[str, str]:
        """The key by which two events are the same event."""
        return self.event.session, self.event.id

    @property
    def content(self) -> tuple[str, bytes, str]:
        """The part that is equal in two events with one key and the same content."""
        redacted = self.event.redacted
        redactions = "" if redacted is None else _canonical(redacted.fields()).decode()
        return self.event.type, _canonical(self.event.data), redactions


def _canonical(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def header(
    lane: str,
    number: int = 1,
    *,
    seq: int = 1,
    folder: int = 1,
    format: int = FORMAT,
    inode: int = 0,
    copy: str = "",
) -> bytes:
    """Return the first line of a lane's n-th segment; `copy` gives it another uuid."""
    uuid = f"{lane}/{copy}{number}"
    return encode_header(
        Header(format, uuid, lane, folder, seq, "host", boot_id(), 1, 1, inode=inode)
    )


def line(fact: Fact) -> bytes:
    """Return the line of a record, with its newline."""
    return encode_event(fact.seq, fact.event)


def message(id: str, content: str, *, session: str = "s", time: int = 0, **fields: Any) -> Event:  # noqa: ANN401 - the fields of a message
    """Return an event that appends a message."""
    data = {"role": "user", "content": content, **fields}
    return Event(session, id, MESSAGE_APPENDED, time, time, data)


def facts(*events: Event, lane: str = "L1") -> list[Fact]:
    """Return events as the records of one lane, a microsecond apart if they have no time."""
    moments = [event.time or 10**15 + seq for seq, event in enumerate(events, 1)]
    return [
        Fact(lane, seq, replace(event, time=moment, order=event.order or moment))
        for seq, (event, moment) in enumerate(zip(events, moments, strict=True), 1)
    ]


def write_segment(lanes: Path, folder: str, number: int, content: bytes) -> Path:
    """Append bytes to a segment; create it and its lane if they do not exist."""
    lane = lanes / folder
    lane.mkdir(parents=True, exist_ok=True)
    path = lane / segment_name(number)
    with path.open("ab") as file:
        file.write(content)
    return path


def write_lane(lanes: Path, folder: str, records: Sequence[Fact]) -> Path:
    """Write a lane with one segment."""
    content = header(records[0].lane) + b"".join(map(line, records))
    return write_segment(lanes, folder, 1, content)


@contextmanager
def projector(path: Path) -> Iterator[Projector]:
    """Hold the projector's lock of a journal."""
    journal = open_directory(path)
    lock = ProcessLock(generations(journal.path).lock)
    assert lock.acquire(), "another projector runs"
    _, opened = open_current(journal)
    try:
        yield opened
    finally:
        opened.close()
        lock.release()


@contextmanager
def scratch(path: Path) -> Iterator[apsw.Connection]:
    """An empty projection at `path`, outside any journal."""
    db = create(path, JOURNAL)
    try:
        yield db
    finally:
        db.close()


def counters(db: apsw.Connection) -> dict[str, int]:
    """Return the counters of a projection."""
    return {key: value for key, value in db.execute("SELECT * FROM _meta") if key in COUNTERS}


@dataclass(frozen=True, slots=True)
class Step:
    """Bytes that are appended to one segment."""

    folder: str
    number: int
    content: bytes


def random_steps(random: Random, records: Sequence[Fact]) -> list[list[Step]]:
    """Arrange records as lanes that grow: folders, segments, pieces and rounds are random.

    Between two rounds a projector may catch up. Pieces may end in the middle of a line. A lane may
    occur twice, as after a copy between machines.
    """
    by_lane: dict[str, list[Fact]] = {}
    for record in records:
        by_lane.setdefault(record.lane, []).append(record)
    lanes = [*by_lane.items()]
    if random.random() < 0.3:
        lanes.append(random.choice(lanes))
    random.shuffle(lanes)
    streams = [_lane_steps(random, str(n), *lane) for n, lane in enumerate(lanes, 1)]
    rounds: list[list[Step]] = [[]]
    while any(streams):
        rounds[-1].append(random.choice([s for s in streams if s]).pop(0))
        if random.random() < 0.3:
            rounds.append([])
    return rounds


def _lane_steps(random: Random, folder: str, lane: str, records: list[Fact]) -> list[Step]:
    steps = []
    number, waiting = 0, b""
    for record in records:
        if not number or random.random() < 0.15:
            if waiting:
                steps.append(Step(folder, number, waiting))
            number += 1
            # the copies of a lane are cut differently, so their segments differ
            waiting = header(lane, number, seq=record.seq, copy=f"{folder}.")
        waiting += line(record)
        if random.random() < 0.5:
            cut = len(waiting) - random.choice([0, 0, 7])
            steps.append(Step(folder, number, waiting[:cut]))
            waiting = waiting[cut:]
    return [*steps, Step(folder, number, waiting)]


def grow(lanes: Path, steps: Iterable[Step]) -> None:
    """Write the bytes of the steps."""
    for step in steps:
        write_segment(lanes, step.folder, step.number, step.content)


def catch_up(db: apsw.Connection, lanes: Path) -> None:
    """Apply all events with a new projector."""
    Projector(db, lanes).catch_up()
