"""The handle that asks all parts of a projection together."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from journal.errors import ClosedError
from journal.fs.directory import open_directory
from journal.process.fork import no_fork
from projector.arguments import check_seconds
from projector.db.generations import (
    Generations,
    find_parts,
    part_folder,
    with_part,
)
from projector.errors import NotFound, NotProjected, ProjectionError, QueryError
from projector.fold.part import Part
from projector.reading.reader import Reader
from projector.reading.searching import Searcher
from projector.search.ordering.databases import Databases
from projector.views.freshness import FRESH, Freshness
from projector.views.session_names import matching

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Sequence

    import apsw

    from journal.fs.directory import Directory
    from journal.segments.machines import Machines
    from projector.reading.reader import Answer
    from projector.search.find import FoundHits, SearchRequest


class Parts(Searcher):
    """The parts of a projection, asked together. Safe for threads.

    Each part is a database with the sessions whose hash it has (docs/large.md)::

        for part in ("1/2", "2/2"):
            with Projection.open("~/agents", part=part) as projection:
                projection.rebuild()
        with Parts.open("~/agents") as parts:
            print(parts.names, parts.digest())
            for hit in parts.search("docker AND compose", limit=5, role="user"):
                print(hit.session, hit.snippet)
            print(parts.session("s1"))

    Where no projector runs for a part, every query first applies what the journal has gained to it.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        timeout: float | None = None,
        only: Iterable[str] | None = None,
    ) -> None:
        if timeout is not None:
            check_seconds("timeout", timeout)
        journal = open_directory(path, create=False)
        chosen = _all_parts(journal) if only is None else _chosen(journal, only)
        self._parts = tuple(chosen)
        self._readers = tuple(Reader(with_part(journal, part)) for part in chosen)
        self._timeout = timeout
        self._is_closed = False

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        timeout: float | None = None,
        only: Iterable[str] | None = None,
    ) -> Self:
        """Open the parts of the projection of the journal at `path`.

        `Parts(path, ...)` does the same.

        Args:
            path: folder of the journal.
            timeout: seconds that each query may take, as of `Projection.open`.
            only: the parts to ask, such as `3/16`. By default all are asked, and all must be there.

        Raises:
            NotAJournalError: there is no journal.
            ProjectionError: a part is missing; the message names it.
            ValueError: `timeout` is no number of seconds, or `only` names no parts of one journal.
        """
        return cls(path, timeout=timeout, only=only)

    @property
    def names(self) -> tuple[str, ...]:
        """The parts that are asked, in order."""
        return tuple(map(str, self._parts))

    @property
    def shows(self) -> Self:
        """The handle that shows what is found: itself."""
        return self

    @property
    def is_whole(self) -> bool:
        """Whether these are all parts."""
        return len(self._parts) == self._parts[0].of

    def machines(self) -> Machines:
        """Return this machine and the others whose lanes are in the journal, with their names."""
        return self._readers[0].machines()

    def digest(self) -> str:
        """Return the digest of what the parts hold together: that of one projection of it all.

        Raises:
            NotProjected: a projector runs and is behind: the digest would be of the past.
            ProjectionError: a part cannot be built or read.
        """
        with no_fork.turn:
            from projector.db.digest import digest_of_parts  # noqa: PLC0415 - a search does not need it

        answer, fresh = self.read(digest_of_parts)
        if not fresh:
            raise NotProjected(f"{fresh.behind}; see `projector status`")
        return answer

    def session(self, name: str) -> str:
        """Return the id of the session with this id, or the only one that begins or ends so.

        Raises:
            NotFound: there is none, or there are several.
        """
        found, _ = self.read(lambda dbs: [each for db in dbs for each in matching(db, name)])
        exact = [each for each in found if each == name] or found
        if len(exact) != 1:
            what = f"{name!r} names {len(exact)} sessions" if exact else f"no session is {name!r}"
            raise NotFound(f"{what}; give its whole id")
        return exact[0]

    def read(
        self, query: Callable[[Sequence[apsw.Connection]], Answer]
    ) -> tuple[Answer, Freshness]:
        """Query the databases of the parts, each in a snapshot of its own.

        Args:
            query: asked with connections that can only read, in the order of `names`; perhaps
                twice.

        Returns:
            The answer, and whether it includes everything that was in the journal at the call: if
            not, what the part lacks that is furthest behind.

        Raises:
            QueryTimeout, ProjectionError, ReadError: as `Projection.read`.
            ClosedError: it was closed.
        """
        if self._is_closed:
            raise ClosedError("this handle on parts of a projection was closed; open another")
        return self._read(query, ())

    def _read(
        self, query: Callable[[Sequence[apsw.Connection]], Answer], dbs: tuple[apsw.Connection, ...]
    ) -> tuple[Answer, Freshness]:
        """Query the parts behind those whose connections are given."""
        if len(dbs) == len(self._readers):
            return query(dbs), FRESH
        reader = self._readers[len(dbs)]
        (answer, others), own = reader.read(lambda db: self._read(query, (*dbs, db)), self._timeout)
        return answer, max(own, others, key=_lack)

    def _find(self, asked: SearchRequest) -> tuple[FoundHits, Freshness]:
        if asked.filters.include_replays:
            raise QueryError(
                "parts do not answer include_replays: a replay is found by its home, which may be"
                " in another part; ask the whole projection"
            )
        alone = replace(asked, enough=0)
        return self.read(lambda dbs: alone.find_in(Databases(tuple(dbs))))

    def close(self) -> None:
        """Close the connections; again does nothing.

        Raises:
            Reentered: called in a handler in the middle of another call; nothing was done.
        """
        with ExitStack() as stack:
            for reader in self._readers:
                stack.callback(reader.close)
        self._is_closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _lack(fresh: Freshness) -> tuple[bool, int]:
    return fresh.behind is not None, 0 if fresh.behind is None else fresh.behind.bytes


def _all_parts(journal: Directory) -> list[Part]:
    """Return the parts of a journal; of several sets the one with most parts.

    Raises:
        ProjectionError: one is missing.
    """
    there = find_parts(journal.path)
    if not there:
        raise ProjectionError(
            f"{journal.path} has no parts of a projection; `projector run --part 1/4` makes one"
        )
    of = there[-1].of
    return _check(journal, [Part(of, number) for number in range(1, of + 1)])


def _chosen(journal: Directory, only: Iterable[str]) -> list[Part]:
    parts = sorted({Part.parse(text) for text in only})
    if not parts or parts[0].of != parts[-1].of:
        raise ValueError("the parts to ask must be of one number of parts, such as 1/4 and 3/4")
    return _check(journal, parts)


def _check(journal: Directory, parts: list[Part]) -> list[Part]:
    missing = [
        part for part in parts if Generations(part_folder(journal.path, part)).current() is None
    ]
    if missing:
        names = ", ".join(map(str, missing))
        raise ProjectionError(
            f"part {names} of the projection is not there: run `projector run --part {missing[0]}`,"
            f" or copy its folder to {part_folder(journal.path, missing[0])}; or search some parts"
            " only (--part)"
        )
    return parts
