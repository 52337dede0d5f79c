"""A journal holds everything acknowledged, after any operations in any order."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from journal import Journal
from journal.format.position import Position
from journal.format.record import Header
from journal.format.scan import Found, scan
from journal.fs.directory import open_directory
from journal.segments.reader import Located, read_events
from journal.segments.segment import segment_numbers
from journal.verify import DEATH, verify
from projector.run.build import rebuild
from tests.conftest import few
from tests.support.disks.in_memory import MEMORY
from tests.support.model import Model, canonical, content
from tests.support.projections import Fact, projector

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from journal.lanes.group_commit import Fsync

_ROLL = 1500
"""Size limit of a segment in bytes: a few events."""
_WORDS = ("alpha", "beta", "北京", "gamma")

Appended = tuple[str, str, str, dict[str, Any]]
"""An event as it was appended: session, id, type and data."""

sessions = st.sampled_from(["s1", "s2"])
ids = st.sampled_from(["a", "b", "c", "d", "e", "f"])
texts = st.sampled_from(["alpha", "beta 北京", "gamma alpha", "", "x" * 300])


@st.composite
def events(draw: st.DrawFn) -> Appended:
    """Draw an event; there are few keys, so that duplicates and conflicts occur."""
    session, id = draw(sessions), draw(ids)
    kind = draw(st.sampled_from(["message", "message", "message", "revision", "title", "odd"]))
    if kind == "message":
        data: dict[str, Any] = {"role": "user", "content": draw(texts)}
        if draw(st.booleans()):
            data["parent"] = draw(ids)
        return session, id, "message.appended", data
    if kind == "revision":
        data = {"message": draw(ids), "content": draw(texts)}
        return session, f"r-{id}", "message.revised", data
    if kind == "title":
        return session, f"t-{id}", "session.titled", {"title": draw(texts) or "untitled"}
    return session, f"o-{id}", "agent.odd", {"n": draw(st.integers(0, 3))}


class Held:
    """A handle, and the events appended through it that a power loss may remove."""

    def __init__(self, path: Path, fsync: Fsync) -> None:
        self.fsync = fsync
        self.journal = Journal.open(path, fsync=fsync)
        self.unsynced: list[Position] = []


class Machine(RuleBasedStateMachine):
    """A journal and its projection, compared with a list of appended events.

    The list has each event and its position. It is the whole content of the journal: no event may
    be missing or added, except those that a power loss may remove.
    """

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=MEMORY))
        self.path = self.folder / "journal"
        self.patches: list[Any] = [
            patch("journal.lanes.writer.ROLL_SIZE", _ROLL),
            patch("journal.lanes.lane.ROLL_SIZE", _ROLL),
        ]
        for each in self.patches:
            each.start()
        self.boots = 0
        self.held: list[Held] = []
        self.appended: list[tuple[Position, Appended]] = []
        self.power_was_lost = False
        # complete except for the newline: they are read when their lanes have a next segment
        self.open_ended: list[Appended] = []
        # how far the projection has read each segment: nothing before that can be lost
        self.shown: dict[tuple[str, int], int] = {}

    def teardown(self) -> None:
        """Compare a last time, and close everything."""
        try:
            if self.path.exists():
                self.catch_up()
        finally:
            for held in self.held:
                held.journal.close()
            for each in reversed(self.patches):
                each.stop()
            shutil.rmtree(self.folder)

    @initialize(fsync=st.sampled_from(["never", "always"]))
    def begin(self, fsync: Fsync) -> None:
        """Create a journal, and open a handle."""
        self.held.append(Held(self.path, fsync))

    @rule(fsync=st.sampled_from(["never", "interval", "always"]))
    @precondition(lambda self: len(self.held) < 4)
    def open_a_handle(self, fsync: Fsync) -> None:
        """Open another handle, which leases a new lane or a free one."""
        self.held.append(Held(self.path, fsync))

    def _held(self, data: st.DataObject) -> Held:
        return data.draw(st.sampled_from(self.held), label="handle")

    @rule(data=st.data(), event=events())
    @precondition(lambda self: self.held)
    def append(self, data: st.DataObject, event: Appended) -> None:
        """Append one event, often with a key that was used before."""
        held = self._held(data)
        session, id, type, fields = event
        position = held.journal.append(session=session, id=id, type=type, data=fields)
        self._note(held, [position], [event])

    @rule(data=st.data(), several=st.lists(events(), min_size=1, max_size=6))
    @precondition(lambda self: self.held)
    def append_many(self, data: st.DataObject, several: list[Appended]) -> None:
        """Append several events with one call."""
        held = self._held(data)
        names = ("session", "id", "type", "data")
        given = [dict(zip(names, event, strict=True)) for event in several]
        self._note(held, held.journal.append_many(given), several)

    @rule(data=st.data())
    @precondition(lambda self: self.held and self.appended)
    def append_again(self, data: st.DataObject) -> None:
        """Append an earlier event again, through any handle."""
        held = self._held(data)
        _, event = data.draw(st.sampled_from(self.appended), label="again")
        session, id, type, fields = event
        position = held.journal.append(session=session, id=id, type=type, data=fields)
        self._note(held, [position], [event])

    def _note(self, held: Held, positions: list[Position], several: list[Appended]) -> None:
        self.appended += zip(positions, several, strict=True)
        if held.fsync != "always":
            held.unsynced += positions

    @rule(data=st.data())
    @precondition(lambda self: self.held)
    def sync(self, data: st.DataObject) -> None:
        """Sync a handle: all its events are durable."""
        held = self._held(data)
        held.journal.sync()
        held.unsynced.clear()

    @rule(data=st.data())
    @precondition(lambda self: self.held)
    def close(self, data: st.DataObject) -> None:
        """Close a handle: its lane is free."""
        held = self._held(data)
        held.journal.close()
        self.held.remove(held)

    @rule(data=st.data())
    @precondition(lambda self: self.held)
    def die(self, data: st.DataObject) -> None:
        """Kill a process: it syncs and closes nothing, and no event is lost."""
        held = self._held(data)
        held.journal.after_fork_in_child()
        self.held.remove(held)

    @rule(data=st.data())
    @precondition(lambda self: any(held.unsynced for held in self.held))
    def lose_power(self, data: st.DataObject) -> None:
        """Cut the power of a process: the end of what it had not synced is lost.

        The projection syncs what it reads, so no event that it shows can be lost.
        """
        held = data.draw(st.sampled_from([h for h in self.held if h.unsynced]), label="handle")
        held.journal.after_fork_in_child()
        self.held.remove(held)
        places = self._places()
        last = places[held.unsynced[-1]]
        if last.ref.number != segment_numbers(last.ref.folder)[-1]:
            return
        path = last.ref.path
        ends = [places[p].end for p in held.unsynced if places[p].ref.path == path]
        first = self._begins(path, min(ends))
        if first < self.shown.get((last.ref.lane, last.ref.number), 0):
            return
        size = data.draw(st.integers(first, path.stat().st_size), label="bytes left")
        with path.open("r+b") as file:
            file.truncate(size)
        self.power_was_lost = True
        self._reboot()
        behind = {at: found.end - size for at, found in places.items() if found.ref.path == path}
        self.open_ended += [event for at, event in self.appended if behind.get(at) == 1]
        self.appended = [(at, event) for at, event in self.appended if behind.get(at, 0) <= 1]

    def _reboot(self) -> None:
        """Simulate a restart of the machine: no number may be assigned twice after it."""
        self.boots += 1
        boot = f"boot {self.boots}"
        for module in ("journal.lanes.lane", "journal.segments.segment_file"):
            self.patches.append(patch(f"{module}.boot_id", return_value=boot))
            self.patches[-1].start()

    def _places(self) -> dict[Position, Located]:
        """Return where each record begins and ends, by its position."""
        found = read_events(self.path / "lanes", lambda _ref, _damage: None)
        return {Position(at.lane, at.record.seq): at for at in found}

    def _begins(self, path: Path, end: int) -> int:
        """Return where the record that ends at `end` begins; a header before it is included."""
        begin = 0
        for item in scan(path.read_bytes(), 0):
            if isinstance(item, Found) and item.end >= end:
                return begin
            if not isinstance(item, Found) or not isinstance(item.record, Header):
                begin = item.end if isinstance(item, Found) else begin
        raise AssertionError(f"no record of {path} ends at {end}")

    @rule()
    def catch_up(self) -> None:
        """Apply all events: the projection has the rows of the model."""
        with projector(self.path) as running:
            running.catch_up()
            db = running._db
            self.shown = {
                (folder, number): offset
                for folder, number, offset in db.execute(
                    "SELECT lane_folder, number, offset FROM _segments"
                )
            }
            found = content(db, _WORDS)
        facts = list(self._facts())
        wanted = Model(facts).content(_WORDS)
        assert found.order == wanted.order
        assert found.sessions == wanted.sessions
        assert found.others == wanted.others
        assert found.found == wanted.found
        assert found.counters == wanted.counters

    @rule()
    def rebuild_again(self) -> None:
        """Rebuild: the digest is that of the projection that grew step by step."""
        self.catch_up()
        with projector(self.path) as running:
            before = content(running._db, ()).digest
        rebuild(open_directory(self.path))
        with projector(self.path) as running:
            assert content(running._db, ()).digest == before

    def _facts(self) -> Iterator[Fact]:
        for found in read_events(self.path / "lanes", lambda _ref, _damage: None):
            yield Fact(found.lane, found.record.seq, found.record.event)

    def _counted(self, appended: Iterable[Appended]) -> Counter[tuple[str, str, str, bytes]]:
        return Counter((session, id, type, canonical(data)) for session, id, type, data in appended)

    @invariant()
    def holds_what_was_appended(self) -> None:
        """Every acknowledged event is stored as often as it was appended, and no other event is."""
        if not self.path.exists():
            return
        events = (fact.event for fact in self._facts())
        found = self._counted((e.session, e.id, e.type, e.data) for e in events)
        wanted = self._counted(event for _, event in self.appended)
        assert not found - wanted
        assert not wanted - found - self._counted(self.open_ended)
        with patch("journal.verify.verification._PATIENCE", 0):
            kinds = {problem.kind for problem in verify(self.path / "lanes").problems}
        assert kinds <= (DEATH if self.power_was_lost else set())


TestMachine = pytest.mark.slow(Machine.TestCase)
TestMachine.settings = settings(max_examples=few(), stateful_step_count=30)
