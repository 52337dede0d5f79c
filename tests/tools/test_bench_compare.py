"""Two checkouts are measured in turn, with either layout of the tools."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tools.bench import compare
from tools.bench.compare import FLAT, PACKAGE, SIZES, Side, layout_of, table
from tools.bench.processes import BenchError
from tools.bench.run import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

PYTHON = Path(sys.executable)
FLAT_PLAN = """
from dataclasses import dataclass
@dataclass
class Plan:
    folder: object
    loop: int = 1
    growth: tuple = ()
def full(folder):
    return Plan(folder)
"""
FLAT_LOOP = """
from types import SimpleNamespace
def measure(plan):
    print("a part that prints")
    shown = {"name": "one append", "unit": "us", "ours": plan.loop}
    return [SimpleNamespace(as_json=lambda: shown)]
"""


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    """A checkout from before `tools` was a package, with one part."""
    folder = tmp_path / "flat" / "tools" / "bench"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "plan.py").write_text(FLAT_PLAN, encoding="ascii")
    (folder / "loop.py").write_text(FLAT_LOOP, encoding="ascii")
    return tmp_path / "flat"


def measured(checkout: Path, folder: Path, sizes: Mapping[str, object]) -> dict[str, float]:
    """Return the figures of the loop, as a checkout measures them."""
    with Side(checkout, folder, python=PYTHON, sizes=sizes) as side:
        return side.measure("loop")


@pytest.mark.slow
def test_a_checkout_measures_itself_in_either_layout(flat: Path, tmp_path: Path) -> None:
    """Output that a part prints is not read as figures, and the given sizes are used."""
    assert layout_of(flat) == FLAT
    assert layout_of(ROOT) == PACKAGE
    assert measured(flat, tmp_path / "there", {"loop": 7, "growth": ()}) == {"one append (us)": 7}
    here = measured(ROOT, tmp_path / "here", {**SIZES, "loop": 300, "rounds": 1})
    assert here
    assert all(value > 0 for value in here.values())


def test_a_part_that_the_other_commit_lacks_is_skipped_unless_named(flat: Path) -> None:
    """By default only the parts of both checkouts are compared."""
    assert [part for part in compare.MODULES if FLAT.has(flat, part)] == ["loop"]
    assert all(PACKAGE.has(ROOT, part) for part in compare.MODULES)


def test_a_row_is_the_median_of_its_rounds() -> None:
    """Ratios are computed within a round, so a round on a slow machine counts once."""
    text = table({"one append (us)": [(1.0, 2.0), (10.0, 10.0), (4.0, 2.0)]})
    assert text.splitlines()[2:] == ["| one append (us) | 4 | 2 | 1.000 |"]


def test_a_part_that_ends_without_figures_is_an_error(flat: Path, tmp_path: Path) -> None:
    """The error names the part; the traceback of the other process is on stderr."""
    with (
        Side(flat, tmp_path / "there", python=PYTHON, sizes={"growth": ()}) as side,
        pytest.raises(BenchError, match="jam: the process ended without figures"),
    ):
        side.measure("jam")


def test_a_folder_that_is_no_checkout_is_refused(
    tmp_path: Path, flat: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message says that it is no checkout, or that its environment is missing."""
    assert compare.main([str(tmp_path)]) == 1
    assert "no benchmark in tools/bench" in capsys.readouterr().err
    assert compare.main([str(flat), "--rounds", "1"]) == 1
    assert "make the environment of" in capsys.readouterr().err
