"""The evaluation of measurements: medians, ratios, verdicts, and the document."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tools.bench.report.figure import at_least, at_most, figure, times_lower
from tools.bench.report.machine import machine, packages
from tools.bench.report.results import read, write
from tools.bench.report.spread import median, percentile
from tools.bench.report.table import Row, document, missing, number, plain, ratio, verdict, wanted

if TYPE_CHECKING:
    from pathlib import Path


def test_a_percentile_is_one_of_the_values() -> None:
    """A percentile is the smallest value that this share of all values does not exceed."""
    thousand = list(range(1, 1_001))
    assert percentile(thousand, 50) == 500
    assert percentile(thousand, 99.9) == 999
    assert percentile(thousand, 100) == 1_000
    assert percentile([3.0, 1.0, 2.0], 1) == 1.0
    assert percentile([7.0], 99) == 7.0


@pytest.mark.parametrize(("values", "share"), [([], 50), ([1.0], 0), ([1.0], 101)])
def test_a_percentile_of_nothing_is_an_error(values: list[float], share: float) -> None:
    """The function raises an error and invents no number."""
    with pytest.raises(ValueError, match="percentile"):
        percentile(values, share)


def test_a_median_is_the_middle() -> None:
    """Of an even number of values it is between the two in the middle; of none, an error."""
    assert median([5.0, 1.0, 3.0]) == 3.0
    assert median([4.0, 1.0, 2.0, 3.0]) == 2.5
    with pytest.raises(ValueError, match="median"):
        median([])


def test_a_figure_compares_medians() -> None:
    """One bad round of either program does not change the result."""
    found = figure("a", "x/s", [600.0, 10.0, 620.0], [10.0, 9.0, 800.0], target=at_least(60))
    assert (found.ours, found.theirs, found.ratio) == (600.0, 10.0, 60.0)
    assert found.reached is True
    assert found.ours_rounds == (600.0, 10.0, 620.0)


def test_a_missing_row_is_an_error() -> None:
    """A row without a measurement raises an error."""
    with pytest.raises(ValueError, match="nothing was measured"):
        figure("a", "x/s", [])


def test_ratios_of_times_are_inverted() -> None:
    """For times, the ratio is the other program's value divided by ours."""
    found = figure("a", "ms", [2.0], [150.0], target=times_lower(100))
    assert found.ratio == 75.0
    assert found.reached is False
    assert verdict(found) == "**missed by 1.33 x**"
    assert (wanted(found), ratio(found)) == ("100 x lower", "75 x lower")


def test_nothing_on_both_sides_is_equal() -> None:
    """Neither lost a message: the table prints 1 x, and no infinite ratio."""
    assert figure("lost", "messages", [0.0], [0.0]).ratio == 1.0
    assert figure("lost", "messages", [1.0], [0.0]).ratio == float("inf")


def test_a_value_is_judged_by_itself() -> None:
    """The verdict does not depend on other values."""
    found = figure("a", "ms", [3.0], [1.0], target=at_most(2))
    assert (found.reached, found.ratio) == (False, 3.0)
    assert verdict(found) == "**missed by 1.50 x**"
    assert wanted(found) == "at most 2 ms"


def test_at_the_limit_is_reached() -> None:
    """A value equal to the bound reaches the target."""
    assert figure("a", "ms", [2.5], [1.0], target=at_most(2.5, "ours / theirs")).reached
    assert figure("a", "ms", [2.0], target=at_most(2)).reached
    assert figure("a", "x/s", [1.0], [1.0], target=at_least(1)).reached


def test_without_the_others_a_ratio_has_no_verdict() -> None:
    """The text says that nothing was compared, and the target is not reached."""
    found = figure("a", "x/s", [600.0], target=at_least(60))
    assert found.reached is None
    assert verdict(found) == "not compared"


def test_a_figure_without_a_target_has_no_verdict() -> None:
    """A figure without a target is printed without a verdict."""
    found = figure("a", "ms", [1.0])
    assert (found.reached, verdict(found), wanted(found)) == (None, "", "")


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (1_234_567.0, "bytes", "1.23 MB"),
        (2.5e9, "bytes", "2.5 GB"),
        (12.0, "bytes", "12 bytes"),
        (70_598.3, "appends/s", "70,598 appends/s"),
        (0.19612, "ms", "0.196 ms"),
    ],
)
def test_numbers_have_three_digits_and_a_unit(value: float, unit: str, shown: str) -> None:
    """Numbers have no more digits than the measurement justifies."""
    assert number(value, unit) == shown


ROWS = [
    Row(
        "loop",
        "one append",
        "The kernel.",
        (
            figure(
                "append",
                "µs",
                [9.0],
                [3.0],
                against="bare loop",
                target=at_most(2.5, "ours / theirs"),
                note="noisy",
            ),
            figure("open", "ms", [1.0], target=at_most(2)),
        ),
        3.0,
        "Measured here.",
        "0123abc of 2026-01-02",
    )
]


def test_the_document_has_the_verdict_of_each_figure() -> None:
    """It has ratio, target and bound, and how to repeat the measurement."""
    text = document(ROWS, {"loop": "performance/loop.svg"})
    assert (
        "| append | 9 µs | 3 µs (bare loop) | 3 x | at most 2.5 x | **missed by 1.20 x** |" in text
    )
    assert "| open | 1 ms |  |  | at most 2 ms | reached |" in text
    assert "1 of 2 figures reach what they must." in text
    assert "- append: noisy." in text
    assert "**The floor.** The kernel." in text
    assert "![one append](performance/loop.svg)" in text
    assert "-m tools.bench.run --only loop" in text
    assert text.count("Measured here.") == 1
    assert "Commit 0123abc of 2026-01-02." in text


def test_rows_of_several_machines_each_say_where_they_were_measured() -> None:
    """A reader sees which row is older, and on which machine each was measured."""
    rows = [*ROWS, replace(ROWS[0], part="found", measured_on="Measured there.")]
    text = document(rows, {})
    assert text.index("Measured here.") > text.index("## One append")
    assert text.count("Measured there.") == 1


def test_a_row_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    """Figures, targets, rounds and points are equal, so that older rows can be kept."""
    sizes = figure("growth", "µs", [1.0, 2.0], points=[(10, 1.0), (100, 2.0)])
    rows = [*ROWS, replace(ROWS[0], part="size", figures=(sizes,))]
    write(rows, tmp_path, {})
    assert read(tmp_path) == rows


def test_the_table_for_a_terminal_has_the_same_lines() -> None:
    """Its columns are aligned, and it has the notes."""
    text = plain(ROWS)
    assert "missed by 1.20 x" in text
    assert "    noisy" in text
    assert [figure.name for figure in missing(ROWS)] == ["append"]


def test_the_machine_is_described_without_names() -> None:
    """There is no host, user or folder, because figures are published."""
    described = machine() | packages()
    assert {"cores", "processor", "memory_gib", "kernel", "python", "orjson"} <= described.keys()
    assert not any("/" in str(value) and " @ " not in str(value) for value in described.values())
