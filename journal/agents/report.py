"""What `journal doctor` finds: the journal, the agents, and what the user should do."""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.agents.agent import find_agents
from journal.agents.hooks.failures import recent_failures
from journal.agents.hooks.report import about_hooks, find_hooks
from journal.errors import NotAJournalError
from journal.fs.directory import open_directory
from journal.fs.ownership import nearest
from journal.importers.run.ledger import Ledger
from journal.process import clock
from journal.status import read_status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from journal.agents.agent import Agent
    from journal.agents.hooks.failures import Failure
    from journal.agents.hooks.report import AgentHooks
    from journal.importers.registry import Installed

_SOON = 7 * 24 * 60 * 60 * 1_000_000
"""Microseconds before the program deletes a transcript in which the advice says so."""
_LITTLE = 1024 * 1024 * 1024
"""Free bytes of the disk below which the advice says so."""


@dataclass(frozen=True, slots=True)
class Doctor:
    """The journal and the agents of this machine. Times are microseconds since 1970.

    Attributes:
        path: the journal's folder.
        exists: whether there is a journal.
        bytes: bytes of its segments.
        last: time of its last event; None if it has none.
        mode: permissions of its folder as octal digits; empty if there is none.
        free: free bytes of its disk.
        last_import: when an import or a follow last noted how far it came; None if none did.
        agents: the agents that were found.
        hooks: the hooks of the agents that can have them.
        hook_failures: imports by hooks that failed in the last 7 days.
        broken: importers that cannot be loaded, and why.
        advice: what the user should do, a sentence each; empty if all is well.
    """

    path: str
    exists: bool
    bytes: int
    last: int | None
    mode: str
    free: int
    last_import: int | None
    agents: tuple[Agent, ...]
    hooks: tuple[AgentHooks, ...]
    hook_failures: tuple[Failure, ...]
    broken: dict[str, str]
    advice: tuple[str, ...]


def examine(path: Path, installed: Installed) -> Doctor:
    """Examine a journal, which need not exist, and the agents of this machine. Nothing is changed.

    Raises:
        JournalOpenError: the folder is no journal of this user, or the home folder is unknown.
        ReadError: a folder or segment cannot be read.
    """
    ledger = Ledger(path / "imports")
    try:
        status = read_status(open_directory(path, create=False))
    except NotAJournalError:
        status = None
    agents = tuple(find_agents(installed.formats, path, ledger))
    there, _ = nearest(path.absolute())
    free = shutil.disk_usage(there).free
    mode = "" if status is None else f"{stat.S_IMODE(path.stat().st_mode):04o}"
    hooks, failures = tuple(find_hooks(path)), recent_failures(path)
    advice = (
        *_about_agents(agents),
        *about_hooks(hooks, failures),
        *_about_place(there, mode, free),
    )
    return Doctor(
        path=str(path),
        exists=status is not None,
        bytes=0 if status is None else status.bytes,
        last=None if status is None else status.last,
        mode=mode,
        free=free,
        last_import=_last_change(ledger.folder),
        agents=agents,
        hooks=hooks,
        hook_failures=failures,
        broken=installed.broken,
        advice=advice,
    )


def _about_agents(agents: tuple[Agent, ...]) -> Iterator[str]:
    for agent in agents:
        for folder in agent.unreadable:
            yield f"{folder} cannot be read: its transcripts are not counted"
        behind = agent.grown + agent.missing
        if not behind:
            continue
        command = f"journal import {agent.format} {' '.join(agent.paths)}"
        loss = ""
        if agent.lost_next is not None and agent.lost_next < clock.wall() + _SOON:
            loss = "; its program deletes the first of them within a week, or already does"
        yield (
            f"{behind:,} of {agent.files:,} transcripts of {agent.format} are not imported"
            f" completely{loss}: run `{command}`, with --follow to keep up"
        )
    if not agents:
        yield "no transcripts of a known agent were found: `journal import --help` lists where"


def _about_place(folder: Path, mode: str, free: int) -> Iterator[str]:
    if mode and int(mode, 8) & 0o077:
        yield f"other users may enter the journal's folder (mode {mode}): run `chmod 700` on it"
    if free < _LITTLE:
        yield f"the disk of {folder} has {free // 2**20:,} MiB left: appends fail when it is full"


def _last_change(folder: Path) -> int | None:
    try:
        with os.scandir(folder) as entries:
            times = [entry.stat().st_mtime_ns // 1000 for entry in entries if entry.is_file()]
    except FileNotFoundError:
        return None  # nothing was imported
    return max(times, default=None)
