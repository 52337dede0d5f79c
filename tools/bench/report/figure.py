"""A figure: a measured value, what it is compared with, and its target."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from tools.bench.report.spread import median

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Of = Literal["value", "ours / theirs", "theirs / ours"]
"""What a target limits: our value, the ratio of ours to theirs, or the inverse ratio."""


@dataclass(frozen=True, slots=True)
class Target:
    """A target.

    Attributes:
        of: the limited quantity.
        bound: `at least` or `at most`.
        limit: the bound, in the figure's unit or as a ratio.
    """

    of: Of
    bound: Literal["at least", "at most"]
    limit: float

    def holds(self, measured: float) -> bool:
        """Return whether a measurement reaches the target."""
        return measured >= self.limit if self.bound == "at least" else measured <= self.limit

    def missed_by(self, measured: float) -> float:
        """Return the factor by which the target is missed; 1 or less if it is reached."""
        small, large = (
            (measured, self.limit) if self.bound == "at least" else (self.limit, measured)
        )
        return large / small if small else float("inf")


def at_least(limit: float, of: Of = "ours / theirs") -> Target:
    """Return a target with a lower bound."""
    return Target(of, "at least", limit)


def at_most(limit: float, of: Of = "value") -> Target:
    """Return a target with an upper bound."""
    return Target(of, "at most", limit)


def times_lower(limit: float) -> Target:
    """Return a target that theirs is at least this many times ours."""
    return Target("theirs / ours", "at least", limit)


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: medians of the rounds.

    Attributes:
        name: what was measured.
        ours, theirs: medians, in `unit`; theirs is None if nothing is compared.
        unit: the unit of both.
        against: the other program: `hermes-agent`, `tantivy`, `bare loop`; empty without one.
        ratio: in the direction of the target (else ours to theirs); None if a side is missing.
        target: the target; None for a figure without one.
        reached: whether the target is reached; None without a target.
        ours_rounds, theirs_rounds: each round's value.
        note: a remark that a reader needs.
        points: the value at each size, if there are several.
    """

    name: str
    ours: float
    theirs: float | None
    unit: str
    against: str
    ratio: float | None
    target: Target | None
    reached: bool | None
    ours_rounds: tuple[float, ...]
    theirs_rounds: tuple[float, ...]
    note: str = ""
    points: tuple[tuple[int, float], ...] = ()

    @property
    def judged(self) -> float | None:
        """The quantity that the target limits; None if it is a ratio without another value."""
        if self.target is None:
            return None
        return self.ours if self.target.of == "value" else self.ratio

    def as_json(self) -> dict[str, Any]:
        """Return the figure as a JSON value."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Figure:
        """Return the figure of a JSON value that `as_json` returned."""
        target = value["target"]
        return cls(
            **{
                **value,
                "target": None if target is None else Target(**target),
                "ours_rounds": tuple(value["ours_rounds"]),
                "theirs_rounds": tuple(value["theirs_rounds"]),
                "points": tuple((size, cost) for size, cost in value["points"]),
            }
        )


def figure(
    name: str,
    unit: str,
    ours: Sequence[float],
    theirs: Sequence[float] = (),
    *,
    against: str = "",
    target: Target | None = None,
    note: str = "",
    points: Sequence[tuple[int, float]] = (),
) -> Figure:
    """Make a figure from the rounds of both programs.

    Args:
        name: what was measured.
        unit: the unit of the values.
        ours: one value for each round.
        theirs: the same for the other program; none if it was not run.
        against: the name of the other program.
        target: the target.
        note: a remark that a reader needs.
        points: the value at each size.

    Raises:
        ValueError: there are no values: a row is never left out silently.
    """
    if not ours:
        raise ValueError(f"{name}: nothing was measured")
    mine = median(ours)
    other = median(theirs) if theirs else None
    ratio = _ratio(mine, other, target)
    judged = mine if target is not None and target.of == "value" else ratio
    reached = None if target is None or judged is None else target.holds(judged)
    return Figure(
        name,
        mine,
        other,
        unit,
        against if theirs else "",
        ratio,
        target,
        reached,
        tuple(ours),
        tuple(theirs),
        note,
        tuple(points),
    )


def _ratio(ours: float, theirs: float | None, target: Target | None) -> float | None:
    if theirs is None:
        return None
    of, to = (theirs, ours) if target and target.of == "theirs / ours" else (ours, theirs)
    if not to:
        return 1.0 if not of else float("inf")
    return of / to
