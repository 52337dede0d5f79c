"""Continue with a journal on a disk that lost its power, as programs do at the next start."""

from __future__ import annotations

import traceback
from collections import Counter
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING, NamedTuple

from journal.fs.directory import open_directory
from journal.segments.reader import read_events
from journal.verify import verification, verify
from journal.writer import Journal
from projector.projection import Projection
from projector.run.build import rebuild
from projector.upkeep.verify import verify as verify_projection
from tests.torture.faults.workloads import put

from .programs import message
from .promises import oldest_lost, required, unexplained

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from multiprocessing.connection import Connection
    from pathlib import Path

    from .promises import Story

_PATIENCE = 120.0
"""Seconds after which a check counts as hung."""
_NEW = tuple(f"after-{number}" for number in range(4))


@dataclass(frozen=True, slots=True)
class Seen:
    """The state of a journal after a power loss.

    Attributes:
        required: number of promised events.
        found: number of events that exist.
        oldest_lost: age of the oldest acknowledged event that is lost, in nanoseconds.
        problems: number of problems that `journal verify` finds, by kind.
        projected: whether a projection existed.
        wrong: descriptions of failures.
    """

    required: int
    found: int
    oldest_lost: int
    problems: Counter[str]
    projected: bool
    wrong: tuple[str, ...]


def look(path: Path, stories: Sequence[Story], moment: int) -> Seen:
    """Check a journal in a separate process, and continue with it.

    Args:
        path: the journal, if it was created before the cut.
        stories: the records of the programs that used it.
        moment: the time of the cut (nanoseconds, CLOCK_MONOTONIC).
    """
    context = get_context("fork")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=_send, args=(there, path, stories, moment))
    child.start()
    there.close()
    try:
        if not here.poll(_PATIENCE):
            return failed("it hung")
        seen: Seen = here.recv()
    except EOFError:
        child.join()
        return failed(f"the program that looks at it ended with {child.exitcode}")
    finally:
        child.kill()
        child.join()
    return seen


def failed(why: str) -> Seen:
    """Return the result of a check that raised an error."""
    return Seen(0, 0, 0, Counter(), projected=False, wrong=(why,))


def _send(to: Connection, path: Path, stories: Sequence[Story], moment: int) -> None:
    try:
        seen = _look(path, stories, moment)
    except Exception:  # noqa: BLE001 - whatever it is, it is what is looked for
        seen = failed(traceback.format_exc())
    to.send(seen)


def _look(path: Path, stories: Sequence[Story], moment: int) -> Seen:
    put(verification, "_PATIENCE", 0)  # no writer is running
    tried = {id: at for story in stories for id, at in story.tried.items()}
    needed = set().union(*(required(story, moment) for story in stories))
    there, wrong = _read(path), []
    found = Counter(record.id for record in there)
    wrong += _lacks(needed, found, "was promised and is lost")
    for id, times in found.items():
        if times != 1:
            wrong.append(f"{id} is there {times} times")
        if id not in tried or tried[id] > moment:
            wrong.append(f"{id} is there and was not appended before the power went")
    lanes = path / "lanes"
    problems = verify(lanes).problems if lanes.exists() else ()
    lost = sum(at <= moment and id not in found for id, at in tried.items())
    promised: dict[tuple[str, int], int] = {}
    for record in there:
        if record.id in needed:
            place = record.lane, record.segment
            promised[place] = max(record.end, promised.get(place, 0))
    wrong += [f"verify: {problem}" for problem in unexplained(problems, promised, lost)]
    projected = (path / "projection" / "CURRENT").exists()
    wrong += _continue(path, set(found), {id for id, at in tried.items() if at <= moment})
    return Seen(
        len(needed),
        len(found),
        max(oldest_lost(story, moment, set(found)) for story in stories),
        Counter(problem.kind for problem in problems),
        projected,
        tuple(wrong),
    )


def _lacks(ids: set[str], found: Collection[str], what: str) -> list[str]:
    lost = sorted(ids.difference(found))
    return [f"{len(lost)} of {len(ids)}: {lost[0]} {what}"] if lost else []


class _Located(NamedTuple):
    """A record that exists: its id, its lane folder, its segment, and its end offset."""

    id: str
    lane: str
    segment: int
    end: int


def _read(path: Path) -> list[_Located]:
    """Read all events.

    Raises:
        ValueError: an event differs from the appended one.
    """
    found: list[_Located] = []
    if not (path / "lanes").exists():
        return found
    for at in read_events(path / "lanes", lambda _ref, _damage: None):
        event = at.record.event
        kept = {"session": event.session, "id": event.id, "type": event.type, "data": event.data}
        if kept != message(event.id):
            raise ValueError(f"{event.id} is not what was appended: {kept}")
        found.append(_Located(event.id, at.ref.lane, at.ref.number, at.end))
    return found


def _continue(path: Path, found: set[str], tried: set[str]) -> list[str]:
    """Append, read, project and rebuild; return what is wrong."""
    wrong = []
    with Journal.open(path, fsync="always") as handle:
        if found:
            wrong += _compare(path, found)
        handle.append_many([message(id) for id in _NEW[:2]])
    with Journal.open(path, fsync="never") as handle:
        handle.append_many([message(id) for id in _NEW[2:]])
        handle.sync()
    now = {record.id for record in _read(path)}
    wrong += _lacks(found | set(_NEW), now, "is lost after more was appended")
    # a record without its newline counts only after its lane continues in the next segment
    wrong += _lacks(now, found | tried | set(_NEW), "is there and was never appended")
    return wrong + _compare(path, now)


def _compare(path: Path, found: set[str]) -> list[str]:
    """Compare the projection with the journal, and with a rebuild."""
    wrong = []
    with Projection.open(path) as projection:
        digest = projection.digest()
        status = projection.status()
        directory = open_directory(path, create=False)
        wrong += [f"projection: {fault}" for fault in verify_projection(directory)]
        rebuild(directory)
        if projection.digest() != digest:
            wrong.append("a rebuilt projection has another digest")
    if (status.events, status.conflicts) != (len(found), 0):
        wrong.append(f"the journal has {len(found)} events, and the projection {status}")
    return wrong
