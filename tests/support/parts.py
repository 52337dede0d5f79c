"""Records projected in parts, beside one projection of all."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from projector.db.digest import digest, digest_of_parts
from projector.fold.part import Part
from tests.support.arrangements import Replaced, growing, small
from tests.support.forgetting.model import put_key
from tests.support.projections import counters

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from random import Random

    from tests.support.projections import Fact

_SUMMED = ("events", "messages", "replays", "conflicts", "unknown")
"""Counters whose sum over the parts is that of the whole."""


def check_parts(random: Random, records: Sequence[Fact], folder: Path, count: int) -> None:
    """Project growing lanes in parts and as a whole; compare digests and counters at each step.

    Args:
        random: chooses how the lanes grow, and what is erased and joined meanwhile.
        records: the records to project.
        folder: an empty folder to work in.
        count: how many parts.
    """
    lanes = folder / "lanes"
    lanes.mkdir(parents=True)
    put_key(folder)
    erases, compacts, stay = (random.random() < 0.5 for _ in range(3))
    with ExitStack() as stack:
        stack.enter_context(small(random))
        whole = stack.enter_context(Replaced(folder / "whole", lanes))
        parts = [
            stack.enter_context(Replaced(folder / Part(count, number).folder, lanes))
            for number in range(1, count + 1)
        ]
        for _ in growing(random, records, lanes, erases=erases, compacts=compacts):
            late = random.sample(parts, random.randint(0, count))
            for each in (whole, *(part for part in parts if part not in late)):
                each.catch_up(stay=stay)
        for each in (whole, *parts):
            each.catch_up(stay=stay)
        assert digest_of_parts([part.db for part in parts]) == digest(whole.db)
        numbers = counters(whole.db)
        sums = [counters(part.db) for part in parts]
        for name in _SUMMED:
            assert sum(each[name] for each in sums) == numbers[name], name
        for part in parts:
            # what is there is of its own sessions: text, and entries of the index
            texts = "SELECT count(*) FROM _events WHERE id < 0 AND (content GLOB '* *')"
            assert part.db.execute(texts).get == 0
            foreign = "SELECT count(*) FROM fts_docsize WHERE id < 0"
            assert part.db.execute(foreign).get == 0
