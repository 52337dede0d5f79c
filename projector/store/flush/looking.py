"""Reading transcripts from the projection and the lanes, without waiting for a projector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.errors import ReadError
from journal.format.event import check_key
from journal.format.event_types import FORGET
from journal.fs.directory import LANES
from journal.segments.gone import is_gone
from journal.segments.listing import list_folders, list_segments
from projector.errors import ProjectionError
from projector.store.flush.loading import load
from projector.store.flush.memory import Account, Memory
from projector.store.flush.transcript import Transcript
from projector.store.handle import Handle
from projector.store.tails import Offsets, applied, has_shrunk, is_shorter, read_on, unread

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    import apsw

    from journal.lanes.group_commit import Fsync
    from journal.redact.scanner import Scanner
    from journal.segments.listing import LaneFolder

_SCANNED = 8 * 1024 * 1024
"""Unapplied bytes above which a flush waits until they are applied."""
_ATTEMPTS = 3
"""Maximum reads of the projection, if writers keep appending events before earlier ones."""
_NEAR = 512 * 1024
"""Unread bytes up to which a remembered transcript is updated without asking the projection, and
unapplied bytes above which a flush applies them if no other process projects."""


class Looking(Handle):
    """Transcripts, read from the projection and the lanes, and remembered."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        fsync: Fsync,
        timeout: float,
        redact: bool | Sequence[Scanner] = False,
    ) -> None:
        super().__init__(path, fsync=fsync, timeout=timeout, redact=redact)
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
            folders = list_folders(self.journal.path / LANES)
            if not account.is_read or not self._is_near(account, folders):
                self._load(session, account)
            self._read_on(session, account, folders)
        except BaseException:
            self._memory.put(session, account)
            raise
        return account

    def _is_near(self, account: Account, folders: list[LaneFolder]) -> bool:
        """Return whether reading on is cheaper than reading the projection and its tail."""
        refs = account.settled.rest(folders)
        if account.settled.has_names_of(folders):
            # of thousands of segments only those are compared that may have changed
            if has_shrunk(account.offsets, refs):
                return False
        elif is_shorter(account.offsets, (ref for each in folders for ref in each.segments)):
            return False
        behind = unread(account.offsets, refs)
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
                self.projection.catch_up()
            elif behind > _NEAR:
                # where no process projects, each flush of another session would read them again
                self.projection.catch_up(patience=0)
            found = self.projection.peek(lambda db: self._loaded(db, session))
        except ProjectionError:  # a broken projection must not stop a writer
            found = self._loaded(None, session)
        self._begin(account, found)

    def _begin(self, account: Account, found: tuple[Transcript, Offsets]) -> None:
        account.transcript, account.offsets = found
        account.settled.clear()

    def _loaded(self, db: apsw.Connection | None, session: str) -> tuple[Transcript, Offsets]:
        if db is None:
            return Transcript(), applied(db)
        return load(db, session, self.journal.path), applied(db)

    def _read_on(self, session: str, account: Account, folders: list[LaneFolder]) -> None:
        """Apply what the lanes have gained since the account was read.

        Args:
            session: id of the session.
            account: its account.
            folders: the lanes as they were listed for this call.
        """
        account.is_read = False  # after an error the transcript may be incomplete
        for _ in range(_ATTEMPTS):
            if self._go_on(session, account, folders) and account.transcript.is_exact:
                break
            try:
                self.projection.catch_up()
                self._begin(account, self.projection.peek(lambda db: self._loaded(db, session)))
                folders = list_folders(self.journal.path / LANES)
            except ProjectionError:  # a broken projection must not stop a writer
                break
        account.is_read = account.transcript.is_exact

    def _go_on(self, session: str, account: Account, folders: list[LaneFolder]) -> bool:
        """Read the lanes further; return False if a segment was removed meanwhile.

        The offsets are moved then, and what was read is not applied: read it all again.
        """
        refs = account.settled.rest(folders)
        try:
            found = read_on(account.offsets, refs, {session, FORGET})
        except ReadError as error:
            if not is_gone(error):
                raise
            account.transcript.is_exact = False
            account.settled.clear()
            return False
        account.settled.add(folders)
        for at in found:
            account.transcript.go_on(at.record.event, at.lane, at.record.seq)
        return True
