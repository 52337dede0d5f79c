"""What the carrier needs to know of one program's database: its conversations and their rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from journal.importers.parsing.parser import Item
    from journal.importers.parsing.values import Json
    from journal.importers.sqlite.snapshot import Program, Snapshot


@dataclass(frozen=True, slots=True)
class Head:
    """A conversation, as a list of all conversations shows it.

    Attributes:
        id: its id in the source.
        stamp: values that change when its head does, such as title and time of its last change.
    """

    id: str
    stamp: Json


@dataclass(frozen=True, slots=True)
class Probe:
    """Values that change with any row of one conversation, read without its contents.

    Attributes:
        stamp: the values.
        newest: the time of its last change, in microseconds since 1970; None if a change always
            changes the stamp, whenever it happens.
    """

    stamp: Json
    newest: int | None = None


@dataclass(frozen=True, slots=True)
class Growth:
    """A table in which new rows show which conversations have grown.

    Attributes:
        table: its name.
        key: a column that identifies a row, whatever its rowid.
        conversation: SQL after SELECT, up to WHERE, of which the first column is the id of a
            conversation; `t` is the table.
    """

    table: str
    key: str
    conversation: str


class Conversations(Protocol):
    """Reads the conversations of one program's databases."""

    @property
    def program(self) -> Program:
        """The program."""
        ...

    def heads(self, snapshot: Snapshot) -> Iterator[Head]:
        """List all conversations, without reading their contents."""
        ...

    def growth(self, snapshot: Snapshot) -> Sequence[Growth]:
        """Return the tables that the conversations consist of."""
        ...

    def probe(self, snapshot: Snapshot, id: str) -> Probe:
        """Look at the rows of one conversation."""
        ...

    def items(self, snapshot: Snapshot, id: str) -> Iterator[Item]:
        """Read one conversation; its rows are fetched before this returns.

        The ids of messages and of calls are those of the source, and the same for any state of the
        conversation in which they are.
        """
        ...
