"""The ladder names every step, and every step starts the same way."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

from tests.torture.arguments import Amount, Budget, again, step_parser
from tests.torture.ladder import PROPERTIES, STEPS

ROOT = Path(__file__).parents[2]
_FOLDER = ROOT / "tests/torture/steps"
MODULES = sorted(
    ".".join(path.relative_to(_FOLDER).with_suffix("").parts)
    for path in _FOLDER.rglob("*.py")
    if path.stem != "__init__"
)


def test_every_step_is_in_the_ladder() -> None:
    """The ladder has every step that exists, and no other."""
    prefix = "tests.torture.steps."
    started = [step.command[-1].removeprefix(prefix) for step in STEPS if "-m" in step.command]
    assert sorted(started[1:]) == MODULES
    for name in PROPERTIES:
        assert (ROOT / "tests" / name).is_file(), name


def test_a_shorter_ladder_uses_all_of_its_time() -> None:
    """The shares of the steps sum to one."""
    assert sum(step.share for step in STEPS) == pytest.approx(1.0)


@pytest.mark.parametrize("name", MODULES)
def test_every_step_has_the_common_options(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each step starts as a module, and has a seed and seconds."""
    step = f"tests.torture.steps.{name}"
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    monkeypatch.delitem(sys.modules, step, raising=False)  # it is imported again as `__main__`
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(step, run_name="__main__")
    assert not ended.value.code
    printed = capsys.readouterr().out
    assert "--seed " in printed
    assert "--seconds " in printed


def chosen(amount: Amount, *arguments: str) -> Budget:
    """Return the budget of a command line."""
    parser = step_parser("A step.")
    amount.add_to(parser)
    return amount.budget(parser.parse_args(arguments))


def test_a_step_runs_all_a_sample_or_what_fits() -> None:
    """A number overrides a sample, a sample overrides the time, and the time limits each."""
    amount = Amount(100, sample=3, unit="rounds")
    assert list(chosen(amount).seeds()) == list(range(100))
    assert list(chosen(amount, "--sample", "--seed", "7").seeds()) == [7, 8, 9]
    assert list(chosen(amount, "--rounds", "2", "--sample").seeds()) == [0, 1]
    assert list(chosen(amount, "--rounds", "2", "--seconds", "0").seeds()) == []
    endless = chosen(amount, "--seconds", "60")
    assert endless.count is None
    assert [seed for seed, _ in zip(endless.seeds(), range(1_000), strict=False)][-1] == 999


def test_portions_have_every_seed_once() -> None:
    """The last portion may be smaller."""
    portions = list(Budget(5, 7, float("inf")).chunks(3))
    assert portions == [(5, 6, 7), (8, 9, 10), (11,)]


def test_a_failure_names_the_command_that_repeats_it() -> None:
    """The command has the number of seeds if the step counts them."""
    assert again("flush", 7, "seeds") == "python -m tests.torture.steps.flush --seed 7 --seeds 1"
    assert again("soak", 7) == "python -m tests.torture.steps.soak --seed 7"
