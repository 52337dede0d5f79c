"""The store for asyncio: no wait blocks the event loop."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from contextlib import asynccontextmanager
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import pytest

from journal import Journal
from journal.arbiter import arbitrating
from journal.errors import ArbiterBusy
from projector import ABSENT, AsyncSessionStore, NotProjected, SessionStore
from projector.projection import Projection
from projector.reading.private import beside
from projector.store.async_store import AsyncClaims, AsyncKeys
from projector.store.claims import Claims
from projector.store.keys import Keys
from tests.support.projections import projector

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from projector.store import Claim

_MESSAGE = {"role": "user", "content": "hello"}
_FOREVER = 10.0

CALLS: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "add": (([{"session": "s", "type": "x", "data": {}}],), {}),
    "read_all": ((lambda db: db.execute("SELECT 1").get,), {}),
    "read": ((lambda db: db.execute("SELECT 1").get,), {}),
    "decide": ((lambda _: (1, []),), {}),
    "wait_for": ((), {}),
    "settle": ((), {}),
    "create": (("s",), {"title": "t"}),
    "ensure": (("s",), {}),
    "revise": (("s",), {"model": "m"}),
    "set_title": (("s", "t"), {}),
    "claim_title": (("s", "t"), {}),
    "end": (("s", "done"), {}),
    "reopen": (("s",), {}),
    "clear": (("s",), {}),
    "delete": (("other",), {}),
    "prune": ((2_000_000_000_000_000,), {}),
    "session": (("s",), {}),
    "exists": (("s",), {}),
    "sessions": ((), {}),
    "facets": ((), {"by": "tool"}),
    "append": (("s", "user", "hello"), {}),
    "flush": (("s", [_MESSAGE]), {}),
    "replace_messages": (("s", [_MESSAGE]), {}),
    "revise_message": (("s", "m"), {"content": "other"}),
    "remove_messages": (("s", ["m"]), {}),
    "archive_messages": (("s", ["m"]), {}),
    "restore_messages": (("s", ["m"]), {}),
    "rewind": (("s", "m"), {}),
    "messages": (("s",), {}),
    "search": (("hello",), {}),
    "add_usage": (("s",), {"input_tokens": 1}),
    "set_usage": (("s",), {"input_tokens": 1}),
    "keys.set": (("k", 1), {}),
    "keys.delete": (("k",), {}),
    "keys.get": (("k",), {}),
    "keys.items": ((), {}),
    "keys.ask": ((lambda keys: keys.get("k"),), {}),
    "keys.decide": ((lambda keys: (keys.get("k"), []),), {}),
    "keys.compare_and_set": (("k", 1), {"expected": ABSENT}),
    "claims.acquire": (("thing",), {"holder": "me", "seconds": 10.0}),
    "claims.renew": ((), {"seconds": 10.0}),
    "claims.release": ((), {}),
    "claims.get": (("thing",), {}),
    "close": ((), {}),
}
"""Every method, with arguments that it accepts."""


def methods(kind: type, prefix: str = "") -> dict[str, Callable[..., Any]]:
    """Return the public methods of a class that belong to an open store."""
    found = inspect.getmembers(kind, inspect.isfunction)
    return {prefix + name: method for name, method in found if not name.startswith("_")}


def test_every_method_is_there_with_the_same_arguments() -> None:
    """`AsyncSessionStore` has the methods and signatures of `SessionStore`, and CALLS has all."""
    plain = methods(SessionStore) | methods(Keys, "keys.") | methods(Claims, "claims.")
    awaited = methods(AsyncSessionStore)
    awaited |= methods(AsyncKeys, "keys.") | methods(AsyncClaims, "claims.")
    assert plain.keys() == awaited.keys() == CALLS.keys()
    for name, method in plain.items():
        assert inspect.iscoroutinefunction(awaited[name])
        assert inspect.signature(awaited[name]) == inspect.signature(method)


class Gate:
    """Blocks calls until it is opened, and records whether one was made."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.loop = threading.current_thread()
        self.was_called = threading.Event()
        self.opened = threading.Event()
        self.was_on_loop = False
        for kind, names in {
            Journal: ("append", "append_many", "close"),
            Projection: ("read", "whole", "peek", "search", "wait_for"),
        }.items():
            for name in names:
                patch.setattr(kind, name, self._held(getattr(kind, name)))

    def _held(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def held(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - any method
            if threading.current_thread() is self.loop:
                self.was_on_loop = True
            else:
                self.was_called.set()
                assert self.opened.wait(_FOREVER)
            return method(*args, **kwargs)

        return held


@pytest.mark.slow
@pytest.mark.parametrize("name", CALLS)
def test_the_loop_runs_while_a_method_waits(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A method that waits for a disk, a projector or the arbiter blocks only its caller."""

    async def talk() -> None:
        store = await AsyncSessionStore.open(journal_dir)
        await store.append("s", "user", "hello", id="m")
        claim = await store.claims.acquire("held", holder="me", seconds=60)
        with monkeypatch.context() as patch:
            gate = Gate(patch)
            args, kwargs = CALLS[name]
            given: tuple[Any, ...] = {
                "wait_for": (store.position,),
                "claims.renew": (claim,),
                "claims.release": (claim,),
            }.get(name, args)
            task = asyncio.create_task(attrgetter(name)(store)(*given, **kwargs))
            turns = 0
            while not gate.was_called.is_set():
                assert not task.done(), f"{name} never waited"
                await asyncio.sleep(0.001)
            for _ in range(50):
                await asyncio.sleep(0)
                turns += 1
            assert not task.done()
            gate.opened.set()
            await asyncio.wait_for(task, _FOREVER)
            assert (turns, gate.was_on_loop) == (50, False)
        await store.close()

    asyncio.run(talk())


def test_opening_does_not_block_the_loop(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`open` runs in a thread, so that a slow disk does not block the event loop."""
    threads: list[threading.Thread] = []
    real = SessionStore.open

    def opened(path: Path, **kwargs: Any) -> SessionStore:  # noqa: ANN401 - its own
        threads.append(threading.current_thread())
        return real(path, **kwargs)

    monkeypatch.setattr(SessionStore, "open", opened)

    async def talk() -> None:
        async with await AsyncSessionStore.open(journal_dir) as store:
            await store.append("s", "user", "hello")

    asyncio.run(talk())
    assert threads
    assert threading.current_thread() not in threads


@asynccontextmanager
async def ticking() -> AsyncIterator[list[float]]:
    """Run a task that ticks every 5 ms, and yield the list of seconds between its ticks."""
    gaps: list[float] = []

    async def tick() -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0.005)
            now = time.perf_counter()
            gaps.append(now - last)
            last = now

    task = asyncio.create_task(tick())
    yield gaps
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.slow
def test_a_blocked_arbiter_does_not_stop_the_loop_or_the_writers(journal_dir: Path) -> None:
    """While many tasks wait to decide, another task ticks and appends return at once."""

    async def talk() -> None:
        async with await AsyncSessionStore.open(journal_dir, timeout=1.0) as store:
            await store.append("s", "user", "before")
            with arbitrating(store.store.journal.path, 1.0):
                async with ticking() as gaps:
                    claims = [
                        asyncio.create_task(
                            store.claims.acquire(f"thing {n}", holder="me", seconds=60)
                        )
                        for n in range(24)
                    ]
                    await asyncio.sleep(0.05)
                    ids = [await store.append("s", "user", f"m{n}") for n in range(20)]
                    assert not any(claim.done() for claim in claims), "appends waited for claims"
                    found = await asyncio.gather(*claims, return_exceptions=True)
                assert all(isinstance(error, ArbiterBusy) for error in found)
                assert len(set(ids)) == 20
                assert max(gaps) < 0.5, "the loop was blocked"
                assert len(gaps) > 20
            claim: Claim | None = await store.claims.acquire("thing 1", holder="me", seconds=60)
            assert claim is not None
            assert len(await store.messages("s")) == 21

    asyncio.run(talk())


@pytest.mark.slow
def test_a_slow_projector_does_not_stop_the_loop_or_the_writers(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While reads wait for a projector that applies nothing, a task ticks and appends return."""
    monkeypatch.setattr(beside, "LIMIT", 0)

    async def talk() -> None:
        async with await AsyncSessionStore.open(journal_dir, timeout=0.5) as store:
            await store.append("s", "user", "before")
            assert len(await store.messages("s")) == 1
            with projector(journal_dir):
                await store.append("s", "user", "unseen")
                async with ticking() as gaps:
                    reads = [asyncio.create_task(store.messages("s")) for _ in range(4)]
                    await asyncio.sleep(0.05)
                    for n in range(20):
                        await store.append("s", "user", f"m{n}")
                    assert not any(read.done() for read in reads), "appends waited for reads"
                    found = await asyncio.gather(*reads, return_exceptions=True)
                assert all(isinstance(error, NotProjected) for error in found)
                assert max(gaps) < 1.0, "the loop was blocked"
                assert len(gaps) > 20
            assert len(await store.messages("s")) == 22

    asyncio.run(talk())


def test_a_cancelled_call_leaves_the_store_usable(journal_dir: Path) -> None:
    """A task that is cancelled while it waits ends at once, and the store stays usable."""

    async def talk() -> None:
        async with await AsyncSessionStore.open(journal_dir, timeout=0.3) as store:
            with arbitrating(store.store.journal.path, 1.0):
                claim = asyncio.create_task(store.claims.acquire("thing", holder="me", seconds=60))
                await asyncio.sleep(0.02)
                claim.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await claim
            await store.append("s", "user", "hello")
            assert [m.content for m in await store.messages("s")] == ["hello"]

    asyncio.run(talk())


def test_tasks_share_a_store(journal_dir: Path) -> None:
    """Many tasks flush their conversations into one handle; no message is lost or duplicated."""

    async def talk(store: AsyncSessionStore, session: str) -> list[Any]:
        talk = [{"role": "user", "content": f"{session} {n}"} for n in range(10)]
        for end in range(1, 11):
            await store.flush(session, talk[:end])
        return [message.content for message in await store.messages(session)]

    async def main() -> list[list[Any]]:
        async with await AsyncSessionStore.open(journal_dir) as store:
            return await asyncio.gather(*(talk(store, f"s{n}") for n in range(8)))

    assert asyncio.run(main()) == [[f"s{s} {n}" for n in range(10)] for s in range(8)]
