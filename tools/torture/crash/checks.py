"""What must hold of a disk that lost its power, whatever it kept."""

from __future__ import annotations

import json
import shutil
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from crash.model import Key, Stored, Tree
from crash.workloads import JOURNAL, content
from journal.directory import open_directory
from journal.importers.driver import Importer
from journal.reader import read_events
from journal.verify import verify
from journal.writer import Journal
from projector.build import rebuild
from projector.projection import Projection

if TYPE_CHECKING:
    from pathlib import Path

    from crash.model import Model
    from journal.soundness import Kind, Problem

EXPLAINED: frozenset[Kind] = frozenset({"torn", "newline", "empty", "damage", "header", "gap"})
"""The kinds of problems that a power loss may leave, in what was not synced."""


_MESSAGE = content("message.appended", {})[:20]


@dataclass(frozen=True, slots=True)
class Place:
    """Where an event stands: the uuid of its lane, its number there, its time."""

    lane: str
    seq: int
    time: int


Found = dict[Key, dict[Place, bytes]]
"""The events in a journal: of each key where it stands, and what it says."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a tree holds, and what came of going on with it.

    Attributes:
        found: the events in it.
        later: the events in it once a lane went on in its next segment: a record at the end of
            the last one may lack nothing but its newline.
        before: the problems in it.
        after: the problems once programs had gone on with it.
        failures: what went wrong, whatever was promised.
    """

    found: Found
    later: Found
    before: tuple[Problem, ...]
    after: tuple[Problem, ...]
    failures: tuple[str, ...]


def lay_out(tree: Tree, root: Path) -> None:
    """Write a tree into an empty folder."""
    for name, stored in tree.items():
        path = root / name
        if stored is None:
            path.mkdir(0o700)
        else:
            path.write_bytes(stored.content)
            path.chmod(0o600)


def look(tree: Tree, model: Model, root: Path, *, source: Path | None, project: bool) -> Seen:
    """Go on with what a tree holds, as programs do after the machine has started again.

    Args:
        tree: what the disk holds.
        model: what was tried on it.
        root: an empty folder; it is emptied again.
        source: a transcript that is imported again.
        project: whether the projection is built too, twice.
    """
    lay_out(tree, root)
    path = root / JOURNAL
    failures: list[str] = []
    try:
        found = read(path)
        before = problems(path)
        now, problems_of_going_on = _go_on(path, found)
        failures += problems_of_going_on
        after = problems(path)
        if source is not None:
            failures += _import_again(path, source, model)
        if project:
            failures += _project(path)
            failures += _retry(path, model)
    finally:
        for entry in root.iterdir():
            shutil.rmtree(entry)
    return Seen(found, now, before, after, tuple(failures))


def read(path: Path) -> Found:
    """Read every event of a journal."""
    found: Found = defaultdict(dict)
    if (path / "lanes").exists():
        for at in read_events(path / "lanes", lambda _ref, _damage: None):
            event = at.record.event
            place = Place(at.lane, at.record.seq, event.time)
            found[event.session, event.id][place] = content(event.type, event.data)
    return dict(found)


def problems(path: Path) -> tuple[Problem, ...]:
    """Verify a journal to which nobody writes."""
    with patch("journal.verify._PATIENCE", 0):
        return verify(path / "lanes").problems if (path / "lanes").exists() else ()


def _go_on(path: Path, found: Found) -> tuple[Found, list[str]]:
    """Append with two handles, one after the other, and read again; return the older events."""
    data = {"role": "user", "content": "after the power loss"}
    new = [("after", f"a{number}") for number in range(4)]
    events: list[dict[str, Any]] = [
        {"type": "message.appended", "session": s, "id": id, "data": data} for s, id in new
    ]
    with Journal.open(path, fsync="always") as journal:
        journal.append(**events[0])
    with Journal.open(path, fsync="never") as journal:
        journal.append(**events[1])
        journal.append_many(events[2:])
        journal.sync()
    now = read(path)
    stand = {key: len(now.pop(key, {})) for key in new}
    failures = [f"{key} was appended and stands {n} times" for key, n in stand.items() if n != 1]
    failures += [
        f"{key} has changed: {found[key]} became {now.get(key)}"
        for key in found
        if not _kept(found[key], now.get(key, {}))
    ]
    return now, failures


def _kept(before: dict[Place, bytes], after: dict[Place, bytes]) -> bool:
    """Say whether all is still there; a lane whose headers are lost may get its uuid later."""

    def bare(places: dict[Place, bytes]) -> set[tuple[int, int, bytes]]:
        return {(place.seq, place.time, said) for place, said in places.items()}

    return bare(before) <= bare(after)


def _import_again(path: Path, source: Path, model: Model) -> list[str]:
    with Journal.open(path, fsync="never") as journal:
        importer = Importer(journal, "auto")
        report = importer.run(importer.sources([source]))
    failures = [f"import: {error}" for error in report.errors.values()]
    found = read(path)
    missing = [key for key in model.tried if key[0] == "talk" and key not in found]
    return failures + [f"{key} is in the transcript, and not imported" for key in missing]


def _project(path: Path) -> list[str]:
    """Compare the projection with the journal, and with one that is built anew."""
    found = read(path)
    with Projection.open(path) as projection:
        failures = _compare(projection, found)
        digest = projection.digest()
        rebuild(open_directory(path, create=False))
        if projection.digest() != digest:
            failures.append("a rebuilt projection differs")
    return failures


def _compare(projection: Projection, found: Found) -> list[str]:
    said = (min(places.items(), key=_by_time) for places in found.values())
    keys = {key for key, (_, first) in zip(found, said, strict=True) if first.startswith(_MESSAGE)}
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
    """Append everything again that was ever tried: each must be there once."""
    with Journal.open(path, fsync="never") as journal:
        for (session, id), contents in model.tried.items():
            type, data = json.loads(contents[0])
            journal.append(type=type, session=session, id=id, data=data)
    found = read(path)
    missing = [f"{key} was said again and is missing" for key in model.tried.keys() - found.keys()]
    with Projection.open(path) as projection:
        return missing + _compare(projection, found)


def _by_time(item: tuple[Place, bytes]) -> int:
    return item[0].time


def judge(seen: Seen, tree: Tree, model: Model, required: set[Key]) -> list[str]:
    """Return what is wrong with a tree, given what was promised when the power was lost."""
    failures = list(seen.failures)
    failures += [f"{key} was acknowledged and is lost" for key in required - seen.found.keys()]
    for key, places in seen.later.items():
        tried = model.tried.get(key, [])
        failures += [f"{key} never said {said!r}" for said in places.values() if said not in tried]
        if len(places) > len(tried):
            failures.append(f"{key} was appended {len(tried)} times and stands {len(places)} times")
    # a damaged line uses up a number, and noise may look like any count of lines
    complete = all(
        len(seen.later.get(key, {})) >= len(t) for key, t in model.tried.items()
    ) and not any(problem.kind == "damage" for problem in (*seen.before, *seen.after))
    for problem in (*seen.before, *seen.after):
        if not _explained(problem, tree, complete=complete):
            failures.append(f"the power loss does not explain {problem}")
    return failures


def _explained(problem: Problem, tree: Tree, *, complete: bool) -> bool:
    if problem.kind not in EXPLAINED or problem.segment is None or problem.offset is None:
        return False
    if problem.kind == "gap":
        return not complete
    file = tree.get(f"{JOURNAL}/lanes/{problem.lane}/{problem.segment:06d}.jsonl")
    if file is None:
        return False  # what was written after the power was back is whole
    end = problem.offset + problem.length
    if problem.offset > len(file.content):
        return False
    return end > file.durable or problem.offset >= file.durable or _torn(problem.offset, end, file)


def _torn(start: int, end: int, file: Stored) -> bool:
    return any(start < last and first < end for first, last in file.torn)
