"""Which problems of a journal a power loss explains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.soundness import DEATH

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from journal.soundness import Problem


def unexplained(problems: Iterable[Problem], lanes: Path, lost: int) -> Iterator[Problem]:
    """Yield the problems that the power loss does not explain.

    Explained are an unfinished last line and an empty segment; NUL bytes up to the end of a
    segment, since ext4 may keep a file's new size without the bytes that it needed it for; and,
    if anything was lost that was not promised, a gap where that was.

    Args:
        problems: what `journal verify` finds.
        lanes: the folder of the lanes.
        lost: events that were appended and are not there.
    """
    for problem in problems:
        if problem.kind in DEATH or (problem.kind == "gap" and lost):
            continue
        if problem.kind in {"damage", "header"} and _nul_to_the_end(problem, lanes):
            continue
        yield problem


def _nul_to_the_end(problem: Problem, lanes: Path) -> bool:
    if problem.segment is None or problem.offset is None:
        return False
    segment = (lanes / problem.lane / f"{problem.segment:06d}.jsonl").read_bytes()
    rest = segment[problem.offset :]
    return bool(rest) and not rest.strip(b"\0")
