"""The path of the journal: the one that is given, or the default."""

from __future__ import annotations

import os
from pathlib import Path

from journal.errors import JournalOpenError, reason
from journal.fs.ownership import check_links


def default_path() -> Path:
    """Return the default path of the journal: JOURNAL_DIR, else in the XDG data folder.

    Raises:
        JournalOpenError: XDG_DATA_HOME or HOME is no absolute path.
    """
    if named := os.environ.get("JOURNAL_DIR"):
        return Path(named)
    data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    folder = expanded(data)
    if not folder.is_absolute():  # otherwise each current folder would get its own journal
        raise JournalOpenError(
            f"XDG_DATA_HOME is {data!r} and must be an absolute path: set it to one or unset it,"
            " or give the journal's folder with --journal or JOURNAL_DIR"
        )
    return folder / "agent-journal"


def expanded(path: str | os.PathLike[str]) -> Path:
    """Return a path with its `~` replaced.

    Raises:
        JournalOpenError: the home folder is unknown, empty or no absolute path.
    """
    given = Path(path)
    if not given.parts[:1] or not given.parts[0].startswith("~"):
        return given
    try:
        found = given.expanduser()
    except RuntimeError as error:
        raise JournalOpenError(
            f"cannot find the home folder for {given}: {error} Set HOME, or give the journal's"
            " folder with --journal or JOURNAL_DIR"
        ) from error
    home = os.environ.get("HOME")
    if given.parts[0] == "~" and home is not None and not Path(home).is_absolute():
        # an empty one would be the root of the file system
        raise JournalOpenError(
            f"HOME is {home!r} and must be an absolute path: set it, or give the journal's folder"
            " with --journal or JOURNAL_DIR"
        )
    return found


def locate(path: str | os.PathLike[str]) -> Path:
    """Return the absolute path of a journal's folder, without links.

    Raises:
        JournalOpenError: the path is of the wrong kind or empty, leads through a link of another
            user, or has links in a circle; or its home folder is unknown.
    """
    if not isinstance(path, str | os.PathLike):
        raise JournalOpenError(f"path must be a string or an os.PathLike, not {path!r:.60}")
    if not os.fspath(path):  # an unset variable would mean the current folder
        raise JournalOpenError("the journal's folder is an empty path; for the current one give .")
    try:
        given = expanded(path).absolute()
        check_links(given)
        return given.resolve()
    except (OSError, RuntimeError, ValueError) as error:  # links in a circle, or a NUL
        raise JournalOpenError(
            f"cannot open the journal at {path}: {reason(error)}"
            " (give another folder with --journal or JOURNAL_DIR)"
        ) from error
