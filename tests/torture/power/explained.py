"""Which problems of a journal a power loss explains. Pure."""

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

    Explained are an unfinished last line and an empty segment. If anything was lost (which was
    not promised, or that is a fault of its own), a gap is too, and so are damaged bytes behind
    all that was promised in their segment: ext4 may keep a file's new size, and of the bytes that
    needed it none, or some sectors.

    Args:
        problems: what `journal verify` finds.
        promised: by folder of the lane and number of the segment, the offset behind the last
            record in it that was promised; nothing was where there is none.
        lost: events that were appended and are not there.
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
