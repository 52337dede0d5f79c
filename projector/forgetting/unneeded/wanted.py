"""Which of what is deleted or replaced is to be forgotten."""

from __future__ import annotations

from dataclasses import dataclass

Key = tuple[str, str]
"""Ids of a session and of an event in it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which deleted messages and sessions, or which replaced values, are to be forgotten.

    Attributes:
        before: those that have been deleted or replaced since before this moment, by the clocks of
            their writers; microseconds since 1970. None for all.
        sessions: only those of these sessions; empty for all.
        kept: ids of sessions of which nothing is to be forgotten.
    """

    before: int | None = None
    sessions: tuple[str, ...] = ()
    kept: frozenset[str] = frozenset()

    def has_session(self, name: str) -> bool:
        """Return whether something of a session may be forgotten."""
        return name not in self.kept and (not self.sessions or name in self.sessions)

    def is_old(self, time: int) -> bool:
        """Return whether an event is from before the moment."""
        return self.before is None or time < self.before


@dataclass(frozen=True, slots=True)
class Unneeded:
    """What is to be forgotten because readers do not need it. It is false if that is nothing.

    Attributes:
        deleted: what is deleted; None for nothing of it.
        replaced: values that were replaced; None for none of them.
    """

    deleted: Wanted | None = None
    replaced: Wanted | None = None

    def __bool__(self) -> bool:
        return self.deleted is not None or self.replaced is not None
