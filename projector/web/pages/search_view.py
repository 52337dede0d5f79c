"""What the page of a search shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markupsafe import Markup

    from projector.search.hits import Hit


@dataclass(frozen=True, slots=True)
class HitView:
    """A message that was found.

    Attributes:
        hit: itself.
        title: of its session, or the beginning of what a person wrote first in it.
        html: its snippet, with the matches marked.
    """

    hit: Hit
    title: str
    html: Markup


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a facet.

    Attributes:
        name: the value.
        count: how many messages that were found have it.
        href: address of this page with this filter, or without it if it is on.
        on: whether it is.
    """

    name: str
    count: int
    href: str
    on: bool


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is on: its name and value, and the address of this page without it."""

    name: str
    value: str
    href: str


@dataclass(frozen=True, slots=True)
class Search:
    """The page.

    Attributes:
        query: what is searched for; empty for nothing.
        error: why it cannot be searched for; empty if it can.
        mode, sort, group: how.
        hits: what was found; with `group`, the best of each session.
        near: what comes nearest, if too little was found.
        missing: words that no message has.
        unsearched: emoji that are not searched for, as they have no quotes.
        meant: by such words, what was searched for in their place.
        total: how many messages match; at least so many if not `exact`.
        exact: whether all were ranked and counted.
        cut: after how many texts the time was over; None if all in question were read.
        sessions: in how many sessions they are; None if they are not grouped.
        chips: the filters that are on.
        facets: names of facets with their values.
        chart: the histogram of the dates; None of nothing.
        modes, sorts, groups: addresses of this page with other settings.
        previous, next: addresses of pages; None if there is none.
    """

    query: str
    error: str
    mode: str
    sort: str
    group: str
    hits: tuple[HitView, ...]
    near: tuple[HitView, ...]
    missing: tuple[str, ...]
    unsearched: tuple[str, ...]
    meant: Mapping[str, tuple[str, ...]]
    total: int
    exact: bool
    cut: int | None
    sessions: int | None
    chips: tuple[Chip, ...]
    facets: tuple[tuple[str, tuple[Value, ...]], ...]
    chart: Markup | None
    modes: tuple[tuple[str, str], ...]
    sorts: tuple[tuple[str, str], ...]
    groups: tuple[tuple[str, str], ...]
    previous: str | None
    next: str | None
