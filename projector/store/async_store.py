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


class _Threads:
    """Threads for calls that may wait; a forked child starts new ones."""

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(_THREADS, "journal-waiting")
        register(self)

    def after_fork_in_child(self) -> None:
        self.pool = ThreadPoolExecutor(_THREADS, "journal-waiting")


class _Waiting(Generic[Inner]):
    """Methods of an object as coroutines: each runs in a thread, and the loop is not blocked."""

    def __init__(self, inner: Inner, threads: _Threads) -> None:
        self._inner = inner
        self._threads = threads


def _awaited(
    method: Callable[Concatenate[Inner, P], R],
) -> Callable[Concatenate[_Waiting[Any], P], Coroutine[Any, Any, R]]:
    """Return a coroutine method that runs a method in the default threads of the loop."""

    @wraps(method)
    async def run(self: _Waiting[Any], /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.to_thread(method, self._inner, *args, **kwargs)

    return run


def _waiting(
    method: Callable[Concatenate[Inner, P], R],
) -> Callable[Concatenate[_Waiting[Any], P], Coroutine[Any, Any, R]]:
    """Return a coroutine method that runs a method which may wait for other processes.

    It has threads of its own: if it waited in the few default threads of the loop, appends would
    wait for it.
    """

    @wraps(method)
    async def run(self: _Waiting[Any], /, *args: P.args, **kwargs: P.kwargs) -> R:
        call = partial(contextvars.copy_context().run, method, self._inner, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._threads.pool, call)

    return run


class AsyncKeys(_Waiting[Keys]):
    """The `Keys` of a store, awaited."""

    set = _awaited(Keys.set)
    delete = _awaited(Keys.delete)
    get = _waiting(Keys.get)
    items = _waiting(Keys.items)
    ask = _waiting(Keys.ask)
    decide = _waiting(Keys.decide)
    compare_and_set = _waiting(Keys.compare_and_set)


class AsyncClaims(_Waiting[Claims]):
    """The `Claims` of a store, awaited."""

    acquire = _waiting(Claims.acquire)
    renew = _waiting(Claims.renew)
    release = _waiting(Claims.release)
    get = _waiting(Claims.get)


class AsyncSessionStore(_Waiting[SessionStore]):
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
        super().__init__(store, _Threads())
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

    add = _awaited(SessionStore.add)
    read = _waiting(SessionStore.read)
    read_all = _waiting(SessionStore.read_all)
    decide = _waiting(SessionStore.decide)
    wait_for = _waiting(SessionStore.wait_for)
    settle = _waiting(SessionStore.settle)
    close = _awaited(SessionStore.close)

    create = _awaited(SessionStore.create)
    ensure = _awaited(SessionStore.ensure)
    revise = _awaited(SessionStore.revise)
    set_title = _awaited(SessionStore.set_title)
    claim_title = _waiting(SessionStore.claim_title)
    end = _awaited(SessionStore.end)
    reopen = _awaited(SessionStore.reopen)
    clear = _awaited(SessionStore.clear)
    delete = _awaited(SessionStore.delete)
    prune = _waiting(SessionStore.prune)
    session = _waiting(SessionStore.session)
    exists = _waiting(SessionStore.exists)
    sessions = _waiting(SessionStore.sessions)

    append = _awaited(SessionStore.append)
    flush = _awaited(SessionStore.flush)
    replace_messages = _awaited(SessionStore.replace_messages)
    revise_message = _awaited(SessionStore.revise_message)
    remove_messages = _awaited(SessionStore.remove_messages)
    archive_messages = _awaited(SessionStore.archive_messages)
    restore_messages = _awaited(SessionStore.restore_messages)
    rewind = _waiting(SessionStore.rewind)
    messages = _waiting(SessionStore.messages)
    facets = _waiting(SessionStore.facets)
    search = _waiting(SessionStore.search)

    add_usage = _awaited(SessionStore.add_usage)
    set_usage = _awaited(SessionStore.set_usage)

    async def __aenter__(self) -> Self:
        self.store.__enter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
