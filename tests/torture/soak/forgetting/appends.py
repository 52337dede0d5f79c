"""Whether appends waited for an erasure, judged from what writers and forgetters recorded."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from tests.torture.soak.cast import read_lines
from tests.torture.soak.forgetting.waits import Wait
from tests.torture.soak.programs import Failed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

BOUND = 50_000
"""Microseconds that an append may take beside an erasure, without waits for a processor and without
what the disk made a bare write wait for."""
_WINDOW = 500_000
"""Microseconds before and after an append in which the bare writes are compared with it: one stall
of a disk does not end for all files in the same moment."""
_BOUNDED = ("never", "interval")
"""Levels at which an append does not wait for the disk by itself."""

Span = tuple[int, int]
"""Begin and end of an erasure, by the monotonic clock in microseconds."""


def read_waits(file: Path) -> list[Wait]:
    """Return what the appends of a writer waited for."""
    return [Wait(*line["wait"]) for line in read_lines(file) if "wait" in line]


def read_spans(logs: Path) -> list[Span]:
    """Return when something was erased; for a forgetter that was killed, until it began again."""
    found = []
    for path in logs.glob("*.jsonl"):
        lines = list(read_lines(path))
        found += [(line["at"], after["at"]) for line, after in pairwise(lines) if "asked" in line]
    return found


def judge_appends(
    waits: Mapping[str, Sequence[Wait]], spans: Sequence[Span], bare: Sequence[Wait]
) -> dict[str, object]:
    """Compare appends beside an erasure with the others; return the longest in milliseconds.

    Args:
        waits: of the appends at each level.
        spans: when something was erased.
        bare: of the writes that a writer without the journal made to the same disk.

    Raises:
        Failed: an append that does not wait for the disk by itself took too long, or there was none
            beside an erasure, or no bare write, which proves nothing.
    """
    if not bare:
        raise Failed("the bare writer wrote nothing: what the disk does is not known")
    counts: dict[str, object] = {"bare_longest": _longest(bare, "own")}
    for level, appends in waits.items():
        beside = [each for each in appends if _is_beside(each, spans)]
        if level in _BOUNDED and not beside:
            raise Failed(f"no append at {level} was made beside an erasure")
        others = [each for each in appends if not _is_beside(each, spans)]
        counts[f"{level}_beside"] = len(beside)
        for name, part in (("beside", beside), ("without", others)):
            counts[f"{level}_longest_{name}"] = _longest(part, "own")
            counts[f"{level}_with_queue_{name}"] = _longest(part, "wall")
        if level in _BOUNDED:
            _check(level, beside, bare)
    return counts


def _is_beside(wait: Wait, spans: Sequence[Span]) -> bool:
    return any(wait.began < end and begin < wait.began + wait.wall for begin, end in spans)


def _longest(waits: Sequence[Wait], part: str) -> float:
    return max((getattr(each, part) for each in waits), default=0) / 1000


def _check(level: str, beside: Sequence[Wait], bare: Sequence[Wait]) -> None:
    slow = [each for each in beside if each.own > BOUND]
    for each in slow:
        allowed = _bare_beside(each, bare)
        # the wait for a lock is the journal's, whatever the disk does meanwhile
        if each.own - min(allowed, each.in_call) > BOUND:
            raise Failed(
                f"an append at {level} took {each.own / 1000} ms beside an erasure, without waits"
                f" for a processor; it slept for {each.slept / 1000} ms, its longest operation on"
                f" the disk was {each.call or 'none'}, {each.in_call / 1000} ms, and the longest"
                f" bare write at that time took {allowed / 1000} ms"
            )


def _bare_beside(wait: Wait, bare: Sequence[Wait]) -> int:
    """Return how long the longest bare write took in the window of an append."""
    begin, end = wait.began - _WINDOW, wait.began + wait.wall + _WINDOW
    there = (each.own for each in bare if each.began < end and begin < each.began + each.wall)
    return max(there, default=0)
