"""The documents that a sink has, and what a sink must be able to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from projector.text.query_tree import Node


FORM = 2
"""Version of what a document is made of: those of another one are sent again."""


class Document(NamedTuple):
    """A message as a sink has it.

    Attributes:
        part: the part of the projection that it is from, as text; empty for the whole.
        session, id: of the message; together the key of the document.
        role, source, model, branch: of the message itself; empty if it has none. What its session
            gives it may change without the message, and is looked up in the projection.
        meta: 1 if a machine wrote it in the place of a person.
        tools: names of the tools that it calls or has the result of.
        files: paths that its calls name.
        failed: 1 if it reports an error.
        machine: uuid of the machine whose lane has its event; empty for this one.
        place: its date, microseconds since 1970.
        text: all that it is found by, as it is indexed: words in lower case without accents,
            Chinese, Japanese and Korean in pairs of characters.
        state: 0 in the transcript, 1 archived.
        deleted: 1 if a search does not find it any more, or at another session.
        version: of two documents with one key the one with the higher version counts.
    """

    part: str
    session: str
    id: str
    role: str
    source: str
    model: str
    branch: str
    meta: int
    tools: tuple[str, ...]
    files: tuple[str, ...]
    failed: int
    machine: str
    place: int
    text: str
    state: int
    deleted: int
    version: int


class Key(NamedTuple):
    """The key of a message."""

    session: str
    id: str


@dataclass(frozen=True, slots=True)
class Valued:
    """A condition: a document has one of these values, or none and its session gives it one.

    Attributes:
        column: `source`, `model` or `branch`.
        values: the values.
        sessions: ids of the sessions that give one of them to their messages.
        is_not: whether it is met if this is not so.
    """

    column: str
    values: tuple[str, ...]
    sessions: tuple[str, ...]
    is_not: bool = False


@dataclass(frozen=True, slots=True)
class Named:
    """A condition: a call names one of these files.

    Attributes:
        path: the file as a whole if it begins with a slash, else the last parts of its path.
        inside: working directories of sessions, as ids of these, with the path in each.
    """

    path: str
    inside: tuple[tuple[tuple[str, ...], str], ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """A search of a sink; what is None is not asked for.

    Attributes:
        wanted: the words, in the spelling of the index.
        roles: of the messages.
        include_meta: whether `user` is also what machines wrote in the place of people.
        session: id of their session.
        values: their sources, models and branches.
        sessions: ids of sessions of which they are.
        but_sessions: ids of sessions of which they are not.
        tool: the name of a tool.
        file: a file.
        errors: whether they must report an error.
        machines: uuids of machines, empty for this one.
        since, until: their dates, microseconds since 1970: from, and before.
        limit, offset: how many, the newest first, and how many of these to skip.
    """

    wanted: Node
    roles: tuple[str, ...] | None = None
    include_meta: bool = False
    session: str | None = None
    values: tuple[Valued, ...] = ()
    sessions: tuple[str, ...] | None = None
    but_sessions: tuple[str, ...] = ()
    tool: str | None = None
    file: Named | None = None
    errors: bool = False
    machines: tuple[str, ...] | None = None
    since: int | None = None
    until: int | None = None
    limit: int = 20
    offset: int = 0


class Checksum(NamedTuple):
    """What is equal for equal documents, without their versions: their number, and a sum of hashes.

    The hash of a document is the first 8 bytes of the MD5 of its fields, joined by NUL, little
    endian, with names of tools and files joined by line feeds; the sum is modulo 2^64.
    """

    documents: int
    sum: int


class Sink(Protocol):
    """An engine that has documents, and searches them."""

    def prepare(self) -> str:
        """Make the table if it is missing; return what identifies it: another one has another."""
        ...

    def put(self, documents: Sequence[Document]) -> None:
        """Store documents; again does nothing. They are found when this returns."""
        ...

    def erase(self, part: str, sessions: Sequence[str]) -> None:
        """Erase the documents of sessions, all versions and physically."""
        ...

    def erase_older(self, part: str, version: int) -> None:
        """Erase all documents of a part with a lower version, physically."""
        ...

    def older(self, part: str, version: int) -> int:
        """Return how many rows of a part have a lower version, of all versions of a document."""
        ...

    def sessions(self, part: str) -> list[str]:
        """Return the ids of the sessions that a part has documents of."""
        ...

    def latest(self, part: str) -> int:
        """Return the highest version of a part; 0 if it has no document."""
        ...

    def search(self, asked: Asked) -> list[Key]:
        """Return the messages that match, the newest first."""
        ...

    def checksum(self, part: str) -> Checksum:
        """Return the checksum of the documents of a part that are not deleted."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...
