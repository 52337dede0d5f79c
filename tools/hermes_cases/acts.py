"""The requests that a worker of a case executes: one function each, with the side as argument."""

from __future__ import annotations

import gc
import os
import resource
import signal
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from tools.hermes_cases.timing import timed

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

    from tools.hermes_cases.side import Side, Store

_kept: dict[str, Any] = {}
"""Objects that stay open between two requests."""


def _store() -> Store:
    return _kept["store"]


def begin(side: Side, path: Path) -> dict[str, Any]:
    """Open the store, which stays open."""

    def call() -> None:
        _kept["store"] = side.open(path)

    return timed(call)


def create(_side: Side, session: str) -> dict[str, Any]:
    """Create a session."""
    return timed(lambda: _store().create_session(session, "cli") and None)


def say(_side: Side, session: str, text: str) -> dict[str, Any]:
    """Append a message."""
    return timed(lambda: _store().append_message(session, "user", text) and None)


def find(_side: Side, word: str) -> dict[str, Any]:
    """Search; the answer is the number of hits."""
    return timed(lambda: len(_store().search_messages(word, limit=50)))


def read(_side: Side, session: str) -> dict[str, Any]:
    """Read a transcript; the answer is its texts."""
    return timed(lambda: [m["content"] for m in _store().get_messages(session)])


def counted(_side: Side, session: str) -> dict[str, Any]:
    """Read the message count in the row of a session."""
    return timed(lambda: (_store().get_session(session) or {}).get("message_count"))


def leave(_side: Side) -> None:
    """Close the store."""
    _kept.pop("store").close()


def hold(side: Side, path: Path) -> None:
    """Hold all locks of a writer, until `release`."""
    _kept["held"] = side.hold(path)


def hold_all(side: Side, path: Path) -> None:
    """Hold all locks of a writer and of the projector, until `release`."""
    _kept["held"] = side.hold_all(path)


def look(side: Side, path: Path) -> None:
    """Hold a snapshot, until `release`."""
    _kept["held"] = side.look(path)


def release(_side: Side) -> None:
    """Release all locks and snapshots."""
    held: ExitStack = _kept.pop("held")
    held.close()


def write(
    _side: Side, session: str, seconds: float, every: float, size: int, at: float
) -> list[dict[str, Any]]:
    """Append messages at a constant rate from a given time on; a delay is not made up for."""
    store = _store()
    appends = []
    due, until = at, at + seconds
    number = 0
    while due < until:
        time.sleep(max(0.0, due - time.monotonic()))
        text = " ".join(f"{session}x{number}x{part}" for part in range(size // 10))
        done = timed(lambda text=text: store.append_message(session, "user", text) and None)
        appends.append(done)
        number += 1
        due = max(due + every, time.monotonic())
    return appends


def arrive(side: Side, path: Path, session: str, at: float) -> dict[str, Any]:
    """At a given time, open a store that may not exist yet, append a message, and close it."""
    while time.monotonic() < at:
        pass

    def call() -> None:
        store = side.open(path)
        store.create_session(session, "cli")
        store.append_message(session, "user", f"hello from {session}")
        store.close()

    return timed(call)


def flush(
    _side: Side, session: str, texts: list[str], start: int, room: int | None = None
) -> dict[str, Any]:
    """Flush a conversation like Hermes's agent: message by message, from the last flush on."""

    def call() -> None:
        for text in texts[start:]:
            _store().append_message(session, "user", text)

    return _with_room(room, call)


def flush_whole(_side: Side, session: str, texts: list[str], room: int | None) -> dict[str, Any]:
    """Flush a conversation with `SessionStore.flush`; the disk has `room` bytes left."""
    store = _store()._store  # noqa: SLF001 - the store that the adapter uses
    messages = [{"role": "user", "content": text} for text in texts]
    return _with_room(room, lambda: list(store.flush(session, messages)))


def _with_room(room: int | None, call: Any) -> dict[str, Any]:  # noqa: ANN401 - any callable
    """Call something while the lanes of our store can grow by `room` bytes; None is no limit."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    if room is not None:
        lanes = _store()._store.journal.path / "lanes"  # noqa: SLF001 - the store that the adapter uses
        largest = max(file.stat().st_size for file in lanes.glob("*/*.jsonl"))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest + room, limits[1]))
    try:
        return timed(call)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def serve(side: Side, path: Path, requests: int, way: str) -> dict[str, Any]:
    """Answer requests, each with its own store that nothing closes.

    Args:
        side: the store.
        path: its path.
        requests: the number of requests.
        way: `forget` drops the store; `thread` does so in a thread of its own; `ring` leaves it in
            a reference cycle, as a request and its response are; `cache` keeps the last eight, each
            at another path.

    Returns:
        The number of open descriptors after ten requests and at the end, and the maximum.
    """
    cache: OrderedDict[int, Store] = OrderedDict()

    def answer(number: int) -> None:
        place = path if way != "cache" else path.with_name(f"{number % 24}.db")
        store = side.open(place)
        store.list_sessions_rich(limit=5)
        if way == "ring":
            request: dict[str, Any] = {"store": store}
            request["response"] = {"request": request}
        if way == "cache":
            cache[number] = store
            if len(cache) > 8:  # noqa: PLR2004 - the size of the cache
                cache.popitem(last=False)

    after_ten = most = 0
    for number in range(requests):
        if way == "thread":
            thread = threading.Thread(target=answer, args=(number,))
            thread.start()
            thread.join()
        else:
            answer(number)
        most = max(most, _descriptors())
        if number == 9:  # noqa: PLR2004 - the tenth
            after_ten = _settled()
    before = _settled()
    cache.clear()
    gc.collect()
    end = _settled()
    return {"after_ten": after_ten, "most": most, "at_end": before, "collected": end}


def _settled() -> int:
    """Return how many descriptors stay open, without those that are open for a moment."""
    least = _descriptors()
    for _ in range(10):
        time.sleep(0.02)
        least = min(least, _descriptors())
    return least


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))
