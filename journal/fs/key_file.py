"""The file with the journal's keys: `<journal>/key`, one key of 64 hexadecimal digits a line.

The first key is the journal's own, with which this program makes hashes. The others are those of
journals whose lanes were copied into this one: with them it understands the hashes made there.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

from journal.errors import JournalOpenError
from journal.format.keyed_hash import KEY_BYTES, Key
from journal.fs.directory import KEY_FILE
from journal.fs.files import create_file, replace_file, sync_folder
from journal.fs.lock import lock_folder
from journal.fs.ownership import read_own
from journal.fs.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_MOST = 1024 * 1024
"""The largest size of the file, in bytes."""
_KEY = re.compile(b"[0-9A-Fa-f]{%d}" % (2 * KEY_BYTES))
_PATIENCE = 10.0
"""Seconds to wait for another process that adds keys."""


def read_keys(journal: Path) -> tuple[Key, ...]:
    """Return the keys of a journal, its own first; none where nothing was redacted or forgotten.

    Raises:
        JournalOpenError: the file is damaged or cannot be read.
    """
    path = journal / KEY_FILE
    try:
        content = read_own(path, _MOST)
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise JournalOpenError(f"cannot read {path}: {error.strerror or error}") from error
    lines = content.splitlines()
    for number, line in enumerate(lines, 1):
        if not all(map(_KEY.fullmatch, line.split())):
            raise JournalOpenError(
                f"{path} is damaged: line {number} is no key of {2 * KEY_BYTES} hexadecimal"
                " digits. Put the file back from a backup; without it, what was forgotten is not"
                " recognized where it comes again"
            )
    return tuple(Key(bytes.fromhex(key.decode())) for line in lines for key in line.split())


def new_key() -> Key:
    """Return a new random key."""
    return Key(secrets.token_bytes(KEY_BYTES))


def any_key(journal: Path) -> Key:
    """Return a journal's own key; a new one where it has none. The journal is not changed.

    Raises:
        JournalOpenError: as `read_keys`.
    """
    return next(iter(read_keys(journal)), None) or new_key()


def own_key(journal: Path) -> Key:
    """Return the key with which a journal makes hashes; make it where there is none.

    Any number of processes may do this at the same instant: one makes the key.

    Raises:
        JournalOpenError: the file is damaged, or cannot be read or made.
    """
    if not (keys := read_keys(journal)):
        path = journal / KEY_FILE
        try:
            _create(path, [new_key()])
        except OSError as error:
            raise JournalOpenError(f"cannot make {path}: {error.strerror or error}") from error
        keys = read_keys(journal)
    if not keys:
        raise JournalOpenError(
            f"{journal / KEY_FILE} is empty: put it back from a backup, or remove it if nothing was"
            " redacted or forgotten in this journal"
        )
    return keys[0]


def add_keys(journal: Path, keys: Iterable[Key]) -> None:
    """Add the keys of another journal, whose lanes are copied into this one.

    Where the journal has no key, the first of them becomes its own. Any number of processes may do
    this at the same instant, and others may make the journal's own key meanwhile: none is lost.

    Raises:
        JournalOpenError: the file is damaged, cannot be read or written, or another process held
            the folder locked for 10 s.
    """
    added = list(keys)
    path = journal / KEY_FILE
    with _locked(journal):
        try:
            # the name is given only once, so the own key of another process is not replaced
            if added and not os.path.lexists(path):
                _create(path, added)
            there = read_keys(journal)
            merged = list(dict.fromkeys([*there, *added]))
            if len(merged) > len(there):
                replace_file(path, _encode(merged))
        except OSError as error:
            raise JournalOpenError(f"cannot write {path}: {error.strerror or error}") from error


def write_keys(journal: Path, keys: Iterable[Key]) -> None:
    """Write the keys of a new journal, whose folder is locked by its maker.

    Raises:
        JournalOpenError: the file cannot be written.
    """
    path = journal / KEY_FILE
    try:
        create_file(path, _encode(dict.fromkeys(keys)))
    except OSError as error:
        raise JournalOpenError(f"cannot make {path}: {error.strerror or error}") from error


@contextmanager
def _locked(journal: Path) -> Iterator[None]:
    """Hold the lock of a journal's folder: of two who read and replace a file, one would lose."""
    try:
        folder = wait_for(lambda: lock_folder(journal), _PATIENCE)
    except OSError as error:
        if error.errno != errno.ENOLCK:  # folders on NFS have no locks
            raise JournalOpenError(f"cannot lock {journal}: {error.strerror or error}") from error
        yield
        return
    if folder is None:
        raise JournalOpenError(
            f"another process held the folder {journal} locked for {_PATIENCE} s; no key was added:"
            " try again"
        )
    try:
        yield
    finally:
        os.close(folder)


def _create(path: Path, keys: Iterable[Key]) -> None:
    """Make the file unless there is one: a power loss must not leave hashes whose key is gone."""
    create_file(path, _encode(dict.fromkeys(keys)))
    sync_folder(path.parent)


def _encode(keys: Iterable[Key]) -> bytes:
    return "".join(f"{key.secret.hex()}\n" for key in keys).encode()
