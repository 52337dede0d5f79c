"""What is done to a store: cold starts, a crowd, kills, readers that hold on."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from tools.bench.parts.frameworks.counting import Batch, Faults, faults
from tools.bench.parts.frameworks.sides import Again, batch_size, side_of
from tools.bench.parts.frameworks.waits import Waits, note_ends
from tools.bench.parts.workers.forked import fork, together

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from tools.bench.parts.frameworks.sides import Side

_SHARED = "shared"
_READERS = 8
_WRITERS = 4
_BEGIN = 0.3
"""Seconds for which writers append before readers are suspended."""
_PREFILLED = 200
"""Batches of the session that the readers read."""
_SEED = 17
_MOST_KILLS = 10
"""Attempts for each kill that must hit an add."""


Expected = tuple[list[Batch], list[Batch]]
"""The batches of a session whose adds returned, and those whose adds raised."""


class Store:
    """A store of a framework in a folder, which any process can open.

    Args:
        framework: the framework.
        side: `ours` or `theirs`.
        folder: a new folder for it.
    """

    def __init__(self, framework: str, side: str, folder: Path) -> None:
        self._kind = side_of(framework, side)
        self.size = batch_size(framework)
        self._folder = folder
        folder.mkdir(parents=True)

    def open(self) -> Side:
        """Open it in this process."""
        return self._kind(str(self._folder))

    def check(self, expected: Mapping[str, Expected]) -> Faults:
        """Compare sessions with what was added to them, in a new process."""

        async def look() -> dict[str, Any]:
            side = self.open()
            wrong = Faults()
            for session, (acknowledged, raised) in expected.items():
                found = await side.read(session)
                wrong += faults(found.names, acknowledged, raised)
                wrong += Faults(interleaved=found.conflicts)
            await side.close()
            return asdict(wrong)

        return Faults(**fork(lambda: asyncio.run(look())).result())


class Adder:
    """Adds batches in one process, and counts what happens.

    Attributes:
        added: names of batches whose add returned.
        raised: names of batches whose add raised.
        waits: of the adds.
        errors: kinds of errors.
    """

    def __init__(self, side: Side) -> None:
        self.side = side
        self.added: list[str] = []
        self.raised: list[str] = []
        self.waits = Waits()
        self.errors: Counter[str] = Counter()

    async def add(self, session: str, batch: Batch) -> None:
        """Add a batch. If the session has changed, it is loaded again before the next attempt."""
        while True:
            try:
                await self.waits.timed(lambda: self.side.add(session, batch))
            except Again:
                if not await self._does(self.side.load, session):
                    self.raised.append(batch.id)
                    return
            except Exception as error:  # noqa: BLE001 - they are counted
                self.errors[named(error)] += 1
                self.raised.append(batch.id)
                return
            else:
                self.added.append(batch.id)
                return

    async def _does(self, call: Callable[[str], Awaitable[None]], session: str) -> bool:
        try:
            await call(session)
        except Exception as error:  # noqa: BLE001 - they are counted
            self.errors[named(error)] += 1
            return False
        return True

    def found(self) -> dict[str, Any]:
        """Return what happened as JSON."""
        return {
            "added": self.added,
            "raised": self.raised,
            "waits": asdict(self.waits),
            "errors": self.errors,
        }


def named(error: Exception) -> str:
    """Return the kind and the beginning of the message of an error, without what it names."""
    return f"{type(error).__name__}: {str(error).partition(':')[0][:60]}"


def stress(
    framework: str, side: str, folder: str, sizes: dict[str, Any]
) -> Callable[[], dict[str, Any]]:
    """Return a role: do all of it to one kind of store.

    Args:
        framework: the framework, whose environment this process runs in.
        side: `ours` or `theirs`.
        folder: a new folder.
        sizes: `starts`, `times`, `writers`, `seconds`, `kills` and `held` of the plan.
    """
    note_ends()

    def store(name: str) -> Store:
        return Store(framework, side, Path(folder) / name)

    asyncio.run(_warm(store("warm")))

    def act() -> dict[str, Any]:
        return {
            "starts": _cold(store, sizes["starts"], sizes["times"]),
            **_crowd(store("crowd"), sizes["writers"], sizes["seconds"]),
            "kills": _kills(store("kills"), sizes["kills"]),
            "held": _held(store("held"), sizes["held"]),
        }

    return act


async def _warm(store: Store) -> None:
    """Load the modules that an add and a read need, before any process is forked."""
    side = store.open()
    await side.load("s")
    await side.add("s", Batch("b", store.size, 1))
    await side.read("s")
    await side.close()


def _cold(store: Callable[[str], Store], starts: int, times: int) -> dict[str, Any]:
    """Let many new processes open a new store at once and add to it, several times."""
    total = _nothing()
    for turn in range(times):
        mine = store(f"cold-{turn}")

        def starting(number: int, mine: Store = mine) -> dict[str, Any]:
            waits, errors = Waits(), Counter[str]()

            async def start() -> Side:
                side = mine.open()
                await side.load(f"s{number}")
                await side.add(f"s{number}", Batch("b", mine.size))
                return side

            async def act() -> None:
                await (await waits.timed(start)).close()

            try:
                asyncio.run(act())
            except Exception as error:  # noqa: BLE001 - they are counted
                errors[named(error)] += 1
            return {"waits": asdict(waits), "errors": errors}

        found = together(starts, starting)
        batch = [Batch("b", mine.size)]
        expected = {
            f"s{number}": ([], batch) if each["errors"] else (batch, [])
            for number, each in enumerate(found)
        }
        _sum(total, found, mine.check(expected))
    return total


def _crowd(store: Store, writers: int, seconds: float) -> dict[str, Any]:
    """Let processes add to a session of their own and to a shared one, in turn."""

    def adding(number: int) -> dict[str, Any]:
        return asyncio.run(_adding(store, number, seconds))

    found = together(writers, adding)
    own, shared = _nothing(), _nothing()
    _sum(own, [each["own"] for each in found], store.check(_own(store, found)))
    each_shared = [each[_SHARED] for each in found]
    _sum(shared, each_shared, store.check({_SHARED: _batches(store, each_shared)}))
    return {"own": own, "shared": shared}


async def _adding(store: Store, number: int, seconds: float) -> dict[str, Any]:
    """Open a store and add to two sessions in turn."""
    side = store.open()
    own, shared = Adder(side), Adder(side)
    until, turn = monotonic() + seconds, 0
    while monotonic() < until:
        await own.add(f"s{number}", Batch(f"{number}-{turn:06}", store.size))
        await shared.add(_SHARED, Batch(f"{number}-{turn:06}", store.size))
        turn += 1
    await side.close()
    return {"own": own.found(), _SHARED: shared.found()}


def _kills(store: Store, kills: int) -> dict[str, Any]:
    """Kill processes in the middle of an add, each time at another moment; then add again."""
    moments = random.Random(_SEED)
    total, added = _nothing(), []
    window, hit, number = 0.005, 0, 0
    while hit < kills and number < kills * _MOST_KILLS:
        number += 1
        batch = Batch(f"{number:06}", store.size, number)
        is_hit = _killed(store, batch, moments.random() * window)
        # most kills must hit an add, wherever in it
        window = min(0.5, max(0.0001, window * (1.05 if is_hit else 0.85)))
        hit += is_hit

        async def again(batch: Batch = batch) -> dict[str, Any]:
            side = store.open()
            await side.load(_SHARED)
            adder = Adder(side)
            await adder.add(_SHARED, batch)
            await side.close()
            return adder.found()

        found = fork(lambda again=again: asyncio.run(again())).result()  # type: ignore[misc]
        _sum(total, [found])
        added.append(batch)
    raised = set(total["raised"])
    done = [batch for batch in added if batch.id not in raised]
    rest = [batch for batch in added if batch.id in raised]
    return total | asdict(store.check({_SHARED: (done, rest)})) | {"hit": hit}


def _killed(store: Store, batch: Batch, after: float) -> bool:
    """Kill a process a while after it has begun to add; return whether it was still at it."""
    ends = os.pipe()

    async def adding() -> None:
        side = store.open()
        await side.load(_SHARED)
        os.write(ends[1], b"b")
        await side.add(_SHARED, batch)
        os.write(ends[1], b"e")
        signal.pause()

    child = fork(lambda: asyncio.run(adding()))
    os.close(ends[1])
    with os.fdopen(ends[0], "rb", buffering=0) as stream:
        begun = stream.read(1)
        sleep(after)
        os.kill(child.pid, signal.SIGKILL)
        child.answer()
        return bool(begun) and not stream.read(1)


def _held(store: Store, seconds: float) -> dict[str, Any]:
    """Suspend readers in the middle of a read while writers append; then let them read on."""
    filled = [Batch(f"f-{number:06}", store.size) for number in range(_PREFILLED)]

    async def fill() -> None:
        side = store.open()
        adder = Adder(side)
        for batch in filled:
            await adder.add(_SHARED, batch)
        await side.close()

    fork(lambda: asyncio.run(fill())).result()
    ends = os.pipe()
    readers = [fork(lambda: asyncio.run(_reading(store, filled, ends))) for _ in range(_READERS)]
    os.close(ends[0])
    writers = [
        fork(lambda number=number: asyncio.run(_adding(store, number, seconds + _BEGIN)))  # type: ignore[misc]
        for number in range(_WRITERS)
    ]
    moments = random.Random(_SEED)
    sleep(_BEGIN)
    for reader in readers:
        sleep(moments.random() * 0.02)
        os.kill(reader.pid, signal.SIGSTOP)
    written = [writer.result() for writer in writers]
    for reader in readers:
        os.kill(reader.pid, signal.SIGCONT)
    os.close(ends[1])  # they end
    read = [reader.result() for reader in readers]
    total = _nothing()
    _sum(total, [each[kind] for each in written for kind in ("own", _SHARED)])
    wrong = sum((Faults(**each["wrong"]) for each in read), Faults())
    added, raised = _batches(store, [each[_SHARED] for each in written])
    wrong += store.check(_own(store, written) | {_SHARED: ([*filled, *added], raised)})
    for each in read:
        total["errors"] += sum(each["errors"].values())
        total["kinds"].update(each["errors"])
    return total | asdict(wrong)


async def _reading(store: Store, filled: Sequence[Batch], ends: tuple[int, int]) -> dict[str, Any]:
    """Read a session until the parent closes its end; all that was there first must be there."""
    os.close(ends[1])
    os.set_blocking(ends[0], False)
    side = store.open()
    wrong, errors = Faults(), Counter[str]()
    while _is_open(ends[0]):
        try:
            found = await side.read(_SHARED)
        except Exception as error:  # noqa: BLE001 - they are counted
            errors[named(error)] += 1
        else:
            wrong += faults(found.names, filled, ())
    await side.close()
    return {"wrong": asdict(wrong), "errors": errors}


def _is_open(fd: int) -> bool:
    try:
        return bool(os.read(fd, 1))
    except BlockingIOError:
        return True


def _nothing() -> dict[str, Any]:
    counts = {"errors": 0, "lost": 0, "doubled": 0, "interleaved": 0, "calls": 0}
    return counts | {"wall": 0.0, "own": 0.0, "kinds": Counter(), "raised": []}


def _sum(total: dict[str, Any], found: Sequence[dict[str, Any]], wrong: Faults = Faults()) -> None:  # noqa: B008 - it is frozen
    """Add what processes counted, and what is wrong with the sessions, to a total."""
    for each in found:
        total["errors"] += sum(each["errors"].values())
        total["kinds"].update(each["errors"])
        total["raised"] += each.get("raised", [])
        total["calls"] += each["waits"]["calls"]
        for name in ("wall", "own"):
            total[name] = max(total[name], each["waits"][name])
    for name, count in asdict(wrong).items():
        total[name] += count


def _batches(store: Store, found: Sequence[dict[str, Any]]) -> Expected:
    """Return what processes have added to one session."""
    added = [Batch(id, store.size) for each in found for id in each["added"]]
    return added, [Batch(id, store.size) for each in found for id in each["raised"]]


def _own(store: Store, found: Sequence[dict[str, Any]]) -> dict[str, Expected]:
    """Return what each process has added to its own session."""
    return {f"s{number}": _batches(store, [each["own"]]) for number, each in enumerate(found)}
