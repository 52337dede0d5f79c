"""What tests of the read side build and compare: lanes byte by byte, projections, and a model."""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from journal.directory import open_directory
from journal.event import (
    MESSAGE_APPENDED,
    MESSAGE_REVISED,
    SESSION_CREATED,
    SESSION_ENDED,
    SESSION_TITLED,
    Event,
)
from journal.record import FORMAT, Header, encode_event, encode_header
from journal.segment import segment_name
from projector.build import open_current
from projector.digest import digest
from projector.document import document
from projector.generation import OnlyOne, generations
from projector.project import Projector
from projector.query import parse
from projector.schema import COUNTERS, create
from projector.views import messages
from tests.fulltext import index_for, index_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path
    from random import Random

    import apsw

    from tests.fulltext import Index

JOURNAL = "0190aaaa-0000-7000-8000-000000000000"
"""The journal's uuid in projections that have no journal directory around them."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A record as a test thinks of it: its lane's uuid, its number there, and the event."""

    lane: str
    seq: int
    event: Event

    @property
    def order(self) -> tuple[int, str, int]:
        """What orders events."""
        return self.event.time, self.lane, self.seq

    @property
    def key(self) -> tuple[str, str]:
        """What makes an event one event."""
        return self.event.session, self.event.id

    @property
    def content(self) -> tuple[str, bytes]:
        """What must be equal for two events under one key to be one."""
        return self.event.type, orjson.dumps(self.event.data, option=orjson.OPT_SORT_KEYS)


def header(lane: str, number: int = 1, *, seq: int = 1, format: int = FORMAT) -> bytes:
    """Return the first line of a lane's n-th segment."""
    return encode_header(Header(format, f"{lane}/{number}", lane, seq, "host", "", 1, 1))


def line(fact: Fact) -> bytes:
    """Return a record as its line, newline included."""
    return encode_event(fact.seq, fact.event)


def message(id: str, content: str, *, session: str = "s", time: int = 0, **fields: Any) -> Event:  # noqa: ANN401 - the fields of a message
    """Return an event that appends a message."""
    data = {"role": "user", "content": content, **fields}
    return Event(id, MESSAGE_APPENDED, session, time, data)


def facts(*events: Event, lane: str = "L1") -> list[Fact]:
    """Return events as the records of one lane, a microsecond apart if they have no time."""
    return [
        Fact(lane, seq, Event(e.id, e.type, e.session, e.time or 10**15 + seq, e.data))
        for seq, e in enumerate(events, 1)
    ]


def write_segment(lanes: Path, folder: str, number: int, content: bytes) -> Path:
    """Append bytes to a segment, making it and its lane if need be."""
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
    """Be the one projector of a journal."""
    journal = open_directory(path)
    lock = OnlyOne(generations(journal.path).lock)
    assert lock.take(), "another projector runs"
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
    return {key: value for key, value in db.execute("SELECT * FROM meta") if key in COUNTERS}


@dataclass(frozen=True, slots=True)
class Content:
    """What a projection says, free of everything that may differ between two of them.

    Attributes:
        digest: of the projection; empty in a model.
        order: of each session its messages in order, as id and data in force.
        sessions: of each session what was folded, with its count of messages.
        counters: events, messages, conflicts, unknown and latest (duplicates are separate).
        conflicts: session, id, type and data of what does not stand.
        found: of each word the messages that hold it.
        index: of each message the terms that stand in the full-text index.
    """

    digest: str
    order: dict[str, list[tuple[str, bytes]]]
    sessions: dict[str, tuple[Any, ...]]
    counters: dict[str, int]
    conflicts: list[tuple[str, str, str, bytes]]
    found: dict[str, set[tuple[str, str]]]
    index: Index


_COUNTED = ("events", "messages", "conflicts", "unknown", "latest")
_FOLDED = "title, source, model, cwd, parent, started, ended, end_reason, extra, messages"


def canonical(data: object) -> bytes:
    """Encode so that equal content gives equal bytes."""
    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS)


def content(db: apsw.Connection, words: Iterable[str]) -> Content:
    """Read what a projection says, checking SQLite and the full-text index on the way."""
    assert db.pragma("integrity_check") == "ok"
    db.execute("INSERT INTO fts(fts) VALUES('integrity-check')")
    order: dict[str, list[tuple[str, bytes]]] = {}
    names = [str(name) for (name,) in db.execute("SELECT session FROM sessions")]
    for name in names:
        views = messages(db, name)
        order[name] = [(view.id, canonical([view.role, view.content])) for view in views]
    sessions = {
        name: (*fields[:8], orjson.loads(fields[8] or "{}"), fields[9])
        for name, *fields in db.execute(f"SELECT session, {_FOLDED} FROM sessions")  # noqa: S608 - a constant
    }
    conflicts = db.execute(
        "SELECT s.session, key, type, data FROM conflicts c JOIN sessions s ON s.id = c.session"
    )
    counted = counters(db)
    return Content(
        digest(db),
        order,
        sessions,
        {name: counted[name] for name in _COUNTED},
        sorted((*names, data.encode()) for *names, data in conflicts),
        {word: _matches(db, word) for word in words},
        index_of(db),
    )


def _matches(db: apsw.Connection, word: str) -> set[tuple[str, str]]:
    rows = db.execute(
        "SELECT s.session, e.key FROM fts JOIN events e ON e.id = fts.rowid"
        " JOIN sessions s ON s.id = e.session WHERE fts MATCH ? AND e.kind = 1",
        (parse(word).match,),
    ).fetchall()
    everything = db.execute("SELECT count(*) FROM fts WHERE fts MATCH ?", (parse(word).match,)).get
    assert everything == len(rows), f"{word!r} finds rows that are no message"
    return {(str(session), str(key)) for session, key in rows}


@dataclass
class Model:
    """What a set of records means, worked out from the design without a database."""

    records: list[Fact]
    standing: dict[tuple[str, str], Fact] = field(default_factory=dict)
    rivals: list[Fact] = field(default_factory=list)
    duplicates: int = 0

    def __post_init__(self) -> None:
        contents: dict[tuple[str, str], dict[tuple[str, bytes], Fact]] = {}
        for record in sorted(self.records, key=lambda fact: fact.order):
            same = contents.setdefault(record.key, {})
            self.duplicates += record.content in same
            same.setdefault(record.content, record)
        for key, same in contents.items():
            first, *rest = sorted(same.values(), key=lambda fact: fact.order)
            self.standing[key] = first
            self.rivals += rest

    def content(self, words: Iterable[str]) -> Content:
        """Return what a projection of the records must say."""
        in_force = {k: self._in_force(f) for k, f in self._of(MESSAGE_APPENDED).items()}
        known = {MESSAGE_APPENDED, MESSAGE_REVISED, SESSION_CREATED, SESSION_ENDED, SESSION_TITLED}
        names = {fact.key[0] for fact in self.records}
        return Content(
            "",
            {name: self._conversation(name, in_force) for name in names},
            {name: self._folded(name) for name in names},
            {
                "events": len(self.standing),
                "messages": len(in_force),
                "conflicts": len(self.rivals),
                "unknown": sum(f.event.type not in known for f in self.standing.values()),
                "latest": max((f.event.time for f in self.records), default=0),
            },
            sorted((*f.key, *f.content) for f in self.rivals),
            {
                word: {k for k, data in in_force.items() if _holds(document(data), word)}
                for word in words
            },
            index_for(in_force),
        )

    def _of(self, type: str) -> dict[tuple[str, str], Fact]:
        return {key: fact for key, fact in self.standing.items() if fact.event.type == type}

    def _in_force(self, said: Fact) -> dict[str, Any]:
        data = dict(said.event.data)
        of_it = [
            fact
            for (session, _), fact in self._of(MESSAGE_REVISED).items()
            if session == said.key[0] and fact.event.data.get("message") == said.key[1]
        ]
        for revision in sorted(of_it, key=lambda fact: fact.order):
            data.update({k: v for k, v in revision.event.data.items() if k != "message"})
        return data

    def _conversation(
        self, name: str, in_force: dict[tuple[str, str], dict[str, Any]]
    ) -> list[tuple[str, bytes]]:
        data = {id: data for (session, id), data in in_force.items() if session == name}
        orders = {id: self.standing[name, id].order for id in data}
        moments = {id: data[id].get("timestamp", orders[id][0]) for id in data}
        above = {id: data[id].get("parent") for id in data}
        above = {id: p if p in data and p != id else None for id, p in above.items()}
        for id in data:  # in a ring, the first by moment and id begins
            ring = _ring(id, above)
            if ring and id == min(ring, key=lambda other: (moments[other], other)):
                above[id] = None

        def place(id: str) -> tuple[int, int]:
            parent = above[id]
            if parent is None:
                return moments[id], 0
            at, depth = place(parent)
            return (moments[id], 0) if at < moments[id] else (at, depth + 1)

        ids = sorted(data, key=lambda said: (*place(said), *orders[said]))
        return [(id, canonical([data[id].get("role"), data[id].get("content")])) for id in ids]

    def _folded(self, name: str) -> tuple[Any, ...]:
        fields: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        own = [fact for key, fact in self.standing.items() if key[0] == name]
        for fact in sorted(own, key=lambda fact: fact.order):
            data = fact.event.data
            if fact.event.type in {SESSION_CREATED, SESSION_TITLED}:
                fields.update({k: v for k, v in data.items() if k != "extra"})
                extra.update(data.get("extra", {}))
            elif fact.event.type == SESSION_ENDED and "ended" not in fields:
                fields["ended"] = data.get("ended", fact.event.time)
                fields["end_reason"] = data.get("reason")
        count = sum(fact.event.type == MESSAGE_APPENDED for fact in own)
        order = ("title", "source", "model", "cwd", "parent", "started", "ended", "end_reason")
        return (*(fields.get(k) for k in order), extra, count)


def _ring(id: str, above: dict[str, str | None]) -> list[str]:
    """Return the ring of parents that a message is in; empty if it is in none."""
    ring = [id]
    at = above[id]
    while at is not None and at not in ring:
        ring.append(at)
        at = above[at]
    return ring if at == id else []


def _holds(text: str, word: str) -> bool:
    return word in (text.split() if word.isascii() else text)


WORDS = ("alpha", "beta", "gamma", "delta", "get_user_name", "北京", "京", "안녕", "手机")
"""Words that made-up messages hold, and one that none holds on its own."""
ODD = (
    "",
    "\0",
    "two\u2028lines\u0085of\x0ctext\r\n",
    "Ünïcödé na\u0131\u0308ve ÎÅ \u017f ß",
    "\U00020000\U0002a6df𠮷野家",
    "ﾊﾝｶｸ ﬁn Ⅻ ①",
    "👩‍👩‍👧‍👦 \ufeff\u200b\u202e",
    "C++ a.b/c-d_e '\"OR* NEAR( ^",
    '{"crc":"00000000","seq":1}',
    "ไทย العربية हिन्दी",
    "x" * 700,
)
"""Texts that have troubled programs; none holds one of the words."""


def random_facts(random: Random, most: int = 24) -> list[Fact]:
    """Make up records that collide, revise, answer, end and repeat each other in every way."""
    lanes = [f"lane-{random.choice('abc')}{n}" for n in range(random.randint(1, 3))]
    numbers = {lane: itertools.count(1) for lane in lanes}
    ids = [f"m{n}" for n in range(random.choice([4, 5, 14]))]  # crowded, or with room
    made: list[Fact] = []
    for _ in range(random.randint(1, most)):
        lane = random.choice(lanes)
        time = random.randint(1, 12)
        if made and random.random() < 0.2:  # again, maybe at another time
            event = random.choice(made).event
            time = random.choice([time, event.time])
            event = Event(event.id, event.type, event.session, time, event.data)
        else:
            event = _random_event(random, time, ids)
        made.append(Fact(lane, next(numbers[lane]), event))
    return made


def _random_event(random: Random, time: int, ids: list[str]) -> Event:
    session = random.choice(["s1", "s1", "s2"])
    make = random.choice([_said, _said, _said, _revised, _about, _ended, _unknown])
    type, data = make(random, ids)
    # any two types may meet under one key
    id = random.choice(ids if random.random() < 0.9 else ["e1", "e2"])
    if type != MESSAGE_APPENDED and random.random() < 0.7:
        id = random.choice(["e1", "e2", "e3", "e4", f"e{time}"])
    return Event(id, type, session, time, data)


def _fields(random: Random, ids: list[str]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    if random.random() < 0.8:
        said = " ".join(random.choices(WORDS, k=random.randint(0, 3)))
        if random.random() < 0.1:
            said = f"{random.choice(ODD)} {said}"
        parts = [{"type": "text", "text": said}]
        data["content"] = parts if random.random() < 0.2 else said
    if random.random() < 0.4:
        data["timestamp"] = random.randint(1, 12)
    if random.random() < 0.5:
        data["parent"] = random.choice([*ids, "e1", "nobody"])
    if random.random() < 0.2:
        data["extra"] = {"k": random.choice([1, 1.0, "1", None, [], {"z": 1, "a": 2}])}
    return data


def _said(random: Random, ids: list[str]) -> tuple[str, dict[str, Any]]:
    return MESSAGE_APPENDED, {"role": random.choice(["user", "tool"]), **_fields(random, ids)}


def _revised(random: Random, ids: list[str]) -> tuple[str, dict[str, Any]]:
    return MESSAGE_REVISED, {"message": random.choice([*ids, "e1"]), **_fields(random, ids)}


def _about(random: Random, _ids: list[str]) -> tuple[str, dict[str, Any]]:
    if random.random() < 0.5:
        return SESSION_TITLED, {"title": random.choice(["one", "two"])}
    extra = {random.choice("ab"): random.randint(1, 3)}
    data = {"model": random.choice(["m", "n"]), "source": "cli", "started": 5, "extra": extra}
    return SESSION_CREATED, dict(random.sample(sorted(data.items()), random.randint(0, 4)))


def _ended(random: Random, _ids: list[str]) -> tuple[str, dict[str, Any]]:
    return SESSION_ENDED, random.choice([{}, {"reason": "done"}, {"ended": 7}])


def _unknown(random: Random, ids: list[str]) -> tuple[str, dict[str, Any]]:
    return random.choice(["tool.used", "file.seen"]), {"message": random.choice(ids)}


@dataclass(frozen=True, slots=True)
class Step:
    """Bytes that one segment gains."""

    folder: str
    number: int
    content: bytes


def random_steps(random: Random, records: Sequence[Fact]) -> list[list[Step]]:
    """Arrange records as lanes that grow: folders, segments, pieces and rounds are random.

    Between two rounds a projector may catch up. Pieces may end in the midst of a line. One lane
    may stand twice, as after a copy between machines.
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
            waiting = header(lane, number, seq=record.seq)
        waiting += line(record)
        if random.random() < 0.5:
            cut = len(waiting) - random.choice([0, 0, 7])
            steps.append(Step(folder, number, waiting[:cut]))
            waiting = waiting[cut:]
    return [*steps, Step(folder, number, waiting)]


def grow(lanes: Path, steps: Iterable[Step]) -> None:
    """Write what the steps say."""
    for step in steps:
        write_segment(lanes, step.folder, step.number, step.content)


def catch_up(db: apsw.Connection, lanes: Path) -> None:
    """Apply everything with a projector that begins with nothing in memory."""
    Projector(db, lanes).catch_up()
