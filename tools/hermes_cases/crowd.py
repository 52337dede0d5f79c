"""Cases 1 to 3: a process holds the store, many write to it, many create it at the same time."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Self

from tools.hermes_cases.plan import Finding, Notes
from tools.hermes_cases.side import SIDES
from tools.hermes_cases.workers import Crew

if TYPE_CHECKING:
    from pathlib import Path

    from tools.hermes_cases.plan import Plan
    from tools.hermes_cases.side import Side
    from tools.hermes_cases.workers import Worker

AT_ONCE = 50.0
"""Milliseconds."""
MOST_WAL = 64.0
"""MiB."""
_AGENTS = 3
"""Processes that try while the store is held. A lock delays each of them, a slow disk rarely."""


def held(plan: Plan, side: str) -> Finding:
    """Hold the store in one process, and measure what another process can do."""
    notes = Notes()
    _while_held(plan, side, "hold", notes)
    if side == "ours":
        # Hermes has no other lock: its writer also updates the index
        notes.measured("beside a projector that hangs:")
        _while_held(plan, side, "hold_all", notes)
    return notes.finding()


def _while_held(plan: Plan, side: str, what: str, notes: Notes) -> None:
    path = _place(plan, f"held-{side}-{what}")
    with Crew(side, path.parent, 1 + _AGENTS) as (holder, *agents):
        holder.do("begin", path=path)
        holder.do("create", session="first")
        holder.do("say", session="first", text="apple")
        holder.do("find", word="apple")
        holder.do(what, path=path)
        began = time.monotonic()
        messages = {"apple": 1, "pear": 0}
        for agent in agents:
            slow = _slow_acts(agent, path, notes)
            messages["pear"] += 1
            if not slow:
                break
        notes.expect(not slow, ", ".join(slow))
        for word in ("apple", "pear") if what == "hold" else ("apple",):
            done = agent.do("find", word=word)
            notes.measured(f"search for {word!r} {_shown(done)}, {done['answer']} found")
            if what == "hold":
                whole = done["answer"] == messages[word]
                notes.expect(whole, f"{word!r} is not found: {_shown(done)}")
        time.sleep(max(0.0, plan.held - (time.monotonic() - began)))
        holder.do("release")
        for word in ("apple", "pear"):
            done = agent.do("find", word=word)
            notes.measured(f"afterwards {word!r} {_shown(done)}, {done['answer']} found")
            whole = done["answer"] == messages[word]
            notes.expect(whole, f"{word!r} is not found afterwards: {_shown(done)}")


def _slow_acts(agent: Worker, path: Path, notes: Notes) -> list[str]:
    """Create a session in a new process; return the acts that took `AT_ONCE` or longer."""
    acts: dict[str, dict[str, Any]] = {
        "begin": {"path": path},
        "create": {"session": "s"},
        "say": {"session": "s", "text": "pear"},
    }
    slow = []
    for act, arguments in acts.items():
        done = agent.do(act, **arguments)
        notes.measured(f"{act} {_shown(done)}")
        notes.expect(done["error"] is None, f"{act}: {_shown(done)}")
        if _ms(done) >= AT_ONCE:
            slow.append(f"{act}: {_shown(done)}")
    return slow


def crowded(plan: Plan, side: str) -> Finding:
    """Append in many processes while one reads; then suspend all but one."""
    notes = Notes()
    path = _place(plan, f"crowded-{side}")
    with (
        Crew(side, path.parent, plan.writers) as crew,
        Crew(side, path.parent, 2) as (
            reader,
            searcher,
        ),
    ):
        for number, worker in enumerate(crew):
            worker.do("begin", path=path)
            worker.do("create", session=f"s{number}")
            worker.do("say", session=f"s{number}", text="first")
        searcher.do("begin", path=path)
        searcher.do("find", word="first")
        reader.do("look", path=path)
        with _Watch(SIDES[side](), path) as watch:
            appends = _all_write(plan, crew, searcher)
        reader.do("release")
        stopped, beside = _some_stop(plan, crew)
        done_at_all = [*appends, *stopped, *beside]
        acknowledged = plan.writers + sum(done["error"] is None for done in done_at_all)
        read = sum(
            len(searcher.do("read", session=f"s{number}")["answer"])
            for number in range(plan.writers)
        )
    slow = [done for done in appends if _ms(done) > AT_ONCE]
    late = [done for done in appends if done["ms"] > AT_ONCE]
    errors = Counter(done["error"] for done in appends + stopped if done["error"])
    waited = [done for done in stopped if _ms(done) > AT_ONCE]
    notes.measured(f"{len(appends):,} appends of {plan.writers} processes in {plan.seconds:.0f} s")
    notes.measured(
        f"{len(slow):,} over 50 ms, worst {_worst(appends):,.0f} ms, without the time in which"
        f" others had the processor; with it {len(late):,},"
        f" worst {max(done['ms'] for done in appends):,.0f} ms"
    )
    notes.measured(
        f"beside stopped writers {len(waited)} of {len(stopped)} over 50 ms,"
        f" worst {_worst(stopped):,.0f} ms"
    )
    notes.measured(f"errors {dict(errors) or 0}")
    notes.measured(f"WAL up to {watch.most:,.1f} MiB, at the end {watch.last:,.1f} MiB")
    notes.measured(f"{acknowledged:,} acknowledged, {read:,} read")
    # a busy disk may be late at times; that is no process waiting for another
    few = max(3, len(appends) // 1000)
    notes.expect(len(slow) <= few, f"{len(slow):,} appends took more than 50 ms")
    notes.expect(not waited, f"{len(waited)} appends waited for a suspended process")
    notes.expect(not errors, f"{sum(errors.values())} appends failed")
    notes.expect(watch.most < MOST_WAL, f"the WAL grew to {watch.most:,.0f} MiB")
    notes.expect(read == acknowledged, f"{acknowledged:,} acknowledged, {read:,} read")
    return notes.finding()


def _all_write(plan: Plan, crew: Crew, searcher: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - a worker
    """Append in all processes at a constant rate while one searches; return all appends."""
    over = threading.Event()

    def search() -> None:
        while not over.wait(0.2):
            searcher.do("find", word="first")

    thread = threading.Thread(target=search)
    thread.start()
    try:
        each = [{"session": f"s{number}"} for number in range(plan.writers)]
        found = crew.together("write", each, seconds=plan.seconds, every=plan.every, size=plan.size)
    finally:
        over.set()
        thread.join()
    return [done for one in found for done in one]


def _some_stop(plan: Plan, crew: Crew) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Suspend all processes but one while they write as fast as they can.

    Returns:
        The appends of that one during this time, and those of the others before and after.
    """
    found, beside = [], []
    for _ in range(plan.stops):
        at = time.monotonic() + 0.02
        for number, worker in enumerate(crew):
            if number:
                worker.tell(
                    "write", session=f"s{number}", seconds=0.3, every=0.0, size=plan.size, at=at
                )
        time.sleep(0.15)
        for worker in crew.workers[1:]:
            worker.stop()
        try:
            found.append(crew[0].do("say", session="s0", text="while they are suspended"))
        finally:
            for worker in crew.workers[1:]:
                worker.resume()
        for worker in crew.workers[1:]:
            beside += worker.answer()
    return found, beside


def made_at_once(plan: Plan, side: str) -> Finding:
    """Open a store that does not exist in many processes at the same time, repeatedly."""
    notes = Notes()
    errors: Counter[str] = Counter()
    unread = unfound = several = 0
    worst = 0.0
    home = plan.folder / f"made-{side}"
    with Crew(side, home, plan.openers) as crew, Crew(side, home, 1) as (checker,):
        for turn in range(plan.rounds):
            path = _place(plan, f"made-{side}/{turn}")
            each = [{"session": f"s{number}"} for number in range(plan.openers)]
            found = crew.together("arrive", each, path=path)
            worst = max(worst, *(done["ms"] for done in found))
            errors.update(done["error"] for done in found if done["error"])
            written = [n for n, done in enumerate(found) if done["error"] is None]
            checker.do("begin", path=path)
            texts = [checker.do("read", session=f"s{number}")["answer"] for number in written]
            # an acknowledged message must exist and be found
            pairs = zip(written, texts, strict=True)
            unread += sum(text != [f"hello from s{n}"] for n, text in pairs)
            unfound += max(0, len(written) - (checker.do("find", word="hello")["answer"] or 0))
            several += len(SIDES[side]().stores(path)) != 1
    opened = plan.rounds * plan.openers
    failed = sum(errors.values())
    notes.measured(f"{opened:,} openings in {plan.rounds} rounds, slowest {worst:,.0f} ms")
    notes.measured(f"{failed:,} failed {dict(errors.most_common(2)) or ''}".strip())
    notes.measured(f"of what was acknowledged {unread} not read, {unfound} not found by search")
    notes.expect(not failed, f"{failed:,} of {opened:,} openings failed")
    notes.expect(not unread, f"{unread} acknowledged messages are not there")
    notes.expect(not unfound, f"{unfound} acknowledged messages are not found by search")
    notes.expect(not several, f"there are several stores in {several} rounds")
    return notes.finding()


class _Watch:
    """Measures how large write-ahead logs get, in MiB."""

    def __init__(self, side: Side, path: Path) -> None:
        self._side, self._path = side, path
        self.most = self.last = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        while not self._over.wait(0.05):
            # a projection may move to another file with its own log: all of them count
            self.last = sum(map(_size, self._side.wals(self._path))) / 2**20
            self.most = max(self.most, self.last)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _place(plan: Plan, name: str) -> Path:
    folder = plan.folder / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "state.db"


def _ms(done: dict[str, Any]) -> float:
    """Return the milliseconds without those in which other processes used the processor."""
    return float(max(0.0, done["ms"] - done["off_cpu_ms"]))


def _worst(appends: list[dict[str, Any]]) -> float:
    return max((_ms(done) for done in appends), default=0.0)


def _shown(done: dict[str, Any]) -> str:
    error = f", {done['error']}" if done["error"] else ""
    return f"{done['ms']:,.0f} ms{error}"
