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

    from tests.torture.arguments import Amount

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


def run_seeds(
    step: str,
    round_of: Callable[[int, Path], Mapping[str, int]],
    amount: Amount,
    given: argparse.Namespace,
    holds: str,
    *,
    parent: str | None = None,
) -> int:
    """Run a round for each seed until one raises an error; print and return the exit code.

    Args:
        step: the name of its module in `steps`: `relay.kills`.
        round_of: runs a round with a seed in an empty folder, which is kept if it raises an error;
            returns counts.
        amount: how many rounds there are.
        given: the options of the step.
        holds: what is printed if nothing is wrong.
        parent: where the folders are made; None: where temporary files are.
    """
    began = time.monotonic()
    totals = Counter(rounds=0)
    for seed in amount.budget(given).seeds():
        folder = Path(tempfile.mkdtemp(prefix=f"{step}-", dir=parent))
        try:
            totals.update(round_of(seed, folder), rounds=1)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this seed's failure
            print(f"FAILED seed {seed}: {type(error).__name__}: {error} (in {folder})")
            print(f"again: {again(step, seed, amount.unit)}", flush=True)
            return 1
        shutil.rmtree(folder)
    done = ", ".join(f"{number:,} {name}" for name, number in totals.items())
    print(f"{step}: {done} in {time.monotonic() - began:.0f} s: {holds}")
    return 0
