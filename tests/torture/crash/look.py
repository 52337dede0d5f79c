"""Continue on a disk that lost its power, as programs do after the machine has restarted."""

from __future__ import annotations

import json
import traceback
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import shake_128
from itertools import count
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from journal.erasure.eraser import erase
from journal.fs.directory import open_directory
from journal.importers.run.driver import Importer
from journal.process import clock
from journal.process.boot import boot_id
from journal.segments.reader import read_events
from journal.segments.segment import is_segment_draft
from journal.verify import verify
from journal.writer import Journal
from projector.projection import Projection
from projector.run.build import rebuild
from tests.support.erasing import named
from tests.support.skewed import FIRST, LAST
from tests.torture.crash.checks import Found, Place, Seen
from tests.torture.crash.memory import Memory
from tests.torture.crash.stage import bare
from tests.torture.crash.workloads import JOURNAL, content

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from journal.verify.checks import Problem
    from tests.torture.crash.model import Key, Model, Tree
    from tests.torture.crash.stage import Bytes, Stage

    Listed = tuple[tuple[Key, bytes, Place], ...]

_MESSAGE = content("message.appended", {})[:20]
_NEW = tuple(("after", f"a{number}") for number in range(4))
_LATER = 1_750_003_000_000_000_000
"""Nanoseconds since 1970: three thousand seconds behind the beginning of every workload."""


@dataclass(frozen=True, slots=True)
class Start:
    """The state of the machine after its restart.

    Attributes:
        restarted: whether the machine was restarted, so that its boot id differs.
        offset: nanoseconds by which its clock is wrong.
    """

    restarted: bool
    offset: int


class Looker:
    """Checks one disk after another.

    Clock and noise begin with the same values each time, so that the same events are appended to
    the same disk.

    Args:
        stage: an empty folder in which the disks are built.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._path = stage.root / JOURNAL
        self._source: Path | None = None
        self._memory = Memory()
        self._found: dict[Listed, Found] = {}
        self._ticks = self._noises = count()
        self._now = _LATER
        self._boot = boot_id()

    @contextmanager
    def at_work(self, source: Path | None) -> Iterator[None]:
        """Cache the results of reads, and control the clock and all random values.

        Args:
            source: a transcript that is imported again.
        """
        self._source = source
        with (
            self._memory.installed(),
            patch.object(clock, "_clocks", {}),
            patch("time.time_ns", lambda: self._now + 1000 * next(self._ticks)),
            patch("journal.lanes.lane.boot_id", lambda: self._boot),
            patch("journal.segments.segment_file.boot_id", lambda: self._boot),
            patch("journal.lanes.torn.boot_id", lambda: self._boot),
            patch("os.urandom", lambda n: shake_128(b"%d" % next(self._noises)).digest(n)),
        ):
            yield

    def look(self, tree: Tree, model: Model, start: Start, *, project: bool, recheck: bool) -> Seen:
        """Continue on the disk of a tree.

        Args:
            tree: the content of the disk.
            model: the operations and promises so far.
            start: the state of the machine.
            project: whether the projection is built, too, twice.
            recheck: whether to compare cached results with the disk.
        """
        self._now = min(max(_LATER + start.offset, FIRST), LAST)
        self._boot = "the next one" if start.restarted else boot_id()
        try:
            return self._look(bare(tree), model, project=project, recheck=recheck)
        except Exception:  # noqa: BLE001 - whatever it is, it is what is looked for
            self._stage.clear()
            return Seen({}, {}, (), (), (traceback.format_exc(),))

    def _look(self, disk: Bytes, model: Model, *, project: bool, recheck: bool) -> Seen:
        self._ticks, self._noises, clock._clocks = count(), count(), {}
        self._stage.lay_out(disk)
        if recheck and self._stage.take_in() != disk:
            raise AssertionError("the disk is not what it was to be")
        listed, before = self._read(disk, recheck=recheck)
        _continue(self._path)
        now, after = self._read(self._stage.take_in(), recheck=recheck)
        counts = Counter(key for key, _, _ in now if key in _NEW)
        found = self._by_key(listed)
        later = self._by_key(tuple(item for item in now if item[0] not in counts))
        failures = [
            f"{key} was appended and occurs {counts[key]} times" for key in _NEW if counts[key] != 1
        ]
        if later is not found:
            failures += [
                f"{key} has changed: {places} became {later.get(key)}"
                for key, places in found.items()
                if not _kept(places, later.get(key, {}))
            ]
        if model.forgotten:
            failures += _erase_again(self._path, model)
            self._stage.take_in()
        if self._source is not None:
            failures += _import_again(self._path, self._source, model)
        if project:
            failures += _project(self._path)
            failures += _retry(self._path, model)
        if self._source is not None or project:
            self._stage.clear()
        return Seen(found, later, before, after, tuple(failures))

    def _read(self, disk: Bytes, *, recheck: bool) -> tuple[Listed, tuple[Problem, ...]]:
        """Read every event, in order, and verify."""
        if f"{JOURNAL}/lanes" not in disk:
            return (), ()
        with self._memory.knowing(disk):
            listed, problems = self._listed(), verify(self._path / "lanes").problems
        if recheck and (self._listed(), verify(self._path / "lanes").problems) != (
            listed,
            problems,
        ):
            raise AssertionError("a cached result differs from the disk")
        return listed, self._memory.same(problems)

    def _listed(self) -> Listed:
        key_and_content = self._memory.key_and_content
        return tuple(
            (*key_and_content(at.record), Place(at.lane, at.record.seq, at.record.event.order))
            for at in read_events(self._path / "lanes", lambda _ref, _damage: None)
        )

    def _by_key(self, listed: Listed) -> Found:
        """Return events by key; the same list gives the same object."""
        if listed not in self._found:
            found: Found = {}
            for key, event_content, place in listed:
                found.setdefault(key, {})[place] = event_content
            self._found[listed] = found
        return self._found[listed]


def _continue(path: Path) -> None:
    """Append with two handles, one after the other."""
    data = {"role": "user", "content": "after the power loss"}
    events: list[dict[str, Any]] = [
        {"session": s, "id": id, "type": "message.appended", "data": data} for s, id in _NEW
    ]
    with Journal.open(path, fsync="always") as journal:
        journal.append(**events[0])
    with Journal.open(path, fsync="never") as journal:
        journal.append(**events[1])
        journal.append_many(events[2:])
        journal.sync()


def _kept(before: dict[Place, bytes], after: dict[Place, bytes]) -> bool:
    """Return whether all events exist; a lane without headers may get its uuid later."""

    def bare(places: dict[Place, bytes]) -> set[tuple[int, int, bytes]]:
        return {(place.seq, place.order, event_content) for place, event_content in places.items()}

    return bare(before) <= bare(after)


def read(path: Path) -> Found:
    """Read every event of a journal."""
    found: Found = {}
    for at in read_events(path / "lanes", lambda _ref, _damage: None):
        event = at.record.event
        place = Place(at.lane, at.record.seq, event.order)
        event_content = content(event.type, event.data)
        found.setdefault((event.session, event.id), {})[place] = event_content
    return found


def _import_again(path: Path, source: Path, model: Model) -> list[str]:
    with Journal.open(path, fsync="never") as journal:
        importer = Importer(journal, "auto")
        report = importer.run(importer.sources([source]))
    failures = [f"import: {error}" for error in report.errors.values()]
    found = read(path)
    missing = [key for key in model.tried if key[0] == "talk" and key not in found]
    return failures + [f"{key} is in the transcript, and not imported" for key in missing]


def _erase_again(path: Path, model: Model) -> list[str]:
    """Let another eraser finish an erasure that may have been interrupted."""
    before = read(path)
    ids = {id for _, id in model.forgotten}
    report = erase(open_directory(path, create=False), named(*ids), patience=0)
    after = read(path)
    failures = [f"erasure is pending: {report.pending}"] if report.pending else []
    failures += [f"{key} is erased and there" for key in after if key in model.forgotten]
    failures += [
        f"{key} is lost by erasure"
        for key, places in before.items()
        if key not in model.forgotten and after.get(key) != places
    ]
    drafts = [file for file in (path / "lanes").glob("*/.*") if is_segment_draft(file.name)]
    return failures + [f"{draft} is left" for draft in drafts]


def _project(path: Path) -> list[str]:
    """Compare the projection with the journal, and with a rebuild."""
    found = read(path)
    with Projection.open(path) as projection:
        failures = _compare(projection, found)
        digest = projection.digest()
        rebuild(open_directory(path, create=False))
        if projection.digest() != digest:
            failures.append("a rebuilt projection differs")
    return failures


def _compare(projection: Projection, found: Found) -> list[str]:
    firsts = (min(places.items(), key=_by_order) for places in found.values())
    keys = {
        key for key, (_, first) in zip(found, firsts, strict=True) if first.startswith(_MESSAGE)
    }
    shown = Counter(
        (message.session, message.id)
        for session in sorted({key[0] for key in keys})
        for message in projection.messages(session)
    )
    failures = [f"{key} is shown {shown[key]} times" for key in keys if shown[key] != 1]
    failures += [f"{key} is shown and not in the journal" for key in shown.keys() - keys]
    status = projection.status()
    if (status.events, status.messages, status.conflicts) != (len(found), len(keys), 0):
        failures.append(f"the journal has {len(found)} events, the projection has {status}")
    return failures


def _retry(path: Path, model: Model) -> list[str]:
    """Append every event again; each must exist once."""
    with Journal.open(path, fsync="never") as journal:
        for (session, id), contents in model.tried.items():
            type, data = json.loads(contents[0])
            journal.append(session=session, id=id, type=type, data=data)
    found = read(path)
    missing = [
        f"{key} was appended again and is missing" for key in model.tried.keys() - found.keys()
    ]
    with Projection.open(path) as projection:
        return missing + _compare(projection, found)


def _by_order(item: tuple[Place, bytes]) -> tuple[int, str, int]:
    place, _ = item
    return place.order, place.lane, place.seq
