"""The store for programs that run on asyncio."""

from __future__ import annotations

import asyncio
import contextvars
from concurrent.futures import ThreadPoolExecutor
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, Self, TypeVar

from journal.process.fork import register
from projector.store.claims import Claims
from projector.store.keys import Keys
from projector.store.session_store import SessionStore

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Coroutine, Sequence

    from journal.format.position import Position
    from journal.lanes.group_commit import Fsync
    from journal.redact.scanner import Scanner

P = ParamSpec("P")
R = TypeVar("R")
Inner = TypeVar("Inner")


_THREADS = 32
"""Most reads and decisions of a store that run at the same time."""


class Threads:
    """Threads for calls that may wait; a forked child starts new ones."""

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(_THREADS, "journal-waiting")
        register(self)

    def after_fork_in_child(self) -> None:
        """Replace the threads, which the child does not have."""
        self.pool = ThreadPoolExecutor(_THREADS, "journal-waiting")


class Waiting(Generic[Inner]):
    """Methods of an object as coroutines: each runs in a thread, and the loop is not blocked."""

    def __init__(self, inner: Inner, threads: Threads) -> None:
        self._inner = inner
        self._threads = threads


def awaited(
    method: Callable[Concatenate[Inner, P], R],
) -> Callable[Concatenate[Waiting[Any], P], Coroutine[Any, Any, R]]:
    """Return a coroutine method that runs a method in the default threads of the loop."""

    @wraps(method)
    async def run(self: Waiting[Any], /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.to_thread(method, self._inner, *args, **kwargs)

    return run


def waiting(
    method: Callable[Concatenate[Inner, P], R],
) -> Callable[Concatenate[Waiting[Any], P], Coroutine[Any, Any, R]]:
    """Return a coroutine method that runs a method which may wait for other processes.

    It has threads of its own: if it waited in the few default threads of the loop, appends would
    wait for it.
    """

    @wraps(method)
    async def run(self: Waiting[Any], /, *args: P.args, **kwargs: P.kwargs) -> R:
        call = partial(contextvars.copy_context().run, method, self._inner, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._threads.pool, call)

    return run


class AsyncKeys(Waiting[Keys]):
    """The `Keys` of a store, awaited."""

    set = awaited(Keys.set)
    delete = awaited(Keys.delete)
    get = waiting(Keys.get)
    items = waiting(Keys.items)
    ask = waiting(Keys.ask)
    decide = waiting(Keys.decide)
    compare_and_set = waiting(Keys.compare_and_set)


class AsyncClaims(Waiting[Claims]):
    """The `Claims` of a store, awaited."""

    acquire = waiting(Claims.acquire)
    renew = waiting(Claims.renew)
    release = waiting(Claims.release)
    get = waiting(Claims.get)


class AsyncSessionStore(Waiting[SessionStore]):
    """A `SessionStore` with coroutine methods: each runs in a thread and does not block the loop.

    ::

        async with await AsyncSessionStore.open("~/agents") as store:
            await store.append("s1", "user", "hello")
            await store.keys.set("theme", "dark")

    Attributes:
        store: the store that does the work.
        keys: its key-values, awaited.
        claims: its claims, awaited.
    """

    def __init__(self, store: SessionStore) -> None:
        super().__init__(store, Threads())
        self.store = store
        self.keys = AsyncKeys(store.keys, self._threads)
        self.claims = AsyncClaims(store.claims, self._threads)

    @classmethod
    async def open(
        cls,
        path: str | os.PathLike[str],
        *,
        fsync: Fsync = "interval",
        timeout: float = 5.0,  # noqa: ASYNC109 - it bounds waits within, as in SessionStore
        redact: bool | Sequence[Scanner] = False,
    ) -> Self:
        """Open the store in the journal at `path`, as `SessionStore.open`."""
        store = await asyncio.to_thread(
            SessionStore.open, path, fsync=fsync, timeout=timeout, redact=redact
        )
        return cls(store)

    @property
    def position(self) -> Position | None:
        """Position of the last event that this handle appended; None if there is none."""
        return self.store.position

    add = awaited(SessionStore.add)
    read = waiting(SessionStore.read)
    read_all = waiting(SessionStore.read_all)
    decide = waiting(SessionStore.decide)
    wait_for = waiting(SessionStore.wait_for)
    settle = waiting(SessionStore.settle)
    close = awaited(SessionStore.close)

    create = awaited(SessionStore.create)
    ensure = awaited(SessionStore.ensure)
    revise = awaited(SessionStore.revise)
    set_title = awaited(SessionStore.set_title)
    claim_title = waiting(SessionStore.claim_title)
    end = awaited(SessionStore.end)
    reopen = awaited(SessionStore.reopen)
    clear = awaited(SessionStore.clear)
    delete = awaited(SessionStore.delete)
    prune = waiting(SessionStore.prune)
    session = waiting(SessionStore.session)
    exists = waiting(SessionStore.exists)
    sessions = waiting(SessionStore.sessions)

    append = awaited(SessionStore.append)
    flush = awaited(SessionStore.flush)
    replace_messages = awaited(SessionStore.replace_messages)
    revise_message = awaited(SessionStore.revise_message)
    remove_messages = awaited(SessionStore.remove_messages)
    archive_messages = awaited(SessionStore.archive_messages)
    restore_messages = awaited(SessionStore.restore_messages)
    rewind = waiting(SessionStore.rewind)
    messages = waiting(SessionStore.messages)
    facets = waiting(SessionStore.facets)
    search = waiting(SessionStore.search)

    add_usage = awaited(SessionStore.add_usage)
    set_usage = awaited(SessionStore.set_usage)

    async def __aenter__(self) -> Self:
        self.store.__enter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
