"""What is summed by blocks of sessions is what `usage` sums."""

from __future__ import annotations

from functools import partial
from random import Random
from typing import TYPE_CHECKING

import pytest

from journal import Journal
from projector.projection import Projection
from projector.views.browsing.block import SIZE, all_blocks
from projector.views.browsing.census import census, count_block
from projector.views.browsing.session_pages import in_order
from projector.views.session_filters import SessionFilters
from projector.views.sessions import session_ids
from projector.views.usage import UsageFilters, usage

if TYPE_CHECKING:
    from pathlib import Path

    from projector.views.usage import By

_BEGIN = 1_700_000_000_000_000
_DAY = 86_400_000_000
_SESSIONS = SIZE + 20


@pytest.fixture(scope="module")
def projection(tmp_path_factory: pytest.TempPathFactory) -> Projection:
    """Sessions of two blocks, with sub-agents, calls in several events, and deletions."""
    path: Path = tmp_path_factory.mktemp("spending") / "journal"
    rng = Random(1)  # noqa: S311 - made-up data
    with Journal.open(path) as journal:
        for number in range(_SESSIONS):
            name = f"s{number:03}"
            data: dict[str, str | int] = {"source": rng.choice(("cli", "codex"))}
            data |= {"cwd": f"/p{rng.randrange(3)}", "model": "m-session"}
            if number % 7 == 6:
                data |= {"parent": f"s{number - 1:03}", "relation": "subagent"}
            journal.append(session=name, type="session.created", data=data)
            for call in range(rng.randrange(4)):
                used: dict[str, str | int | float] = {"input_tokens": rng.randrange(1_000)}
                used |= {"output_tokens": 3, "timestamp": _BEGIN + rng.randrange(90) * _DAY}
                if rng.random() < 0.7:
                    used["estimated_cost"] = rng.random()
                if rng.random() < 0.5:
                    used["model"] = rng.choice(("m-1", "m-2"))
                if rng.random() < 0.5:
                    used["call"] = f"c{call // 2}"
                kind = "usage.set" if rng.random() < 0.1 else "usage.added"
                journal.append(session=name, type=kind, data=used)
            if number % 20 == 5:
                journal.append(session=name, type="session.deleted", data={})
                journal.append_message(name, "user", "again")
    return Projection.open(path)


@pytest.mark.parametrize("unit", ["day", "week", "month"])
def test_the_sums_are_those_of_usage(projection: Projection, unit: By) -> None:
    """By time, model, project and source, and of all: tokens, costs and numbers of sessions."""
    counts, _ = projection.read(
        lambda db: census({block: count_block(db, block) for block in all_blocks(db)})
    )
    assert len(counts.blocks) == 2
    report = counts.report(unit, None)
    by: By
    for by, rows in ((unit, report.times), *report.groups):
        ask = partial(usage, by=by, filters=UsageFilters())
        expected, total, _ = projection.read(ask)[0]
        assert rows == expected
        assert report.total == total
    assert len(report.times) > 2
    assert report.total.sessions < _SESSIONS - 10  # sub-agents count as their parents


def test_the_order_by_cost_is_the_same(projection: Projection) -> None:
    """Those without a known cost are last; a filter and a page leave the order as it is."""
    counts, _ = projection.read(
        lambda db: census({block: count_block(db, block) for block in all_blocks(db)})
    )
    for filters in (SessionFilters(), SessionFilters(source="cli"), SessionFilters(project="/p1")):
        whole = session_ids_by_cost(projection, filters)
        assert len(whole) > 10
        for offset in (0, 5, len(whole) - 3):
            ask = partial(in_order, rows=counts.costliest, filters=filters, limit=7, offset=offset)
            found, _ = projection.read(ask)
            assert found == whole[offset : offset + 7]


def session_ids_by_cost(projection: Projection, filters: SessionFilters) -> list[str]:
    """Return all sessions that pass."""
    return projection.read(lambda db: session_ids(db, filters, sort="cost", limit=1_000))[0]
