"""The handle that programs read with."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Self

from journal.fs.directory import open_directory
from journal.process.fork import no_fork
from projector.arguments import (
    check_callable,
    check_position,
    check_seconds,
)
from projector.db.generations import with_part
from projector.errors import NotProjected
from projector.fold.part import Part
from projector.reading.goal import Own
from projector.reading.listing import ListingReader
from projector.reading.reader import PATIENCE, Answer
from projector.reading.whole import WholeReader

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection

    import apsw

    from journal.format.position import Position
    from journal.segments.machines import Machines
    from projector.errors import Behind
    from projector.upkeep.status import Status
    from projector.views.freshness import Freshness


class Projection(ListingReader):
    """A projection to read from. Safe for threads; follows rebuilds by itself.

    ::

        with Projection.open("~/agents") as projection:
            for hit in projection.search("docker AND compose", limit=5, role="user"):
                print(hit.session, hit.time_utc, hit.snippet)
            for view in projection.sessions(limit=10):
                print(view.session, view.title, view.started_utc, view.last_utc, view.ended_utc)
            print(projection.session("s1").usage, projection.usage(by="model").total.cost)
            print([(row.name, row.messages) for row in projection.facets(by="tool")])
            print([message.content for message in projection.messages("s1")])
            view, messages = projection.conversation("s1")
            print(projection.machines().name)
            print(projection.status().lag_bytes, projection.digest(), projection.behind())

    To read what another handle has just appended, name its position::

        with Journal.open("~/agents") as journal, Projection.open("~/agents") as projection:
            position = journal.append_message("s1", "user", "hello")
            projection.wait_for(position, timeout=5.0)
            print(projection.has(position), projection.after(position).messages("s1"))

    The database itself can be asked, by its documented views (`docs/sql.md`)::

        with Projection.open("~/agents") as projection:
            projection.rebuild()
            print(bool(projection.catch_up(patience=5.0)))
            count, fresh = projection.read(lambda db: db.execute("SELECT 1").get)
            count, fresh = projection.whole(lambda db: db.execute("SELECT 1").get)
            is_built = projection.peek(lambda db: db is not None)
            projection.close()

    Where no projector runs, every query first applies what the journal has gained. After `close`
    every method raises ClosedError; `close` itself may be called again.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        timeout: float | None = None,
        part: str | None = None,
    ) -> None:
        if timeout is not None:
            check_seconds("timeout", timeout)
        asked = None if part is None else Part.parse(part)
        self._reader = WholeReader(with_part(open_directory(path, create=False), asked))
        self._timeout = timeout
        self._own: Own | None = None

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        timeout: float | None = None,
        part: str | None = None,
    ) -> Self:
        """Open the projection of the journal at `path`; it is built at the first query.

        `Projection(path, timeout=...)` does the same.

        Args:
            path: folder of the journal.
            timeout: seconds that each query may take, bringing the projection up to date
                included; it raises QueryTimeout then. None means as long as it takes.
            part: such as `3/16`: the projection that holds the sessions of this part alone, as
                docs/large.md explains; `projector.Parts` asks all of them together.

        Raises:
            NotAJournalError: there is no journal.
            ProjectionError: its folder cannot be used.
            ValueError: `timeout` is no number of seconds, or `part` names no part.
        """
        return cls(path, timeout=timeout, part=part)

    def after(self, position: Position | None, timeout: float = 2.0) -> Self:
        """Return this handle as one whose answers know the record at `position`.

        What it asks raises NotProjected if a projector runs, and has not applied that record
        within `timeout` seconds. Both are one handle: to close one closes the other. Without a
        position (None) the handle has no such bound.

        Raises:
            ValueError: `position` is no Position, or `timeout` is no number of seconds.
        """
        if position is not None:
            check_position(position)
        check_seconds("timeout", timeout)
        self._reader.check_open()
        bound = copy(self)
        bound._own = None if position is None else Own(position, timeout)  # noqa: SLF001 - of the same class
        return bound

    def machines(self) -> Machines:
        """Return this machine and the others whose lanes are in the journal, with their names."""
        return self._reader.machines()

    def digest(self) -> str:
        """Return the SHA-256 of the logical content in canonical order.

        Raises:
            NotProjected: a projector runs and is behind: the digest would be of the past.
        """
        with no_fork.turn:
            from projector.db.digest import digest  # noqa: PLC0415 - a search does not need it

        answer, fresh = self.read(digest)
        if not fresh:
            raise NotProjected(f"{fresh.behind}; see `projector status`")
        return answer

    def read(
        self, query: Callable[[apsw.Connection], Answer], *, patience: float = PATIENCE
    ) -> tuple[Answer, Freshness]:
        """Query the database itself, by its documented views (`docs/sql.md`).

        If it shows what is requested to be forgotten, a running projector is waited for that
        replaces it. Where none can, as on a full or read-only disk, another one is asked, which
        this handle builds in a temporary folder.

        What `query` raises is raised as it is, at once. Only an error of the database itself makes
        it be asked again, after a rebuild.

        Args:
            query: asked with a connection that can only read, perhaps twice.
            patience: seconds to wait for a running projector before the answer is of what is
                there.

        Returns:
            The answer, and whether it includes everything that was in the journal at the call: that
            is true if it does, and else `behind` is what it does not know.

        Raises:
            NotProjected: a position that the answer must know (`after`) was not applied in time.
            QueryTimeout: it took longer than the projection was opened for.
            ProjectionError: the projection cannot be built or read.
            ReadError: a lane cannot be read.
            ValueError: `query` is no function, or `patience` is no number of seconds.
        """
        check_callable("query", query)
        check_seconds("patience", patience)
        return self._reader.read(query, self._timeout, patience, self._own)

    def whole(
        self,
        query: Callable[[apsw.Connection], Answer],
        *,
        patience: float = PATIENCE,
        sessions: Collection[str] | None = None,
        at_once: bool = False,
    ) -> tuple[Answer, Freshness]:
        """Query as `read`; what another process has not applied is applied for this answer alone.

        `read` waits for the process that projects. This does not: it applies the events that are
        missing to a copy of the snapshot in memory, and queries that. So a process that is
        suspended in the middle of projecting keeps no other waiting. It waits only where more is
        missing than a memory should hold (16 MiB).

        Args:
            query: as for `read`.
            patience: as for `read`, where it waits.
            sessions: those that the query reads, if it reads no others: of others the answer may
                lack events. It is quicker then. None means all.
            at_once: whether to apply nothing to the projection where the copy can answer: for who
                has a lock that others wait for.

        Raises:
            NotProjected, QueryTimeout, ProjectionError, ReadError, ValueError: as `read`.
        """
        check_callable("query", query)
        check_seconds("patience", patience)
        reader, own = self._reader, self._own
        return reader.read_whole(query, self._timeout, patience, own, sessions, at_once=at_once)

    def catch_up(self, *, patience: float = PATIENCE) -> Freshness:
        """Apply what the journal has gained, or wait for the projector that does; show nothing.

        Args:
            patience: as for `read`.

        Returns:
            Whether everything is applied that was in the journal at the call, as of `read`. The
            projection that it is true of is in the journal, so everything is hidden that was
            requested to be forgotten.

        Raises:
            NotProjected, QueryTimeout, ProjectionError, ReadError, ValueError: as `read`.
        """
        check_seconds("patience", patience)
        return self._reader.refresh(self._timeout, patience, self._own)

    def peek(self, query: Callable[[apsw.Connection | None], Answer]) -> Answer:
        """Query one snapshot, without applying or waiting for anything.

        It may show what is requested to be forgotten, as long as that is not applied.

        The connection is None where no projection was built yet.

        Raises:
            ProjectionError: the projection cannot be read.
            ValueError: `query` is no function.
        """
        check_callable("query", query)
        return self._reader.peek(query)

    def has(self, position: Position) -> bool:
        """Return whether the record at `position` is applied, without applying anything.

        Raises:
            ValueError: `position` is no Position.
        """
        check_position(position)
        return self._reader.has(position)

    def status(self) -> Status:
        """Return counts, lag and sizes, without applying anything."""
        with no_fork.turn:
            from projector.upkeep.status import status  # noqa: PLC0415 - a search does not need it

        self._reader.check_open()
        return status(self._reader)

    def behind(self) -> Behind | None:
        """Return which events of the journal are not applied yet; None if all are.

        Nothing is applied, and nothing is waited for. What `peek` answers lacks these events.

        Raises:
            ProjectionError: the projection cannot be read.
            ReadError: a lane cannot be read.
        """
        with no_fork.turn:
            from projector.upkeep.behind import behind  # noqa: PLC0415 - a search does not need it

        self._reader.check_open()
        return behind(self._reader)

    def wait_for(self, position: Position, timeout: float = 2.0) -> None:
        """Return when the projection has applied the record at `position`.

        Raises:
            NotProjected: it has not within `timeout` seconds.
            ValueError: `position` is no Position, or `timeout` is no number of seconds.
        """
        check_position(position)
        check_seconds("timeout", timeout)
        self._reader.wait_for(position, timeout)

    def rebuild(self) -> None:
        """Rebuild the projection from the journal, while others read and write.

        Raises:
            ProjectorBusy: another process is building it.
            ProjectionError: it cannot be built; the old one remains in use.
            ReadError: a lane cannot be read; the old projection remains in use.
        """
        with no_fork.turn:
            from projector.run.build import rebuild  # noqa: PLC0415 - a search does not need it

        self._reader.check_open()
        rebuild(self._reader.journal)

    def close(self) -> None:
        """Close the connection; again does nothing.

        Raises:
            Reentered: called in a handler in the middle of another call; nothing was done.
        """
        self._reader.close()

    def __enter__(self) -> Self:
        self._reader.check_open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
