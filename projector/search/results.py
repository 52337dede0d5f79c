"""Answers to searches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    from projector.errors import Behind
    from projector.search.hits import Hit


@dataclass(frozen=True, slots=True)
class Results(Sequence["Hit"]):
    """An answer to a search. As a sequence it is the hits.

    Attributes:
        query: the query, as it was given.
        hits: the messages that match, best first.
        total: how many messages match; if `exact` is false, at least so many.
        exact: whether all matches were found, and ranked to choose the hits.
        cut: of a search that reads texts: how many were read when its time was over; None if all
            in question were.
        near: if fewer messages match than are enough: the ones that come nearest, which do not have
            all words; nearest first. They do not count as hits.
        unsearched: emoji of the query that were not searched for, because they are in no quotes.
        near_total: how many messages come nearest, or sessions if the hits are grouped; those
            included that `near` does not show.
        missing: words of the query that no message and no title has in any form, identifiers that
            none has as they are, and runs of Chinese, Japanese or Korean without what is there; as
            they were typed. Empty unless what comes nearest was looked for.
        meant: for such words, what may have been meant: words that differ by a mistake or two.
        behind: what was in the journal when the query began and was not searched; None if all
            was searched.
        sessions: of how many sessions the messages are that were ranked; None unless the hits are
            grouped.
    """

    query: str
    hits: tuple[Hit, ...]
    exact: bool
    behind: Behind | None
    near: tuple[Hit, ...] = ()
    missing: tuple[str, ...] = ()
    total: int = 0
    cut: int | None = None
    meant: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sessions: int | None = None
    near_total: int = 0
    unsearched: tuple[str, ...] = ()

    @property
    def fresh(self) -> bool:
        """Whether everything was searched that was in the journal when the query began."""
        return self.behind is None

    def __len__(self) -> int:
        return len(self.hits)

    @overload
    def __getitem__(self, index: int) -> Hit: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Hit, ...]: ...

    def __getitem__(self, index: int | slice) -> Hit | tuple[Hit, ...]:
        return self.hits[index]
