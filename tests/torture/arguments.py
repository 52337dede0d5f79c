"""The command line that the steps of the ladder share."""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from itertools import count, islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Budget:
    """The seeds of a step: a number of them, or as many as fit into a time.

    Attributes:
        first: the first seed.
        count: maximum number of seeds; None if only the time ends it.
        seconds: no seed is begun after this time; infinite if only the count ends it.
    """

    first: int
    count: int | None
    seconds: float

    def seeds(self) -> Iterator[int]:
        """Yield the seeds; the time runs from the first one on."""
        until = time.monotonic() + self.seconds
        for seed in islice(count(self.first), self.count):
            if time.monotonic() >= until:
                return
            yield seed

    def chunks(self, size: int) -> Iterator[tuple[int, ...]]:
        """Yield the seeds in portions of a size, each begun before the time is over."""
        seeds = self.seeds()
        while chunk := tuple(islice(seeds, size)):
            yield chunk


@dataclass(frozen=True, slots=True)
class Amount:
    """The number of seeds of a step in a full run and in a sample.

    Attributes:
        whole: seeds of a full run.
        sample: seeds of `--sample`.
        unit: the name of the option for the number of seeds.
    """

    whole: int
    sample: int
    unit: str = "seeds"

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Add the options that set the budget."""
        parser.add_argument(
            f"--{self.unit}", type=int, metavar="N", help=f"how many [default: {self.whole:,}]"
        )
        parser.add_argument("--sample", action="store_true", help=f"{self.sample} {self.unit}")

    def budget(self, given: argparse.Namespace) -> Budget:
        """Return the chosen budget: a number, a sample, what fits into `--seconds`, or all."""
        number: int | None = getattr(given, self.unit)
        if number is None and given.sample:
            number = self.sample
        if number is None and given.seconds is None:
            number = self.whole
        return Budget(given.seed, number, float("inf") if given.seconds is None else given.seconds)


def step_parser(doc: str | None, *, seed: int = 0) -> argparse.ArgumentParser:
    """Return a parser with the options that every step has.

    Args:
        doc: the step's docstring; its first line describes the step.
        seed: the default of `--seed`.
    """
    parser = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    parser.add_argument(
        "--seed", type=int, default=seed, help="the first seed [default: %(default)s]"
    )
    parser.add_argument("--seconds", type=float, help="as much as fits [default: all of it]")
    return parser


def again(step: str, seed: int, unit: str | None = None) -> str:
    """Return the command that repeats one seed of a step."""
    command = f"python -m tests.torture.steps.{step} --seed {seed}"
    return command if unit is None else f"{command} --{unit} 1"
