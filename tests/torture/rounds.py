"""Rounds of a step, each in a folder of its own, until a time is over or something is wrong."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from tests.torture.arguments import again

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping

_SECONDS = 60.0


def run_rounds(
    step: str,
    round_of: Callable[[Path, int], tuple[Mapping[str, int], list[str]]],
    given: argparse.Namespace,
    holds: str,
) -> int:
    """Run rounds with one seed after the other, at least one; print and return the exit code.

    Args:
        step: the name of its module in `steps`: `board.turns`.
        round_of: runs a round in an empty folder with a seed; returns counts and faults.
        given: the options of the step: `seed` and `seconds`.
        holds: what is printed if nothing is wrong.
    """
    until = time.monotonic() + (_SECONDS if given.seconds is None else given.seconds)
    totals: Counter[str] = Counter()
    faults: list[str] = []
    for seed in count(given.seed):
        folder = Path(tempfile.mkdtemp(prefix=f"{step}-"))
        try:
            counts, found = round_of(folder, seed)
        finally:
            shutil.rmtree(folder)
        totals.update(counts, rounds=1)
        faults += [f"{fault} (again: {again(step, seed)})" for fault in found]
        if faults or time.monotonic() >= until:
            break
    print(f"{step}: seed {given.seed}: {', '.join(f'{n} {name}' for name, n in totals.items())}")
    for fault in faults:
        print(f"{step}: {fault}")
    if not faults:
        print(f"{step}: {holds}")
    return 1 if faults else 0
