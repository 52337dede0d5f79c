"""The store for programs that run on asyncio."""

from __future__ import annotations

import asyncio
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar

from projector.store.session_store import SessionStore

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Coroutine

    from journal.position import Position
    from journal.shared_lane import Fsync

P = ParamSpec("P")
R = TypeVar("R")


def _awaited(
    method: Callable[Concatenate[SessionStore, P], R],
) -> Callable[Concatenate[AsyncSessionStore, P], Coroutine[Any, Any, R]]:
    """Return a method that does the same in a thread, while the loop goes on."""

    @wraps(method)
    async def run(self: AsyncSessionStore, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.to_thread(method, self.store, *args, **kwargs)

    return run


class AsyncSessionStore:
    """A `SessionStore` whose every method is awaited: it works in a thread, the loop goes on.

    ::

        async with await AsyncSessionStore.open("~/agents") as store:
            await store.append("s1", "user", "hello")

    Attributes:
        store: the store that does the work.
    """

    def __init__(self, store: SessionStore) -> None:
        self.store = store

    @classmethod
    async def open(
        cls,
        path: str | os.PathLike[str],
        *,
        fsync: Fsync = "interval",
        timeout: float = 5.0,  # noqa: ASYNC109 - it bounds waits within, as in SessionStore
    ) -> Self:
        """Open the store in the journal at `path`, as `SessionStore.open`."""
        return cls(await asyncio.to_thread(SessionStore.open, path, fsync=fsync, timeout=timeout))

    @property
    def position(self) -> Position | None:
        """Position of the last event that this handle appended; None if there is none."""
        return self.store.position

    add = _awaited(SessionStore.add)
    read = _awaited(SessionStore.read)
    decide = _awaited(SessionStore.decide)
    wait_for = _awaited(SessionStore.wait_for)
    settle = _awaited(SessionStore.settle)
    close = _awaited(SessionStore.close)

    create = _awaited(SessionStore.create)
    ensure = _awaited(SessionStore.ensure)
    revise = _awaited(SessionStore.revise)
    title = _awaited(SessionStore.title)
    claim_title = _awaited(SessionStore.claim_title)
    end = _awaited(SessionStore.end)
    reopen = _awaited(SessionStore.reopen)
    clear = _awaited(SessionStore.clear)
    delete = _awaited(SessionStore.delete)
    prune = _awaited(SessionStore.prune)
    session = _awaited(SessionStore.session)
    exists = _awaited(SessionStore.exists)
    sessions = _awaited(SessionStore.sessions)

    append = _awaited(SessionStore.append)
    flush = _awaited(SessionStore.flush)
    replace = _awaited(SessionStore.replace)
    revise_message = _awaited(SessionStore.revise_message)
    remove = _awaited(SessionStore.remove)
    archive = _awaited(SessionStore.archive)
    restore = _awaited(SessionStore.restore)
    rewind = _awaited(SessionStore.rewind)
    messages = _awaited(SessionStore.messages)
    search = _awaited(SessionStore.search)

    add_usage = _awaited(SessionStore.add_usage)
    set_usage = _awaited(SessionStore.set_usage)

    set = _awaited(SessionStore.set)
    unset = _awaited(SessionStore.unset)
    get = _awaited(SessionStore.get)
    items = _awaited(SessionStore.items)
    compare_and_set = _awaited(SessionStore.compare_and_set)
    claim = _awaited(SessionStore.claim)
    renew = _awaited(SessionStore.renew)
    release = _awaited(SessionStore.release)
    holder = _awaited(SessionStore.holder)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
