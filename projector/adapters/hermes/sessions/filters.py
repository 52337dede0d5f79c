"""Conditions that select sessions: SQL on `s`, a row of `SESSIONS`, with bound values."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypedDict

from projector.adapters.hermes.rows.like_patterns import beginning, containing
from projector.adapters.hermes.rows.sessions import SESSIONS, before
from projector.adapters.hermes.sessions.continuations import BRANCH, DELEGATE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_DAY = 86_400

_LISTED = f"""
(s.parent_session_id IS NULL OR {BRANCH} IS NOT NULL
  OR EXISTS (SELECT 1 FROM {SESSIONS} p WHERE p.id = s.parent_session_id
    AND p.end_reason = 'branched' AND s.started_at >= p.ended_at))
AND {DELEGATE} IS NULL
"""


@dataclass(slots=True)
class Filter:
    """Conditions that must all hold.

    Attributes:
        conditions: with a question mark for each value.
        values: the values of the question marks.
    """

    conditions: list[str] = field(default_factory=list)
    values: list[object] = field(default_factory=list)

    def add(self, condition: str, *values: object) -> None:
        """Add a condition."""
        self.conditions.append(f"({condition})")
        self.values += values

    @property
    def where(self) -> str:
        """All conditions as one."""
        return " AND ".join(self.conditions) or "1"

    @property
    def bound(self) -> tuple[object, ...]:
        """The values of its question marks."""
        return tuple(self.values)


class Bounds(TypedDict, total=False):
    """Bounds of sessions to prune or archive; times in seconds since 1970, None is no bound."""

    started_before: float | None
    started_after: float | None
    title_like: str | None
    end_reason: str | None
    cwd_prefix: str | None
    min_messages: int | None
    max_messages: int | None
    archived: bool | None
    model_like: str | None
    provider: str | None
    user_id: str | None
    chat_id: str | None
    chat_type: str | None
    branch_like: str | None
    min_tokens: int | None
    max_tokens: int | None
    min_cost: float | None
    max_cost: float | None
    min_tool_calls: int | None
    max_tool_calls: int | None


def _alike(text: str) -> str:
    return containing(text.lower())


_COST = "coalesce(s.actual_cost_usd, s.estimated_cost_usd, 0)"
_LIKE = "lower(coalesce(s.{}, '')) LIKE ? ESCAPE '\\'"
_BOUNDS: dict[str, tuple[str, Callable[[Any], object]]] = {
    "started_before": ("s.started_at < ?", before),
    "started_after": ("s.started_at >= ?", before),
    "title_like": (_LIKE.format("title"), _alike),
    "model_like": (_LIKE.format("model"), _alike),
    "branch_like": (_LIKE.format("git_branch"), _alike),
    "end_reason": ("s.end_reason = ?", str),
    "user_id": ("s.user_id = ?", str),
    "chat_id": ("s.chat_id = ?", str),
    "chat_type": ("s.chat_type = ?", str),
    "provider": ("lower(coalesce(s.billing_provider, '')) = ?", str.lower),
    "min_messages": ("s.message_count >= ?", int),
    "max_messages": ("s.message_count <= ?", int),
    "min_tokens": ("s.input_tokens + s.output_tokens >= ?", int),
    "max_tokens": ("s.input_tokens + s.output_tokens <= ?", int),
    "min_cost": (f"{_COST} >= ?", float),
    "max_cost": (f"{_COST} <= ?", float),
    "min_tool_calls": ("s.tool_call_count >= ?", int),
    "max_tool_calls": ("s.tool_call_count <= ?", int),
    "archived": ("s.archived = ?", int),
}
"""The condition of each bound, and the function that makes its value."""


def listed(
    source: str | None,
    exclude_sources: Sequence[str] | None,
    cwd_prefix: str | None,
    min_message_count: int,
    include_archived: bool,
    archived_only: bool,
    *,
    with_children: bool,
) -> Filter:
    """Return the condition of a list; without children, only first sessions and branches."""
    found = Filter()
    if not with_children:
        found.add(_LISTED)
    if source:
        found.add("s.source = ?", source)
    if exclude_sources:
        marks = ", ".join("?" for _ in exclude_sources)
        found.add(f"s.source NOT IN ({marks})", *exclude_sources)
    if cwd_prefix:
        _within(found, cwd_prefix)
    if min_message_count > 0:
        found.add("s.message_count >= ?", min_message_count)
    if archived_only:
        found.add("s.archived = 1")
    elif not include_archived:
        found.add("s.archived = 0")
    return found


def ended(older_than_days: float | None, source: str | None, bounds: Bounds) -> Filter:
    """Return the condition of sessions to prune or archive: those that ended, within bounds.

    Raises:
        TypeError: a bound is unknown.
    """
    if unknown := bounds.keys() - Bounds.__annotations__.keys():
        raise TypeError(f"got an unexpected keyword argument {min(unknown)!r}")
    # Hermes takes an empty text for no bound
    given: dict[str, Any] = {n: value for n, value in bounds.items() if value not in {None, ""}}
    if older_than_days is not None:
        given.setdefault("started_before", time.time() - older_than_days * _DAY)
    found = Filter()
    found.add("s.ended_at IS NOT NULL")
    if source:
        found.add("s.source = ?", source)
    if "cwd_prefix" in given:
        _within(found, given.pop("cwd_prefix"))
    for name, value in given.items():
        condition, convert = _BOUNDS[name]
        found.add(condition, convert(value))
    return found


def _within(found: Filter, folder: str) -> None:
    prefix = folder.rstrip("/\\") or folder
    found.add(
        "s.cwd = ? OR s.cwd LIKE ? ESCAPE '\\' OR s.cwd LIKE ? ESCAPE '\\'",
        prefix,
        beginning(f"{prefix}/"),
        beginning(f"{prefix}\\"),
    )
