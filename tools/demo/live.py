"""The display during the run: a picture on a terminal, lines elsewhere."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console, RenderableType

    from projector import Status
    from tools.demo.seat import Seat

_FRAME = 0.125
"""Seconds between two pictures."""
_LINE = 1.0
"""Seconds between two lines, if there is no terminal."""
_STYLES = {"talks": "green", "done": "dim", "killed": "bold red", "repeats": "yellow"}


@dataclass(frozen=True, slots=True)
class Moment:
    """The state of things at one moment.

    Attributes:
        seconds: since the beginning.
        status: of the journal and its projection.
        rate: messages a second that became searchable, over the last two seconds.
        projector: whether `projector run` runs.
        kills: number of kills so far, restarts: number of restarts.
    """

    seconds: float
    status: Status
    rate: float
    projector: bool
    kills: int = 0
    restarts: int = 0


class Meter:
    """Measures a rate over the last moments."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def rate(self, count: int) -> float:
        """Add a count; return its growth per second."""
        now = time.monotonic()
        self._seen.append((now, count))
        while len(self._seen) > 2 and now - self._seen[0][0] > 2:  # noqa: PLR2004 - the first and the last; seconds
            self._seen.popleft()
        since, before = self._seen[0]
        return (count - before) / (now - since) if now > since else 0.0


def watch(
    console: Console,
    look: Callable[[], Moment | None],
    seats: Sequence[Seat] = (),
) -> None:
    """Show states as they are yielded, until the last."""
    picture = console.is_terminal and not console.is_dumb_terminal
    if not picture:
        _print_lines(console, look)
        return
    with Live(console=console, auto_refresh=False, redirect_stderr=False) as live:
        while (moment := look()) is not None:
            live.update(_picture(moment, seats), refresh=True)
            time.sleep(_FRAME)


def _print_lines(console: Console, look: Callable[[], Moment | None]) -> None:
    due = 0.0
    while (moment := look()) is not None:
        if moment.seconds >= due:
            console.print(_line(moment), soft_wrap=True)
            due = moment.seconds + _LINE
        time.sleep(_FRAME)


def written(status: Status) -> int:
    """Return the number of records in the lanes."""
    return status.events + status.duplicates + status.conflicts + status.unprojected


def _line(moment: Moment) -> str:
    status = moment.status
    line = (
        f"{moment.seconds:5.1f} s  {written(status):,} events  {status.messages:,} messages"
        f"  lag {size(status.lag_bytes)}  {moment.rate:,.0f}/s  {status.lanes} lanes"
    )
    return f"{line}  {moment.kills} kills  {moment.restarts} restarts" if moment.kills else line


def _picture(moment: Moment, seats: Sequence[Seat]) -> RenderableType:
    status = moment.status
    projector = Text("runs", "green") if moment.projector else Text("killed", "bold red")
    rows: list[tuple[str, str, str, str | Text]] = [
        ("events", f"{written(status):,}", "lanes", str(status.lanes)),
        ("messages", f"{status.messages:,}", "projector", projector),
        ("lag", size(status.lag_bytes), "kills", str(moment.kills)),
        ("a second", f"{moment.rate:,.0f}", "restarts", str(moment.restarts)),
    ]
    figures = Table.grid(padding=(0, 3))
    for width in (10, 12, 10, 8):
        figures.add_column(width=width, justify="right" if width == 12 else "left")  # noqa: PLR2004 - that of numbers
    for name, value, other, count in rows:
        killing = seats or other not in {"kills", "restarts"}
        figures.add_row(
            Text(name, "dim"),
            Text(value, "bold"),
            *((Text(other, "dim"), count) if killing else ()),
        )
    clock = Text(f"{moment.seconds:.1f} s", "dim")
    return Group(_bars(seats), Text(), figures, clock) if seats else Group(figures, clock)


def _bars(seats: Sequence[Seat]) -> Table:
    bars = Table.grid(padding=(0, 1), expand=True)
    bars.add_column(width=7)
    bars.add_column(width=3, style="dim")
    bars.add_column(ratio=1)
    bars.add_column(width=14, justify="right")
    bars.add_column(width=8)
    bars.add_column(width=9, style="red")
    for seat in seats:
        done = len(seat.acknowledged)
        bars.add_row(
            seat.agent.name,
            seat.agent.language,
            ProgressBar(total=seat.messages, completed=done),
            f"{done:,}/{seat.messages:,}",
            Text(seat.state, _STYLES.get(seat.state, "")),
            f"killed {seat.kills}x" if seat.kills else "",
        )
    return bars


def size(count: int) -> str:
    """Return a number of bytes for people."""
    if count < 1000:  # noqa: PLR2004 - a kilobyte
        return f"{count} B"
    return f"{count / 1000:,.0f} kB" if count < 10**6 else f"{count / 10**6:,.1f} MB"
