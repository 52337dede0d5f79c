"""The conditions of filters, as a search asks the index and the rows for them."""

from __future__ import annotations

from dataclasses import dataclass

from projector.db.tags import narrowed


@dataclass(frozen=True, slots=True)
class Narrowing:
    """The conditions of filters.

    Attributes:
        tags: expressions that the tags of a message must match, all of them.
        count: how many matches of tags each message has; None if that varies.
        but: expressions that they must not match.
        where: further conditions on the rows `e` of `_events` and `s` of `_sessions`, as SQL; empty
            if the tags are enough. Where replays are found, too, these conditions hold for what is
            found, and the tags for where it is at home.
        values: the bound values of `where`.
        replays: whether replays are found, too.
        implied: whether a message that is found where it is at home meets `where`, too.
        between: rowids of the first and the last message in question; None if all are.
        parts: conditions of which each message meets exactly one instead, and sooner; may be empty.
    """

    tags: tuple[str, ...]
    count: int | None
    but: tuple[str, ...]
    where: str
    values: tuple[str | int, ...]
    replays: bool
    implied: bool = False
    between: tuple[int, int] | None = None
    parts: tuple[Narrowing, ...] = ()

    @property
    def at_home(self) -> str:
        """The further conditions on a message where it is at home."""
        return "" if self.replays else self.where

    def match(self, texts: str, columns: str = "text") -> str:
        """Return a match of texts, or of these columns, narrowed to messages with these tags.

        All columns are matched if `columns` is empty.
        """
        match = f"{columns} : ({texts})" if columns else texts
        return narrowed(match, self.tags, self.but)

    def match_tags(self) -> str | None:
        """Return a match of the tags alone; None if there is none of `tags`."""
        return narrowed("", self.tags, self.but) if self.tags else None

    def match_but(self) -> str | None:
        """Return a match of the tags that a message must not have; None if there are none."""
        return f"tags : ({' OR '.join(f'({each})' for each in self.but)})" if self.but else None
