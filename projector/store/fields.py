"""The keyword arguments that methods of a store take; None means absent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from projector.arguments import Has
    from projector.search.facets import FacetBy
    from projector.search.hits import Look
    from projector.search.ordering.order import Sort
    from projector.views.sessions import SessionSort


class SessionFields(TypedDict, total=False):
    """Fields of a session; `started` and `gone` are moments, integers in µs since 1970."""

    title: str | None
    source: str | None
    model: str | None
    cwd: str | None
    parent: str | None
    user: str | None
    system_prompt: str | None
    config: dict[str, Any] | None
    started: datetime | str | int | None
    branch: str | None
    commit: str | None
    relation: str | None
    gone: datetime | str | int | None
    extra: dict[str, Any] | None


class UsageFields(TypedDict, total=False):
    """Counters: whole numbers, and costs in US dollars; and what was used.

    `call` is the id of the API call: of several additions with one call, each counter counts once,
    by its greatest value. `timestamp` is when it was made, as that of a message.
    """

    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    api_calls: int | None
    estimated_cost: float | None
    actual_cost: float | None
    model: str | None
    provider: str | None
    call: str | None
    timestamp: datetime | str | int | None
    extra: dict[str, Any] | None


class _Filters(TypedDict, total=False):
    """What a search, a list and counts are filtered by."""

    source: str | None
    project: str | None
    model: str | None
    branch: str | None
    tool: str | None
    file: str | None
    has: Has | None
    machine: str | None
    subagents: bool
    since: datetime | str | int | None
    until: datetime | str | int | None


class SearchFilters(_Filters, total=False):
    """Arguments of `Projection.search`."""

    limit: int
    offset: int
    context: int
    role: str | None
    include_meta: bool
    session: str | None
    include_replays: bool
    sort: Sort
    look: Look | None


class ListFilters(_Filters, total=False):
    """Arguments of `Projection.sessions`."""

    limit: int
    offset: int
    sort: SessionSort
    gone: bool
    parent: str | None


class FacetFilters(_Filters):
    """Arguments of `Projection.facets`."""

    by: FacetBy


def present(fields: Mapping[str, object]) -> dict[str, Any]:
    """Return the fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}
