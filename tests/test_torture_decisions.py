"""A sample of decisions beside rebuilds, and what its judge finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools.torture import decisions
from tools.torture.decisions import Answer, judge

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the step makes lies in the test's folder."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def test_a_few_seconds_of_decisions_beside_rebuilds_are_linearizable(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Four processes decide while a fifth rebuilds; one order of the calls explains each answer."""
    code = decisions.main(["--seconds", "4", "--seed", "5"])
    said = capsys.readouterr().out
    assert code == 0, said
    assert "claim granted" in said
    assert "set granted" in said


def test_the_step_fails_where_generations_are_trusted() -> None:
    """Published without another look, and asked without another look: somebody decides wrongly."""
    for seed in range(5):
        _, faults = decisions.run(seed, 4, sabotage=True)
        if faults:
            return
    pytest.fail("20 seconds of sabotage were not noticed")


SET = "set", "k"
CLAIM = "claim", "k"
RELEASE = "release", "k"
TITLE = "title", "t"


@pytest.mark.parametrize(
    ("fault", "answers"),
    [
        ("was replaced 2 times", [(*SET, None, "a", 0, 1), (*SET, None, "b", 2, 3)]),
        ("never there", [(*SET, "x", "a", 0, 1)]),
        ("before it was there", [(*SET, "b", "a", 0, 1), (*SET, None, "b", 2, 3)]),
        ("stood all the time", [(*SET, None, "a", 0, 1), (*SET, "a", None, 2, 3)]),
        ("stood all the time", [(*SET, None, None, 0, 1)]),
        ("given 2 times", [(*CLAIM, None, 1, 0, 1), (*CLAIM, None, 1, 2, 3)]),
        ("was held", [(*CLAIM, None, 1, 0, 1), (*CLAIM, None, 2, 2, 3)]),
        ("holds nothing", [(*CLAIM, None, 1, 0, 1), (*RELEASE, 1, None, 2, 3)]),
        (
            "nobody held it",
            [(*CLAIM, None, 1, 0, 1), (*RELEASE, 1, True, 2, 3), (*CLAIM, None, None, 4, 5)],
        ),
        ("all have it", [(*TITLE, "a", "a", 0, 1), (*TITLE, "b", "b", 2, 3)]),
        ("never got it", [(*TITLE, "a", "a", 0, 1), (*TITLE, "c", "b", 2, 3)]),
        ("had been written", [("own", "p", 2, 1, 0, 1)]),
    ],
)
def test_an_answer_that_no_order_of_the_calls_explains_is_a_fault(
    fault: str, answers: list[tuple[str, str, object, object, float, float]]
) -> None:
    """Whatever two processes are told together must be what one behind the other would be told."""
    found = judge(map(Answer._make, answers))
    assert any(fault in each for each in found), found


@pytest.mark.parametrize(
    "answers",
    [
        [(*SET, None, "a", 0, 2), (*SET, None, None, 1, 3), (*SET, "a", "b", 1, 4)],
        [(*SET, None, "a", 0, 1), (*SET, "a", None, 2, 5), (*SET, "a", "b", 3, 4)],
        [
            (*CLAIM, None, 1, 0, 1),
            (*CLAIM, None, None, 0, 1),
            (*CLAIM, None, 2, 2, 5),
            (*RELEASE, 1, True, 3, 4),
        ],
        [(*TITLE, "a", "a", 0, 1), (*TITLE, "b", "a", 0, 1)],
        [("own", "p", 2, 2, 0, 1)],
    ],
)
def test_an_answer_that_one_order_explains_is_none(
    answers: list[tuple[str, str, object, object, float, float]],
) -> None:
    """Calls that overlap may take effect in either order."""
    assert judge(map(Answer._make, answers)) == []
