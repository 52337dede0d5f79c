"""Which lane a writer leases."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from journal.errors import LanesBusy, LeaseError
from journal.fs.files import make_folder
from journal.fs.lock import is_locked
from journal.fs.ownership import Untrusted, is_own_folder, refusal
from journal.lanes.lane import LOCK, find_continuation, try_lease
from journal.lanes.torn import tidy
from journal.process import clock
from journal.segments.segment import LAST_NUMBER, RETIRED, segment_numbers

if TYPE_CHECKING:
    from pathlib import Path

    from journal.lanes.lane import Continuation, Lane

_MOST = 100_000
"""No lane has this number or a higher one."""
_ITS_OWN = frozenset(
    {
        errno.EACCES,
        errno.EPERM,
        errno.EEXIST,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.ELOOP,
        errno.ENXIO,
        errno.EFBIG,
    }
)
"""Errors that concern one lane alone. Any other error (too many open files, a read-only disk) would
come with the next lane too, and each try would leave a new folder."""


def lease(lanes: Path) -> tuple[Lane, Continuation]:
    """Lease the first free lane, lowest number first, and find where its last lessee stopped.

    A lane that this user cannot use is skipped like one that is leased. So is a lane whose last
    event is dated more than an hour ahead: the clock of its writer was wrong, and later events
    would continue from that date. Where no lane is free, one is made.

    Raises:
        LanesBusy: other writers hold all lanes.
        LeaseError: the file system refuses where another lane would not help.
    """
    number = lost = 0
    while (number := number + 1) < _MOST:
        path = lanes / str(number)
        # if a lane that is made here cannot be used, stop: else every number would get a folder
        there = os.path.lexists(path)
        try:
            if there and _is_held(path):
                continue
            if not make_folder(path) and not there:
                # another process made it at this moment: from now on they try different numbers,
                # or each would wait for all others at each number
                lost += 1
                number += os.urandom(1)[0] % (2 * lost)
                continue
            if (leased := _lease_free(path)) is not None:
                return leased
        except OSError as error:
            if there and _is_passed_over(path, error):
                continue
            raise LeaseError(f"cannot lease lane {path}: {refusal(path / LOCK, error)}") from error
    raise LanesBusy(f"all {_MOST - 1} lanes in {lanes} are leased; close some writers")


def _is_held(path: Path) -> bool:
    """Return whether a lane is passed over at a glance, as a process that starts does with most.

    Of a folder that is not this user's alone nothing is decided here: its user must know.

    Raises:
        OSError: the lane cannot be looked at.
    """
    folder = str(path)
    return is_own_folder(os.lstat(folder)) and (
        os.path.lexists(f"{folder}/{RETIRED}") or is_locked(f"{folder}/{LOCK}")
    )


def _is_passed_over(path: Path, error: OSError) -> bool:
    """Return whether a lane is skipped because of an error.

    A lane that others may write to is not skipped: its user must know, and readers refuse it, too.
    A lane that is closed to this user belongs to another user, who may have made it by mistake.
    """
    if isinstance(error, Untrusted):
        return not os.access(path, os.R_OK | os.W_OK | os.X_OK)
    return error.errno in _ITS_OWN


def _lease_free(path: Path) -> tuple[Lane, Continuation] | None:
    """Lock a lane and read its end; None if it is leased.

    Raises:
        OSError: the lane cannot be used.
    """
    lane = try_lease(path)
    if lane is None:
        return None
    try:
        tidy(path)
        at = find_continuation(path)
        clock.of(path.parent.parent).observe(at.order)
        if at.time > clock.wall() + clock.AHEAD:
            lane.release()
            return None
        if at.number >= LAST_NUMBER:
            raise FileExistsError(errno.EEXIST, "its last segment number is used", str(path))  # noqa: TRY301 - released below
    except BaseException:
        lane.release()
        raise
    return lane, at


def lease_new(lanes: Path) -> Lane:
    """Make a lane and lease it: one that no writer has held before.

    Raises:
        LeaseError: the file system refuses.
    """
    try:
        for number in range(1, _MOST):
            path = lanes / str(number)
            if os.path.lexists(path):
                continue
            make_folder(path)
            lane = try_lease(path)
            # another process may have made it, leased it and released it between the two checks
            if lane is not None and not segment_numbers(path):
                return lane
            if lane is not None:
                lane.release()
    except OSError as error:
        raise LeaseError(f"cannot make a lane in {lanes}: {error.strerror or error}") from error
    raise LeaseError(f"there are {_MOST - 1} lanes in {lanes}")
