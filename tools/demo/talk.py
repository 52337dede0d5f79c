"""Eight processes write a conversation at the same time; each is killed and restarted."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from projector import Projection
from tools.demo.live import Meter, Moment, watch
from tools.demo.processes import DemoError, ProjectorProcess
from tools.demo.script import AGENTS
from tools.demo.seat import Seat

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.console import Console

    from projector import Status
    from tools.demo.processes import Tools

_PATIENCE = 30.0
"""Seconds that the projector has for the rest when the last writer has ended."""
_PROJECTOR_DOWN = 0.7
"""Seconds between the projector's death and its restart."""


@dataclass(frozen=True, slots=True)
class Talk:
    """The results of the conversation, seen from outside.

    Attributes:
        acknowledged: the ids that each agent acknowledged through its pipe, by seat.
        flushed_again: ids that were acknowledged more than once.
        kills: number of SIGKILLs of each agent, by seat.
        projector_kills: the same for the projector.
        seconds: from the first start to the last acknowledgement.
        behind: seconds from then until all messages were searchable.
    """

    acknowledged: tuple[frozenset[str], ...]
    flushed_again: int
    kills: tuple[int, ...]
    projector_kills: int
    seconds: float
    behind: float


class Table:
    """The eight seats, the projector beside them, and the wall clock."""

    def __init__(self, tools: Tools, projection: Projection, messages: int, rate: float) -> None:
        self.seats = [Seat(tools.journal, n, messages, rate) for n in range(len(AGENTS))]
        self.projector = ProjectorProcess(tools)
        self._projection = projection
        self._meter = Meter()
        self._half = messages * len(AGENTS) // 2
        self._began = time.monotonic()
        self._talked: float | None = None
        self._caught_up: float | None = None

    def look(self) -> Moment | None:
        """Return the present state; None when all messages are written and searchable.

        Raises:
            DemoError: a process failed.
        """
        for seat in self.seats:
            if seat.error is not None:
                raise DemoError(str(seat.error)) from seat.error
        if self._caught_up is not None:
            return None
        count = sum(len(seat.acknowledged) for seat in self.seats)
        if not self.projector.kills and count >= self._half:
            self.projector.kill(_PROJECTOR_DOWN)
        self.projector.look()
        now, talking = time.monotonic(), any(seat.is_alive() for seat in self.seats)
        if self._talked is None and not talking:
            self._talked = now
        status = self._projection.status()
        if self._talked is not None:
            self._finish(status, now)
        return Moment(
            now - self._began,
            status,
            self._meter.rate(status.messages),
            self.projector.running,
            kills=sum(seat.kills for seat in self.seats) + self.projector.kills,
            restarts=sum(seat.restarts for seat in self.seats)
            + (self.projector.kills if self.projector.running else 0),
        )

    def _finish(self, status: Status, now: float) -> None:
        """Check whether the projector has caught up after the last message."""
        if not status.unprojected and self.projector.running:
            self._caught_up = now
        elif now - (self._talked or now) > _PATIENCE:
            raise DemoError(
                f"{_PATIENCE:.0f} s after the last message {status.unprojected:,} records are"
                " still not searchable"
            )

    def talk(self) -> Talk:
        """Return the results."""
        talked = self._talked or self._began
        return Talk(
            tuple(frozenset(seat.acknowledged) for seat in self.seats),
            sum(seat.flushed_again for seat in self.seats),
            tuple(seat.kills for seat in self.seats),
            self.projector.kills,
            talked - self._began,
            (self._caught_up or talked) - talked,
        )

    def end(self) -> None:
        """Kill all remaining processes."""
        for seat in self.seats:
            seat.end()
        self.projector.end()
        for seat in self.seats:
            if seat.ident is not None:
                seat.join()


@contextmanager
def _seated(tools: Tools, projection: Projection, messages: int, rate: float) -> Iterator[Table]:
    table = Table(tools, projection, messages, rate)
    try:
        for seat in table.seats:
            seat.start()
        yield table
        table.projector.stop()
    finally:
        table.end()


def hold(console: Console, tools: Tools, journal: Path, messages: int, rate: float) -> Talk:
    """Let the eight agents write `messages` each at about `rate` per second, and show it.

    Raises:
        DemoError: a process ended by itself, or the projector did not catch up.
    """
    with (
        Projection.open(journal) as projection,
        _seated(tools, projection, messages, rate) as table,
    ):
        watch(console, table.look, table.seats)
        return table.talk()
