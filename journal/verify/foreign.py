"""Entries in the folders of the lanes that are no files of the journal."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from journal.errors import ReadError
from journal.lanes.lane import LOCK
from journal.lanes.roll_request import ROLL
from journal.segments.mirrors import is_mirror
from journal.segments.segment import RETIRED, is_segment_draft, segment_number
from journal.verify.checks import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def foreign_beside_lanes(lanes: Path) -> Iterator[Problem]:
    """Yield a problem for each entry that is no lane: another program's file, a link."""
    try:
        with os.scandir(lanes) as entries:
            for entry in sorted(entries, key=_name):
                if not entry.is_dir(follow_symlinks=False):
                    reason = f"{entry.name} in lanes/ is {_kind_of(entry)}"
                    yield Problem("foreign", "", None, None, 0, reason)
    except OSError as error:
        raise ReadError(f"cannot list the lanes in {lanes}: {error.strerror or error}") from error


def foreign_in_lane(lane: Path) -> Iterator[Problem]:
    """Yield a problem for each entry of a lane's folder that the journal did not make."""
    # no writer leases a mirror
    own = (RETIRED,) if is_mirror(lane.name) else (LOCK, RETIRED, ROLL)
    try:
        with os.scandir(lane) as entries:
            for entry in sorted(entries, key=_name):
                try:
                    reason = _why_foreign(entry, own)
                except FileNotFoundError:  # a file that was removed since the folder was listed
                    continue
                if reason is not None:
                    number = segment_number(entry.name)
                    yield Problem("foreign", lane.name, number, None, 0, reason)
    except OSError as error:
        reason = f"cannot list lane {lane}: {error.strerror or error}"
        yield Problem("unreadable", lane.name, None, None, 0, reason)


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name


def _why_foreign(entry: os.DirEntry[str], own: tuple[str, ...]) -> str | None:
    regular = stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode)
    if not regular:
        return f"{entry.name} is {_kind_of(entry)}, and is not read"
    if is_segment_draft(entry.name):
        return None  # of an eraser that is at work, or was killed: the next one removes it
    if entry.name not in own and segment_number(entry.name) is None:
        return f"{entry.name} is none of the journal's files, and is not read"
    return None


def _kind_of(entry: os.DirEntry[str]) -> str:
    if entry.is_symlink():
        return "a symbolic link"
    if entry.is_dir(follow_symlinks=False):
        return "a folder"
    return "a file" if entry.is_file(follow_symlinks=False) else "a special file"
