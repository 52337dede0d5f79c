"""The transcripts of the user's own agents: find them and import them."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from projector import Projection
from tools.demo.live import Meter, Moment, watch
from tools.demo.processes import DemoError, ProjectorProcess, start, tail

if TYPE_CHECKING:
    from rich.console import Console

    from tools.demo.processes import Tools

_ROOTS = ((".claude/projects", 1), (".codex/sessions", 3))
"""Where agents keep transcripts, and how many folders deep one part is."""
_BUDGET = 300 * 10**6
"""Bytes that are imported at most: more would take too long for a demonstration."""
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Found:
    """The transcripts that were found.

    Attributes:
        roots: the folders that contain any.
        parts: files or folders to import, the newest first.
        files, bytes: the number of files and bytes of the parts.
        all_bytes: the number of bytes of all transcripts.
        unreadable: folders that could not be listed.
    """

    roots: tuple[Path, ...]
    parts: tuple[Path, ...]
    files: int
    bytes: int
    all_bytes: int
    unreadable: tuple[str, ...]


def find(home: Path) -> Found:
    """Look for transcripts below a home folder; choose the newest parts up to a budget."""
    unreadable: list[str] = []
    parts: dict[Path, tuple[float, int, int]] = {}
    roots = []
    for name, depth in _ROOTS:
        root = home / name
        files = _files(root, unreadable)
        if files:
            roots.append(root)
        for path, status in files:
            part = root.joinpath(*path.relative_to(root).parts[:depth])
            newest, count, size = parts.get(part, (0.0, 0, 0))
            parts[part] = max(newest, status.st_mtime), count + 1, size + status.st_size
    chosen: list[Path] = []
    files_in = bytes_in = 0
    for part, (_, count, size) in sorted(parts.items(), key=lambda item: -item[1][0]):
        if not chosen or bytes_in + size <= _BUDGET:
            chosen.append(part)
            files_in, bytes_in = files_in + count, bytes_in + size
    total = sum(size for _, _, size in parts.values())
    whole = tuple(roots) if bytes_in == total else tuple(chosen)
    return Found(tuple(roots), whole, files_in, bytes_in, total, tuple(unreadable))


def _files(root: Path, unreadable: list[str]) -> list[tuple[Path, os.stat_result]]:
    """List the transcripts below a folder; none if it does not exist."""

    def failed(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            unreadable.append(f"{error.filename}: {error.strerror}")

    found = []
    for above, _, names in os.walk(root, onerror=failed):
        for name in names:
            path = Path(above, name)
            if name.endswith(".jsonl") and path.is_file() and (status := path.stat()).st_size:
                found.append((path, status))
    return found


class _Import:
    """`journal import auto` with the projector beside it."""

    def __init__(self, tools: Tools, projection: Projection) -> None:
        self._tools, self._projection = tools, projection
        self._meter = Meter()
        self._began = time.monotonic()
        self._ended: float | None = None
        self._done = False
        # a file, because the report may not fit into a pipe that is read only at the end
        self._out = tempfile.TemporaryFile()  # noqa: SIM115 - `end` closes it
        self._err = tempfile.TemporaryFile()  # noqa: SIM115 - same
        self._process: subprocess.Popen[bytes] | None = None
        self.projector = ProjectorProcess(tools)

    def start(self, parts: tuple[Path, ...]) -> None:
        """Start importing."""
        argv = self._tools.argv("journal", "import", "auto", *map(str, parts), "--json")
        self._process = start(argv, stdin=subprocess.DEVNULL, stdout=self._out, stderr=self._err)

    def look(self) -> Moment | None:
        """Return the present state; None when all messages are imported and searchable."""
        if self._done:
            return None
        self.projector.look()
        now = time.monotonic()
        if self._ended is None and self._process is not None and self._process.poll() is not None:
            self._ended = now
        status = self._projection.status()
        self._done = self._ended is not None and not status.unprojected
        if self._ended is not None and now - self._ended > _PATIENCE:
            raise DemoError(f"{status.unprojected:,} records are still not searchable")
        rate = self._meter.rate(status.messages)
        return Moment(now - self._began, status, rate, self.projector.running)

    def report(self) -> dict[str, Any]:
        """Return the report of the import.

        Raises:
            DemoError: there is no report.
        """
        self._out.seek(0)
        self._err.seek(0)
        try:
            report: dict[str, Any] = json.loads(self._out.read())
        except ValueError as error:
            why = tail(self._err.read())
            raise DemoError(f"journal import ended without a report: {why}") from error
        return report

    def end(self) -> None:
        """Kill all remaining processes."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._out.close()
        self._err.close()
        self.projector.end()


def bring_in(console: Console, tools: Tools, found: Found) -> dict[str, Any]:
    """Import the found transcripts, and show the progress; return the report of the import.

    Raises:
        DemoError: the import failed, or the projector did not catch up.
    """
    with Projection.open(tools.journal) as projection:
        work = _Import(tools, projection)
        try:
            work.start(found.parts)
            watch(console, work.look)
            work.projector.stop()
            return work.report()
        finally:
            work.end()
