"""The handle that looks at what stands of a transcript, and waits for nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.directory import LANES
from journal.lossless import check_text
from journal.reader import list_segments
from projector.errors import ProjectionError
from projector.store.flush.memory import Account, Memory
from projector.store.flush.standing import Standing
from projector.store.own import Own
from projector.store.tails import Offsets, applied, is_shorter, read_on, unread

if TYPE_CHECKING:
    import os

    import apsw

    from journal.shared_lane import Fsync

_SCANNED = 8 * 1024 * 1024
"""Bytes that are looked through rather than waiting until they are applied."""
_NEAR = 512 * 1024
"""Bytes that are read on from what is remembered before the projection is asked."""


class Looking(Own):
    """Transcripts as they stand, read from the projection and the lanes, and remembered."""

    def __init__(self, path: str | os.PathLike[str], fsync: Fsync, timeout: float) -> None:
        super().__init__(path, fsync, timeout)
        self._memory = Memory()

    def _standing(self, session: str) -> Account:
        """Return the account of a session, taken out of the memory, with what stands now.

        It waits for nobody unless much is unapplied.

        Raises:
            EventError: the session's id has half a character.
            ReadError: a lane cannot be read.
        """
        check_text("session", session)
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
        """Say whether less is unread of the lanes than the projection has not applied."""
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
        """Read what stands as far as it is applied."""
        try:
            if self._unapplied() > _SCANNED:
                self.projection.read(lambda _: None)
            loaded = self.projection.peek(lambda db: _loaded(db, session))
        except ProjectionError:  # a writer must not fail with the projection: the lanes know all
            loaded = _loaded(None, session)
        account.standing, account.offsets = loaded

    def _read_on(self, session: str, account: Account) -> None:
        """Take in what the lanes hold behind what was read."""
        account.is_read = False  # what is read half is not to be gone on with
        refs = list_segments(self.journal.path / LANES)
        for event in read_on(account.offsets, refs, session):
            account.standing.go_on(event)
        account.is_read = True


def _loaded(db: apsw.Connection | None, session: str) -> tuple[Standing, Offsets]:
    standing = Standing()
    if db is not None:
        standing.load(db, session)
    return standing, applied(db)
