"""The board for programs that run on asyncio."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Self

from journal.errors import JournalError
from projector.board.board import Board
from projector.errors import ProjectorError
from projector.store.async_store import Threads, Waiting, awaited, waiting

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from journal.lanes.group_commit import Fsync
    from journal.redact.scanner import Scanner
    from projector.board.task import TaskClaim

_log = logging.getLogger("projector")


class AsyncBoard(Waiting[Board]):
    """A `Board` with coroutine methods: each runs in a thread and does not block the loop.

    ::

        async with await AsyncBoard.open("~/agents") as board:
            await board.add("Write the parser")
            claim = await board.claim(worker="w1", seconds=60)
            if claim is not None:
                await board.beat(claim)
                await board.complete(claim)

    A `claim` that is cancelled gives the task back that it gets nevertheless. Any other call that
    is cancelled may have its effect.

    Attributes:
        board: the board that does the work.
        name: its name.
    """

    def __init__(self, board: Board) -> None:
        super().__init__(board, Threads())
        self.board = board
        self.name = board.name

    @classmethod
    async def open(
        cls,
        path: str | os.PathLike[str],
        *,
        name: str = "board",
        fsync: Fsync = "interval",
        timeout: float = 5.0,  # noqa: ASYNC109 - it bounds waits within, as in Board
        redact: bool | Sequence[Scanner] = False,
    ) -> Self:
        """Open the board in the journal at `path`, as `Board.open`."""
        board = await asyncio.to_thread(
            Board.open, path, name=name, fsync=fsync, timeout=timeout, redact=redact
        )
        return cls(board)

    # with tasks in `after` it reads
    add = waiting(Board.add)
    comment = awaited(Board.comment)
    beat = awaited(Board.beat)
    close = awaited(Board.close)

    _claim = waiting(Board.claim)
    complete = waiting(Board.complete)
    block = waiting(Board.block)
    release = waiting(Board.release)
    unblock = waiting(Board.unblock)
    depend = waiting(Board.depend)

    ready = waiting(Board.ready)
    tasks = waiting(Board.tasks)
    task = waiting(Board.task)
    history = waiting(Board.history)
    comments = waiting(Board.comments)

    async def claim(
        self, *, worker: str, seconds: float = 300.0, task: str | None = None
    ) -> TaskClaim | None:
        """Claim the first task that is ready, as `Board.claim`."""
        call = asyncio.ensure_future(self._claim(worker=worker, seconds=seconds, task=task))
        try:
            return await asyncio.shield(call)
        except asyncio.CancelledError:
            call.add_done_callback(self._give_back)
            raise

    def _give_back(self, call: asyncio.Future[TaskClaim | None]) -> None:
        """Release what a cancelled call has claimed; its caller does not know of it."""
        if call.cancelled() or call.exception() is not None:
            return
        claim = call.result()
        if claim is not None:
            self._threads.pool.submit(self._release, claim)

    def _release(self, claim: TaskClaim) -> None:
        try:
            self.board.release(claim, "the call that claimed it was cancelled")
        except (JournalError, ProjectorError) as error:
            _log.warning("task %s stays claimed until its claim expires: %s", claim.task, error)

    async def __aenter__(self) -> Self:
        self.board.__enter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
