"""What must hold of a disk that lost its power, whatever it kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from tests.torture.crash.model import Key, Stored, Tree
from tests.torture.crash.workloads import JOURNAL

if TYPE_CHECKING:
    from journal.verify.checks import Kind, Problem
    from tests.torture.crash.model import Model

EXPLAINED: frozenset[Kind] = frozenset({"torn", "newline", "empty", "damage", "header", "gap"})
"""The kinds of problems that a power loss may leave, in what was not synced."""


class Place(NamedTuple):
    """Where an event stands: the uuid of its lane, its number there, its order."""

    lane: str
    seq: int
    order: int


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


def judge(seen: Seen, tree: Tree, model: Model, required: set[Key]) -> list[str]:
    """Return what is wrong with a tree, given what was promised when the power was lost."""
    failures = list(seen.failures)
    lost = required - seen.found.keys() - model.forgotten
    failures += [f"{key} was acknowledged and is lost" for key in lost]
    failures += [
        f"{key} was erased and is in {path}"
        for path, file in tree.items()
        for key in model.erased
        if file is not None and b'"id":"%b"' % key[1].encode() in file.content
    ]
    for key, places in seen.later.items():
        tried = model.tried.get(key, [])
        failures += [f"{key} never said {said!r}" for said in places.values() if said not in tried]
        if len(places) > len(tried):
            failures.append(f"{key} was appended {len(tried)} times and stands {len(places)} times")
    # a damaged line uses up a number, and noise may look like any count of lines
    complete = all(
        len(seen.later.get(key, {})) >= len(t)
        for key, t in model.tried.items()
        if key not in model.erased
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
