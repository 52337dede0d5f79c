"""Stores of agent frameworks under the same stress: their own, and the one on a journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tools.bench.processes import BenchError, alone
from tools.bench.report.figure import at_most, figure
from tools.bench.report.stores import COUNTS, OWN, WALL
from tools.conformance.environment import prepare
from tools.conformance.run import load
from tools.environments import NotInstalled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tools.bench.plan import Plan
    from tools.bench.report.figure import Figure

ROW = "stores under agent frameworks"
FLOOR = (
    "An add that depends on no other writer is one write(2). A decision must wait for the decisions"
    " before it."
)
THEIRS = {
    "openai_agents": "SQLiteSession",
    "langgraph": "SqliteSaver",
    "adk": "SqliteSessionService",
}
"""The frameworks' own stores. claude-agent-sdk has only one in memory, and examples that need a
server (PostgreSQL, Redis, S3)."""
_WAITS = {"own": OWN, "wall": WALL}
_EXCLUSIVE = ("adk",)
"""Frameworks whose adds demand an exclusive answer: an add to a session that has changed fails."""
_ADD, _DECISION = 50, 500
"""The longest waits of an add and of an exclusive answer, in ms."""


def measure(plan: Plan) -> list[Figure]:
    """Do the same to the stores of each framework."""
    return [found for framework in plan.frameworks for found in _of_framework(plan, framework)]


def _of_framework(plan: Plan, framework: str) -> list[Figure]:
    try:
        python = prepare(load(framework)).python
    except NotInstalled as error:
        raise BenchError(f"{framework}: {error}") from error
    sides = ["ours", "theirs"] if plan.rivals and framework in THEIRS else ["ours"]
    sizes = {
        "starts": plan.starts,
        "times": plan.start_times,
        "writers": plan.adders,
        "seconds": plan.add_seconds,
        "kills": plan.kills,
        "held": plan.held_seconds,
    }
    found: dict[str, Any] = {}
    for side in sides:
        plan.say(f"{framework}: {side}")
        found[side] = alone(
            plan,
            "parts.frameworks.acts",
            "stress",
            python=python,
            framework=framework,
            side=side,
            folder=str(plan.folder / f"{framework}-{side}"),
            sizes=sizes,
        )
    return _figures(plan, framework, found)


def _figures(plan: Plan, framework: str, found: Mapping[str, Any]) -> list[Figure]:
    limit = _DECISION if framework in _EXCLUSIVE else _ADD
    targets = {"own": at_most(limit), **dict.fromkeys(COUNTS, at_most(0))}
    figures = []
    for act, title in _titles(plan).items():
        for name in (*COUNTS, *_WAITS):
            ours, theirs = found["ours"][act], found.get("theirs", {}).get(act)
            figures.append(
                figure(
                    f"{framework}: {title}: {_WAITS.get(name, name)}",
                    "ms" if name in _WAITS else "",
                    [ours[name]],
                    [] if theirs is None else [theirs[name]],
                    against=THEIRS.get(framework, ""),
                    target=targets.get(name),
                    note=_errors(ours, theirs) if name == "errors" else "",
                )
            )
    return figures


def _titles(plan: Plan) -> dict[str, str]:
    """Return what is done to a store, by the name of its results."""
    return {
        "starts": f"{plan.starts} cold starts at once, {plan.start_times} times",
        "own": f"{plan.adders} processes add for {plan.add_seconds:g} s, to a session of their own",
        "shared": "the same processes, to one shared session",
        "kills": f"`kill -9` in the middle of an add, {plan.kills} times, and the add again",
        "held": f"adds beside 8 readers that are suspended for {plan.held_seconds:g} s",
    }


def _errors(ours: Mapping[str, Any], theirs: Mapping[str, Any] | None) -> str:
    """Return the commonest error of each side as a note."""
    kinds = {"ours": ours["kinds"], "theirs": {} if theirs is None else theirs["kinds"]}
    return "; ".join(
        f"{side}: {max(counts.values())} times `{max(counts, key=counts.get)}`"
        for side, counts in kinds.items()
        if counts
    )
