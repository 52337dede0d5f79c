"""`journal.is_forgotten`: for programs that continue a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.erasure.requests import RequestScan
from journal.fs.directory import open_directory

if TYPE_CHECKING:
    import os


def is_forgotten(path: str | os.PathLike[str], session: str) -> bool:
    """Return whether a session is forgotten: what is appended to it is hidden for ever.

    `append` does not look for that, since requests are in other lanes. Ask before a session is
    continued that another process may have forgotten. The segments are searched for requests, about
    a gigabyte a second; in a journal without a file `key` the answer is there at once.

    ::

        if journal.is_forgotten("~/agents", "s1"):
            session = "s2"

    Args:
        path: the journal's folder.
        session: id of the session.

    Raises:
        NotAJournalError: there is no journal.
        JournalOpenError: the file `key` is damaged.
        ReadError: a lane cannot be read.
    """
    requests = RequestScan(open_directory(path, create=False))
    return requests.read_understood().forgets_session(session)
