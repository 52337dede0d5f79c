"""Every part of the benchmark runs with small numbers, without the other programs."""

from __future__ import annotations

import subprocess
import sys
from math import isfinite
from typing import TYPE_CHECKING

import orjson
import pytest

from tests.support.programs import clickhouse
from tools.bench import run
from tools.bench.parts.frameworks import stress
from tools.bench.plan import tiny
from tools.bench.processes import BenchError, alone
from tools.conformance.environment import is_prepared
from tools.conformance.frameworks import openai_agents

if TYPE_CHECKING:
    from pathlib import Path


# the parts share the journals that they make
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("bench")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the parts share their files."""
    return tmp_path_factory.mktemp("bench")


@pytest.mark.parametrize("name", run.PARTS)
def test_a_part_measures_its_row(folder: Path, name: str) -> None:
    """Each of its figures is a number, and is ours only."""
    if name == "sink":
        clickhouse.needed()
    if name == "frameworks" and not is_prepared(openai_agents.SUITE):
        pytest.skip("`make conformance` makes the environment of the framework")
    (row,) = run.measured(tiny(folder), [name])
    assert row.figures
    for figure in row.figures:
        assert isfinite(figure.ours), figure
        assert figure.against not in ("hermes-agent", "tantivy")
    assert row.title
    assert row.floor
    assert orjson.dumps([figure.as_json() for figure in row.figures])


def test_the_parts_and_the_suites_of_frameworks_need_no_pytest() -> None:
    """The environment of the benchmarks has none."""
    suites = [
        f"tools.conformance.frameworks.{name}" for name in (*stress.THEIRS, "claude_agent_sdk")
    ]
    imports = "".join(f"import {name}; " for name in ("tools.bench.run", *suites))
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.modules['pytest'] = None; {imports}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def test_every_row_has_a_name_of_its_own() -> None:
    """Names distinguish the rows in results.json."""
    assert len({part.ROW for part in run.PARTS.values()}) == len(run.PARTS)


def test_a_measurement_that_fails_is_an_error(folder: Path) -> None:
    """The error names the measurement and the reason; the row is not skipped."""
    with pytest.raises(BenchError, match=r"(?s)projecting\.rebuild ended with 1.*nowhere"):
        alone(tiny(folder), "parts.projecting", "rebuild", journal=str(folder / "nowhere"))
