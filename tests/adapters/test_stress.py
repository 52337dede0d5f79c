"""A small sample of the stress that `make bench ONLY=frameworks` gives to the stores."""

from __future__ import annotations

import threading
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from tools.bench.parts.frameworks.acts import stress
from tools.bench.parts.frameworks.counting import Batch, Faults, faults

if TYPE_CHECKING:
    from pathlib import Path

NEEDED = {
    "claude_agent_sdk": "claude_agent_sdk",
    "openai_agents": "agents",
    "langgraph": "langgraph.checkpoint",
    "adk": "google.adk",
}
SIZES = {"starts": 6, "times": 1, "writers": 3, "seconds": 0.3, "kills": 3, "held": 0.3}
ACTS = {"starts", "own", "shared", "kills", "held"}


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # the package above it
        return False


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("framework", NEEDED)
def test_ours_loses_doubles_and_interleaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, framework: str
) -> None:
    """What was added is there once and whole; a kill must have hit an add."""
    monkeypatch.setattr(threading.Thread, "run", threading.Thread.run)  # it is replaced there
    if not _is_there(NEEDED[framework]):
        pytest.skip("the framework is not installed here; `make conformance` has it")
    found = stress(framework, "ours", str(tmp_path / "stress"), SIZES)()
    assert found.keys() == ACTS
    for act, counts in found.items():
        # a reader that is suspended while it applies events holds up those that want all of them
        assert act == "held" or not counts["kinds"], act
        wrong = {name: counts[name] for name in ("lost", "doubled", "interleaved")}
        assert wrong == dict.fromkeys(wrong, 0), act
        assert counts["calls"]
        assert 0 <= counts["own"] <= counts["wall"]
    assert found["kills"]["hit"] == SIZES["kills"]


A, B = Batch("a", 3), Batch("b", 2)


@pytest.mark.parametrize(
    ("there", "wrong"),
    [
        ("a.0 a.1 a.2 b.0 b.1", Faults()),
        ("b.0 b.1 a.0 a.1 a.2", Faults()),
        ("a.0 a.1 a.2", Faults(lost=2)),
        ("a.0 a.1 a.2 b.0 b.1 a.0 a.1 a.2", Faults(doubled=3)),
        ("a.0 a.1 b.0 a.2 b.1", Faults(interleaved=2)),
        ("a.0 b.0 b.1 a.1 a.2", Faults(interleaved=1)),
        ("a.1 a.0 a.2 b.0 b.1", Faults(interleaved=1)),
        ("a.0 a.1 b.0 b.1", Faults(lost=1, interleaved=1)),
    ],
)
def test_faults_are_counted(there: str, wrong: Faults) -> None:
    """Each kind of fault counts for itself."""
    assert faults(there.split(), [A, B], []) == wrong


def test_an_add_that_raised_may_be_there_or_not_but_whole() -> None:
    """A part of it is a fault."""
    assert faults(["b.0", "b.1"], [B], [A]) == Faults()
    assert faults(["b.0", "b.1", "a.0", "a.1", "a.2"], [B], [A]) == Faults()
    assert faults(["b.0", "b.1", "a.0"], [B], [A]) == Faults(interleaved=1)
