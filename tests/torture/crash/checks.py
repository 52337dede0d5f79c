"""The rules for a disk after a power loss, whatever it kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from tests.torture.crash.model import Key, Stored, Tree
from tests.torture.crash.workloads import JOURNAL

if TYPE_CHECKING:
    from journal.verify.checks import Kind, Problem
    from tests.torture.crash.model import Model

EXPLAINED: frozenset[Kind] = frozenset({"torn", "newline", "empty", "damage", "header", "gap"})
"""The kinds of problems that a power loss may cause in unsynced bytes."""


class Place(NamedTuple):
    """The place of an event: the uuid of its lane, its number, its order."""

    lane: str
    seq: int
    order: int


Found = dict[Key, dict[Place, bytes]]
"""The events in a journal: for each key, its places and contents."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The events of a tree, and the results of continuing on it.

    Attributes:
        found: the events in it.
        later: the events in it after a lane continued in its next segment: a record at the end of
            the last one may lack only its newline.
        before: the problems in it.
        after: the problems after programs continued on it.
        failures: failures that do not depend on the promises.
    """

    found: Found
    later: Found
    before: tuple[Problem, ...]
    after: tuple[Problem, ...]
    failures: tuple[str, ...]


def judge(seen: Seen, tree: Tree, model: Model, required: set[Key]) -> list[str]:
    """Return what is wrong with a tree, given the promises at the power loss."""
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
        failures += [
            f"{key} was never appended as {found!r}"
            for found in places.values()
            if found not in tried
        ]
        if len(places) > len(tried):
            failures.append(f"{key} was appended {len(tried)} times and occurs {len(places)} times")
    # a damaged line uses a number, and noise may look like any number of lines
    complete = all(
        len(seen.later.get(key, {})) >= len(t)
        for key, t in model.tried.items()
        if key not in model.erased
    ) and not any(problem.kind == "damage" for problem in (*seen.before, *seen.after))
    problems = (*seen.before, *seen.after)
    # `verify` counts the records behind a lost header to the lane before it, also if the header
    # began another lane: their numbers are known there
    headless = {
        (problem.lane, problem.segment)
        for problem in problems
        if problem.kind in ("damage", "header") and problem.offset == 0
    }
    for problem in problems:
        if problem.kind == "sequence" and (problem.lane, problem.segment) in headless:
            continue
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
        return False  # events that were written after the restart must be complete
    end = problem.offset + problem.length
    if problem.offset > len(file.content):
        return False
    return end > file.durable or problem.offset >= file.durable or _torn(problem.offset, end, file)


def _torn(start: int, end: int, file: Stored) -> bool:
    return any(start < last and first < end for first, last in file.torn)
