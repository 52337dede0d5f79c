"""The problems of a journal that a power loss explains. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.verify.checks import DEATH

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from journal.verify.checks import Problem


def unexplained(
    problems: Iterable[Problem], promised: Mapping[tuple[str, int], int], lost: int
) -> Iterator[Problem]:
    """Yield the problems that the power loss does not explain.

    An unfinished last line and an empty segment are explained. If an event was lost (a promised one
    would be reported separately), a gap is explained, and so are damaged bytes behind all promised
    records of their segment: ext4 may keep a file's new size with none or some sectors of the new
    bytes.

    Args:
        problems: what `journal verify` finds.
        promised: by lane folder and number of the segment, the offset behind its last promised
            record; missing if it has none.
        lost: events that were appended and do not exist.
    """
    for problem in problems:
        if problem.kind in DEATH:
            continue
        if lost and problem.kind == "gap":
            continue
        if lost and problem.kind in {"damage", "header"} and problem.segment is not None:
            end = promised.get((problem.lane, problem.segment), 0)
            if problem.offset is not None and problem.offset >= end:
                continue
        yield problem
