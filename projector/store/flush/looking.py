"""Reading transcripts from the projection and the lanes, without waiting for a projector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.format.event import check_key
from journal.fs.directory import LANES
from journal.segments.listing import list_segments
from projector.errors import ProjectionError
from projector.store.flush.memory import Account, Memory
from projector.store.flush.transcript import Transcript
from projector.store.handle import Handle
from projector.store.tails import Offsets, applied, is_shorter, read_on, unread

if TYPE_CHECKING:
    import os

    import apsw

    from journal.lanes.group_commit import Fsync

_SCANNED = 8 * 1024 * 1024
"""Unapplied bytes above which a flush waits until they are applied."""
_NEAR = 512 * 1024
"""Unread bytes up to which a remembered transcript is updated without asking the projection, and
unapplied bytes above which a flush applies them if no other process projects."""


class Looking(Handle):
    """Transcripts, read from the projection and the lanes, and remembered."""

    def __init__(self, path: str | os.PathLike[str], *, fsync: Fsync, timeout: float) -> None:
        super().__init__(path, fsync=fsync, timeout=timeout)
        self._memory = Memory()

    def _open_account(self, session: str) -> Account:
        """Remove the account of a session from the memory, and bring its transcript up to date.

        It waits only if more than 8 MiB are unapplied.

        Raises:
            EventError: that is no id of a session.
            ReadError: a lane cannot be read.
        """
        check_key("session", session)
        account = self._memory.take(session)
        try:
            if not account.is_read or not self._is_near(account.offsets):
                self._load(session, account)
            self._read_on(session, account)
        except BaseException:
            self._memory.put(session, account)
            raise
        return account

    def _is_near(self, offsets: Offsets) -> bool:
        """Return whether reading on is cheaper than reading the projection and its tail."""
        refs = list_segments(self.journal.path / LANES)
        if is_shorter(offsets, refs):
            return False
        behind = unread(offsets, refs)
        return behind <= _NEAR or behind <= min(_SCANNED, self._unapplied())

    def _unapplied(self) -> int:
        """Return how many bytes of the lanes the projection has not applied."""
        refs = list_segments(self.journal.path / LANES)
        try:
            return self.projection.peek(lambda db: unread(applied(db), refs))
        except ProjectionError:
            return unread({}, refs)

    def _load(self, session: str, account: Account) -> None:
        """Read the transcript from the projection."""
        try:
            behind = self._unapplied()
            if behind > _SCANNED:
                self.projection.read(lambda _: None)
            elif behind > _NEAR:
                # where no process projects, each flush of another session would read them again
                self.projection.read(lambda _: None, patience=0)
            loaded = self.projection.peek(lambda db: _loaded(db, session))
        except ProjectionError:  # a broken projection must not stop a writer
            loaded = _loaded(None, session)
        account.transcript, account.offsets = loaded

    def _read_on(self, session: str, account: Account) -> None:
        """Apply what the lanes have gained since the account was read."""
        account.is_read = False  # after an error the transcript may be incomplete
        refs = list_segments(self.journal.path / LANES)
        for at in read_on(account.offsets, refs, session):
            account.transcript.go_on(at.record.event, at.lane, at.record.seq)
        account.is_read = True


def _loaded(db: apsw.Connection | None, session: str) -> tuple[Transcript, Offsets]:
    transcript = Transcript()
    if db is not None:
        transcript.load(db, session)
    return transcript, applied(db)
