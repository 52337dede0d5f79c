"""Hostile files, folders and links in the place of a journal's own."""

from __future__ import annotations

import os
import shutil
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from random import Random

OUTSIDE = "outside"
"""A folder beside the journal, with a file, to which links lead; it must not change."""
_SOMEBODY = 4242
_NAMES = (
    b"\x1b]0;x\x07",
    b"\x9b31m",
    b"\xff\xfe",
    b"a\nb",
    b"n" * 200,
    b"lock",
    b"000001.jsonl",
    b"000009.jsonl",
    b"7",
    b"2.db-wal",
    b"build.lock",
    b".CURRENT.0199c0de-0000-7000-8000-000000000002",
)
_MODES = (0o777, 0o666, 0o722, 0o622, 0o000, 0o400, 0o200)


def disturb(journal: Path, random: Random) -> str:
    """Do one hostile thing to a journal, and return its description."""
    kind = random.choice(list(KINDS))
    places = [journal, *journal.rglob("*")]
    # the user chooses the journal's own path, so a link there is followed
    place = random.choice(places if kind in _CHANGES else places[1:])
    if kind in _ANYWHERE:
        folders = [at for at in places if at.is_dir() and not at.is_symlink()]
        place = random.choice(folders) / os.fsdecode(random.choice(_NAMES))
        kind = random.choice(_ADDED)
    if kind not in _CHANGES:
        _clear(place)
    try:
        KINDS[kind](place, random)
    except OSError as error:  # the name exists, or a folder has become a file
        return f"nothing ({kind} at {place.name!r}: {error.strerror})"
    return f"{kind} at {os.fspath(place.relative_to(journal))!r}"


def _clear(place: Path) -> None:
    if not os.path.lexists(place):
        return
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink()


def _outside(place: Path) -> Path:
    above = next(folder for folder in place.parents if (folder / OUTSIDE).is_dir())
    return above / OUTSIDE


def _pipe(place: Path, _: Random) -> None:
    os.mkfifo(place, 0o600)


def _socket(place: Path, _: Random) -> None:
    os.mknod(place, 0o600 | stat.S_IFSOCK)


def _device(place: Path, _: Random) -> None:
    os.mknod(place, 0o600 | stat.S_IFCHR, os.makedev(1, 5))  # /dev/zero has no end


def _link_to_file(place: Path, _: Random) -> None:
    place.symlink_to(_outside(place) / "victim")


def _link_to_folder(place: Path, _: Random) -> None:
    place.symlink_to(_outside(place))


def _broken_link(place: Path, _: Random) -> None:
    place.symlink_to(_outside(place) / "made by a victim")


def _circle(place: Path, _: Random) -> None:
    place.symlink_to(place.name)


def _folder(place: Path, _: Random) -> None:
    place.mkdir(0o700)


def _junk(place: Path, random: Random) -> None:
    place.write_bytes(random.randbytes(random.randrange(4096)))
    place.chmod(0o600)


def _empty(place: Path, _: Random) -> None:
    place.touch(0o600)


def _huge(place: Path, _: Random) -> None:
    with place.open("ab") as file:
        file.truncate(2**40)
    place.chmod(0o600)


def _mode(place: Path, random: Random) -> None:
    place.chmod(random.choice(_MODES))


def _owner(place: Path, _: Random) -> None:
    os.chown(place, _SOMEBODY, _SOMEBODY, follow_symlinks=False)


def _nothing(place: Path, _: Random) -> None:
    """Leave the place empty."""


def _added(place: Path, random: Random) -> None:
    raise NotImplementedError(place, random)  # a hard link to one of the others under a new name


KINDS: dict[str, Callable[[Path, Random], None]] = {
    "a pipe": _pipe,
    "a link to a file": _link_to_file,
    "a link to a folder": _link_to_folder,
    "a broken link": _broken_link,
    "a link to itself": _circle,
    "a folder": _folder,
    "junk": _junk,
    "an empty file": _empty,
    "a file of a terabyte": _huge,
    "another mode": _mode,
    "nothing": _nothing,
    "something new": _added,
}
if os.geteuid() == 0:
    KINDS |= {"a device": _device, "a socket": _socket, "another owner": _owner}
_CHANGES = {"a file of a terabyte", "another mode", "another owner"}
_ANYWHERE = {"something new"}
_ADDED = [kind for kind in KINDS if kind not in _CHANGES | _ANYWHERE | {"nothing"}]
