"""Lends a connection to a caller's function, and distinguishes its errors from the database's."""

from __future__ import annotations

import sys
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import apsw

from projector.db.connections import STEPS, has_all_tables
from projector.db.fork_safety import ForkedMeanwhile
from projector.db.quiet import quiet
from projector.db.sqlite_errors import is_of_query
from projector.errors import NotFound, ProjectionError, TextDamaged

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from projector.reading.deadline import Deadline
    from projector.views.freshness import Freshness

Answer = TypeVar("Answer")
P = ParamSpec("P")


class OfQuery(Exception):  # noqa: N818 - carries an error, and is none
    """An error that a caller's function raised by itself: no rebuild and no second try helps.

    Attributes:
        error: what it raised.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def unwrapped(method: Callable[P, Answer]) -> Callable[P, Answer]:
    """Let a method raise the error of its caller's function itself, unchanged."""

    @wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> Answer:
        try:
            return method(*args, **kwargs)
        except OfQuery as raised:
            error = raised.error
        # outside of the handler: `OfQuery` must not become the context of the error
        raise error

    return call


def lend(db: apsw.Connection, query: Callable[[apsw.Connection], Answer], path: Path) -> Answer:
    """Ask with a connection to the database at `path`.

    Raises:
        OfQuery: the query raised an error of SQLite or of the projection, and is its cause.
        TextDamaged: a text in the database is not what was written.
        apsw.Error: the database, its file or the disk is the cause.
        ForkedMeanwhile: this is a child that was forked in the middle of the query.
    """
    handled = sys.exc_info()[1]
    try:
        with quiet.calling(db):
            return query(db)
    except apsw.Error as error:
        if not is_of_query(error, path, handled, is_whole=lambda: has_all_tables(db)):
            raise
        raise OfQuery(error) from error
    except (ForkedMeanwhile, TextDamaged):
        raise
    except ProjectionError as error:
        raise OfQuery(error) from error


def ask(
    db: apsw.Connection,
    query: Callable[[apsw.Connection], Answer],
    path: Path,
    deadline: Deadline,
    fresh: Freshness,
) -> Answer:
    """Ask in the snapshot that `db` holds, as long as there is time.

    Raises:
        QueryTimeout: the time is up.
        OfQuery, apsw.Error: as `lend`.
    """

    def is_over() -> bool:
        quiet.rest(db)
        return deadline.is_over()

    db.set_progress_handler(is_over, STEPS)
    try:
        answer = lend(db, query, path)
    except (OfQuery, apsw.InterruptError) as error:
        cause = error.error if isinstance(error, OfQuery) else error
        if isinstance(cause, apsw.InterruptError) and deadline.is_over():
            raise deadline.error("the query") from cause
        raise
    except NotFound as error:
        if fresh.behind is None:
            raise
        again = NotFound(f"{error}; {fresh.behind}")
        again.behind = fresh.behind
        raise again from error
    finally:
        _take_back(db)
    return answer


def _take_back(db: apsw.Connection) -> None:
    try:
        db.set_progress_handler(None)
    except apsw.ConnectionClosedError as error:
        raise OfQuery(
            ProjectionError(
                "the query closed the connection that it was lent; the next one opens another"
            )
        ) from error
