"""Sets of records, projected in random arrangements: all must give the same content."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Self
from unittest.mock import patch

import apsw

import projector.run.ingest as intake_module
import projector.run.projector as project_module
from journal.erasure.files.joining import examine, find_remains, groups, join, remove
from journal.erasure.lock import erasing
from journal.erasure.request import request_of
from journal.erasure.requests import Forgotten
from journal.format.event_types import ERASURE_REQUESTED
from journal.fs.directory import open_directory
from journal.segments.blocks import read_chunk
from journal.segments.find import find_events
from journal.segments.listing import list_lane, list_lanes, list_segments
from journal.segments.reader import SegmentWalk
from projector import Projection
from projector.db.connections import create
from projector.db.digest import digest
from projector.db.generations import generations
from projector.db.process_lock import ProcessLock
from projector.errors import NotHidden, ProjectionError, QueryTimeout
from projector.run.build import rebuild
from projector.run.hiding import record
from projector.run.lock_holder import catch_up_once
from projector.run.projector import Projector
from tests.support.forgetting.model import put_key, without_forgotten
from tests.support.forgetting.requests import rewrite
from tests.support.forgetting.texts import KEY
from tests.support.made_up import WORDS
from tests.support.model import Content, Model, content
from tests.support.projections import (
    JOURNAL,
    Fact,
    counters,
    grow,
    projector,
    random_steps,
    write_lane,
)
from tests.support.shown import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from random import Random

    from journal.erasure.files.joining import Remains
    from journal.erasure.request import Request


class Diverged(AssertionError):  # noqa: N818 - names what was found
    """Two projections of the same records, or a projection and the model, differ."""


def check_convergence(
    random: Random, records: Sequence[Fact], folder: Path, *, live: bool = False
) -> None:
    """Project records in several arrangements and compare them with the model.

    Args:
        random: chooses the arrangements.
        records: the records to project.
        folder: an empty folder to work in.
        live: whether a journal with generations, rebuilds and failing statements is among the
            arrangements; it takes longer.

    Raises:
        Diverged: the contents are not all equal.
    """
    model = Model(without_forgotten(records))
    expected = model.content(WORDS)
    write_plain(folder / "plain", records)
    put_key(folder)
    with Replaced(folder / "plain.dbs", folder / "plain") as projection:
        projection.catch_up()
        plain = content(projection.db, WORDS)
        seen = shown(projection.db, WORDS)
        duplicates = counters(projection.db)["duplicates"]
    _compare("in one go", replace(plain, digest=""), expected)
    if duplicates != model.duplicates:
        raise Diverged(f"in one go: {duplicates} duplicates, not {model.duplicates}")
    for name in ("first", "second"):
        projected, shows = _arranged(random, records, folder / name)
        _compare(f"the {name} arrangement", projected, plain)
        _compare_shown(f"the {name} arrangement", shows, seen)
    if live:
        projected, shows = _rebuilt(random, records, folder / "live")
        _compare("a journal with rebuilds", projected, plain)
        _compare_shown("a journal with rebuilds", shows, seen)


def _compare(name: str, found: Content, wanted: Content) -> None:
    for field in fields(Content):
        says, should = getattr(found, field.name), getattr(wanted, field.name)
        if says != should:
            raise Diverged(f"{name}: {field.name} is {says!r} and not {should!r}")


def _compare_shown(name: str, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    for what in wanted | found:
        if found.get(what) != wanted.get(what):
            raise Diverged(f"{name}: {what}: {found.get(what)!r} and not {wanted.get(what)!r}")


def write_plain(lanes: Path, records: Sequence[Fact]) -> None:
    """Write records as lanes of one segment each."""
    lanes.mkdir(exist_ok=True)
    for number, lane in enumerate(sorted({fact.lane for fact in records}), 1):
        write_lane(lanes, str(number), [fact for fact in records if fact.lane == lane])


@contextmanager
def small(random: Random) -> Iterator[None]:
    """Set the sizes of batches, transactions and blocks so low that a few events fill several."""
    limits = read_chunk.__kwdefaults__ or {}
    with ExitStack() as stack:
        batch, transaction = random.choice([1, 2, 3, 2_000]), random.choice([1, 500, 10**9])
        stack.enter_context(patch.object(intake_module, "_BATCH", batch))
        stack.enter_context(patch.object(project_module, "_TRANSACTION", transaction))
        block = random.choice([150, 600, 1 << 20])
        stack.enter_context(patch.dict(limits, limit=block))
        for read in (SegmentWalk.read, SegmentWalk.events):
            stack.enter_context(patch.object(read, "__defaults__", (block,)))
        yield


class Replaced:
    """A projection outside a journal, which is replaced when a request makes that necessary.

    Args:
        folder: for its databases.
        lanes: the lanes.

    Attributes:
        db: the projection.
    """

    def __init__(self, folder: Path, lanes: Path) -> None:
        self._folder = folder
        self._lanes = lanes
        self._requests: list[Request] = []
        self._number = 0
        folder.mkdir()

    def __enter__(self) -> Self:
        self._begin()
        return self

    def __exit__(self, *_: object) -> None:
        self.db.close()

    def _begin(self) -> None:
        self._number += 1
        self.db = create(self._folder / f"{self._number}.db", JOURNAL)
        record(self.db, Forgotten(self._requests, [KEY]))
        self._running = Projector(self.db, self._lanes)

    def catch_up(self, *, stay: bool = False) -> None:
        """Apply all events with the projector of the last call, or with a new one."""
        while True:
            try:
                (self._running if stay else Projector(self.db, self._lanes)).catch_up()
            except NotHidden as error:
                self._requests += error.requests
                self.db.close()
                self._begin()
            else:
                return


def erase_some(random: Random, lanes: Path) -> None:
    """Rewrite some final segments as an erasure does, for the requests in the lanes."""
    refs = list_segments(lanes)
    text = ERASURE_REQUESTED.encode()
    found = (request_of(event) for ref in refs for event in find_events(ref, text)[0])
    forgotten = Forgotten(filter(None, found), [KEY])
    joined = {remains.ref.path for remains in _all_remains(lanes)}
    for ref in refs:
        if ref.final and forgotten and random.random() < 0.4:
            if ref.path in joined:
                ref.path.unlink()
            else:
                rewrite(ref, forgotten)


def join_some(random: Random, lanes: Path) -> None:
    """Join some final segments as compaction does, and remove some files of joined segments."""
    with erasing(lanes.parent, 0.0) as lock:
        for name in list_lanes(lanes):
            refs = list_lane(lanes / name)
            joined = {remains.ref for remains in find_remains(refs)}
            found = (
                examine(ref) if ref.final and random.random() < 0.8 else None
                for ref in refs
                if ref not in joined
            )
            # the orders of made-up lanes do not grow, which is no reason here to leave them
            for group in groups(sound and replace(sound, orders=None) for sound in found):
                join(group, lock)
        for remains in _all_remains(lanes):
            if random.random() < 0.4:
                remove(remains, lock)


def _all_remains(lanes: Path) -> list[Remains]:
    return [each for name in list_lanes(lanes) for each in find_remains(list_lane(lanes / name))]


def growing(
    random: Random, records: Sequence[Fact], lanes: Path, *, erases: bool, compacts: bool
) -> Iterator[None]:
    """Write records to lanes in random steps; yield after each.

    Args:
        random: chooses the steps.
        records: the records.
        lanes: the folder of the lanes.
        erases: whether something is erased at each step.
        compacts: whether segments are joined at each step.
    """
    for steps in random_steps(random, records):
        grow(lanes, steps)
        if erases:
            erase_some(random, lanes)
        if compacts:
            join_some(random, lanes)
        yield


def _arranged(
    random: Random, records: Sequence[Fact], folder: Path
) -> tuple[Content, dict[str, Any]]:
    """Project records in a random arrangement over one database; return the content."""
    lanes = folder / "lanes"
    lanes.mkdir(parents=True)
    put_key(folder)
    stay = random.random() < 0.5  # one projector for all rounds, or a new one for each
    erases, compacts = random.random() < 0.5, random.random() < 0.5
    with Replaced(folder / "dbs", lanes) as projection, small(random):
        for _ in growing(random, records, lanes, erases=erases, compacts=compacts):
            projection.catch_up(stay=stay)
        return content(projection.db, WORDS), shown(projection.db, WORDS)


def _rebuilt(
    random: Random, records: Sequence[Fact], folder: Path
) -> tuple[Content, dict[str, Any]]:
    """Project records in a random arrangement over a journal with rebuilds and errors.

    At random the projection is rebuilt, or a statement fails and the projector continues.
    """
    journal = open_directory(folder)
    put_key(folder)
    erases, compacts = random.random() < 0.5, random.random() < 0.5
    with small(random):
        for steps in random_steps(random, records):
            grow(journal.lanes, steps)
            if erases:
                erase_some(random, journal.lanes)
            if compacts:
                join_some(random, journal.lanes)
            if random.random() < 0.3:
                rebuild(journal)
            if random.random() < 0.4:
                catch_up_once(journal)
            elif random.random() < 0.7:
                with projector(folder) as running:
                    _catch_up_failing(running, random.randint(1, 80))
                    if random.random() < 0.5:
                        with suppress(NotHidden):
                            running.catch_up()
        beside = _beside(folder)
        catch_up_once(journal)
        with projector(folder) as running:
            running.catch_up()
            found = content(running._db, WORDS)
            if beside not in {None, found.digest}:
                raise Diverged("what is applied in memory beside a projector is another content")
            return found, shown(running._db, WORDS)


def _beside(folder: Path) -> str | None:
    """Return the digest of what is read beside a projector that applies nothing.

    It is None where what is new must be left to that projector.
    """
    lock = ProcessLock(generations(folder).lock)
    unanswered = suppress(ProjectionError, QueryTimeout)
    with lock.held(), Projection.open(folder, timeout=0.5) as reads, unanswered:
        found, fresh = reads.whole(digest, patience=0.0)
        return found if fresh else None
    return None


def _catch_up_failing(running: Projector, number: int) -> None:
    """Catch up until the n-th statement fails, or to the end if there are fewer statements."""
    left = number

    def trace(_cursor: object, statement: str, _bindings: object) -> bool:
        nonlocal left
        if statement != "ROLLBACK":  # if this fails, there is nothing to close
            left -= 1
            if left == 0:
                raise apsw.FullError("made to fail")
        return True

    running._db.exec_trace = trace
    with suppress(ProjectionError):
        running.catch_up()
    running._db.exec_trace = None
