"""The sizes of a measurement: in full, in two minutes, or in a test's few seconds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _say_nothing(_: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Plan:
    """The sizes of all measurements.

    Attributes:
        folder: for journals and databases; it is removed at the end.
        rivals: whether the other programs are measured, too.
        say: a function that prints the progress.
        rounds: of each measurement, ours and theirs alternating.
        heavy_rounds: of those that take minutes.
        writers: processes that append at the same time.
        append_seconds: the time for which they append.
        jammed: processes that append at a fixed rate.
        jammed_seconds: the time for which they append.
        loop: appends of one process in a round against the bare loop.
        backlog: messages that are projected and searched.
        rival_backlog: messages that hermes-agent gets one by one, in the projecting round.
        rival_searched: messages in hermes-agent's database when search and size are measured.
        found: messages that are each searched for after their append.
        busy: messages a second that other processes append meanwhile, in all.
        queries: number of different queries.
        spawns: processes started to measure an import.
        opens: times that a journal is opened.
        segments: final segments of the lane that is opened.
        rewritten: bytes of the lane that is erased from and compacted.
        beside_seconds: for which a process appends beside that.
        imported: bytes of the transcripts that are imported.
        followed: files that a process follows.
        lanes: lanes beside which a projector idles.
        idle_seconds: the time for which it idles.
        growth: messages in the journals that are compared for growth.
        gained: messages that a projection of each then applies.
        viewed: messages that the viewer is measured beside.
        viewed_session: messages of one more session.
        requests: to each kind of page, in a round.
        board_openers: processes that open a new board at the same time.
        board_opens: how often they do.
        board_workers: processes that do the tasks of one board.
        board_tasks: its tasks.
        shared: messages of one machine that others get.
        machines: that share a server, and append at a fixed rate.
        mirrors: lanes with final segments beside which an append is found.
        frameworks: the agent frameworks whose stores are measured.
        starts: processes that open a new store of a framework at once.
        start_times: how often they do.
        adders: processes that add to their own session of a framework and to a shared one.
        add_seconds: the time for which they add.
        kills: processes that are killed in the middle of an add.
        held_seconds: the time for which readers are suspended while others add.
    """

    folder: Path
    rivals: bool = True
    say: Callable[[str], None] = _say_nothing
    rounds: int = 5
    heavy_rounds: int = 3
    writers: int = 8
    append_seconds: float = 4.0
    jammed: int = 16
    jammed_seconds: float = 20.0
    loop: int = 20_000
    backlog: int = 1_000_000
    rival_backlog: int = 50_000
    rival_searched: int = 1_000_000
    found: int = 200
    busy: int = 2_000
    queries: int = 200
    spawns: int = 60
    opens: int = 60
    segments: int = 1_000
    rewritten: int = 256 * 1024 * 1024
    beside_seconds: float = 10.0
    imported: int = 1_000_000_000
    followed: int = 20_000
    lanes: int = 1_000
    idle_seconds: float = 30.0
    growth: tuple[int, ...] = (10_000, 100_000, 1_000_000, 3_000_000)
    gained: int = 5_000
    viewed: int = 1_000_000
    viewed_session: int = 500_000
    requests: int = 100
    board_openers: int = 16
    board_opens: int = 200
    board_workers: int = 24
    board_tasks: int = 2_000
    shared: int = 60_000
    machines: int = 12
    mirrors: int = 400
    frameworks: tuple[str, ...] = ("claude_agent_sdk", "openai_agents", "langgraph", "adk")
    starts: int = 160
    start_times: int = 3
    adders: int = 16
    add_seconds: float = 20.0
    kills: int = 200
    held_seconds: float = 10.0


def full(folder: Path, say: Callable[[str], None] = _say_nothing) -> Plan:
    """Return the plan of `docs/performance.md`."""
    return Plan(folder, say=say)


def quick(folder: Path, say: Callable[[str], None] = _say_nothing) -> Plan:
    """Return a plan of about two minutes."""
    return Plan(
        folder,
        say=say,
        rounds=2,
        heavy_rounds=1,
        append_seconds=1.5,
        jammed_seconds=3.0,
        loop=5_000,
        backlog=50_000,
        rival_backlog=4_000,
        rival_searched=50_000,
        found=40,
        spawns=15,
        opens=20,
        rewritten=32 * 1024 * 1024,
        beside_seconds=3.0,
        imported=60_000_000,
        followed=2_000,
        idle_seconds=5.0,
        growth=(5_000, 20_000, 50_000),
        viewed=50_000,
        viewed_session=20_000,
        requests=40,
        board_opens=20,
        board_tasks=300,
        shared=20_000,
        mirrors=100,
        start_times=1,
        add_seconds=2.0,
        kills=10,
        held_seconds=2.0,
    )


def tiny(folder: Path) -> Plan:
    """Return a plan of few seconds that measures only ours: it shows that all parts run."""
    return replace(
        quick(folder),
        rivals=False,
        rounds=1,
        writers=2,
        append_seconds=0.1,
        jammed=2,
        jammed_seconds=0.2,
        loop=300,
        backlog=1_000,
        rival_searched=0,
        found=3,
        busy=100,
        queries=20,
        spawns=1,
        opens=3,
        segments=5,
        rewritten=512 * 1024,
        beside_seconds=0.2,
        imported=200_000,
        followed=12,
        lanes=5,
        idle_seconds=0.2,
        growth=(100, 200),
        gained=50,
        viewed=1_000,
        viewed_session=300,
        requests=1,
        board_openers=2,
        board_opens=2,
        board_workers=2,
        board_tasks=10,
        shared=200,
        machines=2,
        mirrors=3,
        frameworks=("openai_agents",),
        starts=4,
        adders=2,
        add_seconds=0.2,
        kills=2,
        held_seconds=0.2,
    )
