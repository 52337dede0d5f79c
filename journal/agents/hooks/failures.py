"""Imports by hooks that failed: an agent does not show what its hooks say, so it is noted here.

The notes are lines of JSON in a file of this user, beside the journals: the journal itself may be
what cannot be written to.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import orjson

from journal.fs import disk
from journal.fs.files import make_folders
from journal.fs.location import expanded
from journal.process import clock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MOST = 256 * 1024
"""Bytes of the file above which it becomes the older one."""
_LONGEST = 4096
"""Characters of a message that are kept."""
_DAYS = 7 * 24 * 60 * 60 * 1_000_000
"""Microseconds for which a failure is shown."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An import by a hook that failed.

    Attributes:
        time: when, in microseconds since 1970.
        journal: the folder of the journal.
        format: the name of the importer.
        source: the transcript; empty if the hook was given none.
        error: why.
    """

    time: int
    journal: str
    format: str
    source: str
    error: str


def note(journal: Path, format: str, source: str, error: str) -> None:
    """Note a failure.

    Raises:
        OSError: the file system refuses.
        JournalOpenError: the home folder is unknown.
    """
    file = _file()
    make_folders(file.parent)
    failure = Failure(clock.wall(), str(journal), format, source, error[:_LONGEST])
    try:
        if file.stat().st_size > _MOST:
            disk.in_use.replace(file, _older(file))
    except FileNotFoundError:
        pass  # the first one, or another process has just renamed it
    fd = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        disk.write_rest(fd, orjson.dumps(asdict(failure), option=orjson.OPT_APPEND_NEWLINE))
    finally:
        os.close(fd)


def recent_failures(journal: Path) -> tuple[Failure, ...]:
    """Return the failures of a journal in the last 7 days, in order.

    Raises:
        OSError: they cannot be read.
        JournalOpenError: the home folder is unknown.
    """
    since = clock.wall() - _DAYS
    wanted = str(journal.absolute())
    found = (it for file in (_older(_file()), _file()) for it in _read(file))
    return tuple(it for it in found if it.journal == wanted and it.time >= since)


def _read(file: Path) -> Iterator[Failure]:
    try:
        lines = file.read_bytes().splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        try:
            yield Failure(**orjson.loads(line))
        except (orjson.JSONDecodeError, TypeError):
            continue  # torn by a power loss, or of another version


def _file() -> Path:
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return expanded(state) / "agent-journal" / "hooks.log"


def _older(file: Path) -> Path:
    return file.with_name(f"{file.name}.1")
