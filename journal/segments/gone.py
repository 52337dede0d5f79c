"""A segment's file can be removed after it was listed: its events are in another segment by then.

An eraser removes the file of a segment that was joined with the one before it. Whatever lists
segments and then reads them can meet that; the next listing shows where the events are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from journal.errors import ReadError

if TYPE_CHECKING:
    from collections.abc import Callable

Answer = TypeVar("Answer")

_MOST = 100
"""Times that segments are listed again: each time at least one of the listed files was removed."""


def is_gone(error: ReadError) -> bool:
    """Return whether a file or folder was not there any more when it was to be read."""
    return isinstance(error.__cause__, FileNotFoundError)


def repeat_if_gone(work: Callable[[], Answer]) -> Answer:
    """Return the answer of some work that lists segments and reads them.

    If a file is gone when it is to be read, the work is repeated from its beginning: what it did
    until then must not count twice.

    Raises:
        ReadError: a file cannot be read, or one is gone again and again.
    """
    for _ in range(_MOST):
        try:
            return work()
        except ReadError as error:
            if not is_gone(error):
                raise
    return work()
