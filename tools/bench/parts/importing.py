"""A first import: its megabytes a second and its memory; and what following many files costs."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from shutil import rmtree
from time import perf_counter, sleep
from typing import TYPE_CHECKING

import orjson

from journal import Journal
from journal.importers.run.driver import Importer
from tools.bench.corpus.followed import next_line, write_many
from tools.bench.corpus.transcripts import write_chatgpt, write_claude_code
from tools.bench.parts.idle import used
from tools.bench.parts.projecting import peak
from tools.bench.processes import BenchError, alone
from tools.bench.report.figure import Figure, at_least, at_most, figure
from tools.bench.report.spread import percentile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from journal.importers.files.walk import Source
    from tools.bench.plan import Plan

ROW = "a first import, and following many files"
FLOOR = (
    "`orjson.loads` over the same lines, or over the whole export. Besides, an import hashes the"
    " source and each event, builds each message, encodes it, decodes and compares what was"
    " encoded, and writes and syncs it. Following: inotify, and the look at the changed file, at"
    " most four times a second."
)
_CASES = (
    ("transcripts of Claude Code", "projects", False, 40),
    ("the same, and secrets are redacted", "projects", True, 25),
    ("an export of ChatGPT", "conversations.json", False, 40),
)
_SETTLE = 4.0
"""Seconds after which a process that follows has done all one-time work."""
_PATIENCE = 30.0
_NOTED = 0.05
"""Seconds after which peaks of memory are noted again: to read them takes 0.2 ms."""
_END = 16_384
"""Bytes at the end of a segment in which a new line is looked for."""
_PART = 5
"""The export has this part of the bytes of the transcripts: its floor needs all of it in memory."""


def measure(plan: Plan) -> list[Figure]:
    """Measure imports into an empty journal, each after a pass of its floor."""
    folder = plan.folder / "importing"
    (folder / "projects").mkdir(parents=True)
    plan.say(f"writing {plan.imported / 1e6:,.0f} MB of transcripts")
    write_claude_code(folder / "projects", plan.imported)
    write_chatgpt(folder / "conversations.json", plan.imported // _PART)
    figures: list[Figure] = []
    for name, source, redact, least in _CASES:
        path, journal = str(folder / source), folder / "journal"
        # one round: an import of a gigabyte takes a minute
        floor = alone(plan, "parts.importing", "load", path=path)
        given = {"path": path, "journal": str(journal), "redact": redact}
        found = alone(plan, "parts.importing", "take", **given)
        rmtree(journal)
        target = at_least(least, "value")
        figures += [
            figure(name, "MB/s", [found["rate"]], [floor], against="orjson.loads", target=target),
            figure(f"memory: {name}", "bytes", [found["memory"]], target=at_most(150e6)),
        ]
    rmtree(folder)
    return [*figures, *_following(plan)]


def _following(plan: Plan) -> list[Figure]:
    """Measure a process that follows many files: idle, and until it has a new line."""
    folder = plan.folder / "following"
    paths = write_many(folder / "home", plan.followed)
    rng, taken = Random(1), []
    with _running(folder / "journal", folder / "home") as pid:
        sleep(min(_SETTLE, plan.idle_seconds))
        began, before = perf_counter(), used(pid)
        sleep(plan.idle_seconds)
        share = (used(pid) - before) / (perf_counter() - began) * 100
        for turn in range(plan.found):
            sleep(rng.uniform(0.03, 0.3))
            number = rng.randrange(len(paths))
            with paths[number].open("ab") as file:
                file.write(next_line(number, f"needle{turn}x"))
            taken.append(_wait_for(folder / "journal", f"needle{turn}x"))
    rmtree(folder)
    name = f"--follow over {plan.followed:,} files"
    return [
        figure(f"{name}: idle", "% of a core", [share], target=at_most(1)),
        figure(f"{name}: a line is in the journal, p50", "ms", [percentile(taken, 50)]),
        figure(
            f"{name}: a line is in the journal, maximum", "ms", [max(taken)], target=at_most(1_000)
        ),
    ]


@contextmanager
def _running(journal: Path, home: Path) -> Iterator[int]:
    """Run an import that follows a folder; yield its pid when all files are imported."""
    command = [sys.executable, "-m", "journal", "--journal", str(journal), "import", "auto"]
    process = subprocess.Popen([*command, str(home), "--follow"], stderr=subprocess.PIPE)
    try:
        line = process.stderr.readline() if process.stderr else b""
        if not line.startswith(b"All files are imported"):
            process.kill()
            output = (line + process.communicate()[1]).decode(errors="replace")
            raise BenchError(f"journal import --follow did not start: {output}")
        yield process.pid
    finally:
        process.terminate()
        process.communicate()


def _wait_for(journal: Path, text: str) -> float:
    """Return the milliseconds until a text is at the end of the journal."""
    began = perf_counter()
    while True:
        for segment in journal.glob("lanes/*/*.jsonl"):
            with segment.open("rb") as file:
                file.seek(max(0, segment.stat().st_size - _END))
                if text.encode() in file.read():
                    return (perf_counter() - began) * 1000
        if perf_counter() - began > _PATIENCE:
            raise BenchError(f"{text} is not in the journal after {_PATIENCE} s")
        sleep(0.002)


def load(path: str) -> Callable[[], float]:
    """Decode each line of transcripts, or a document as a whole; measure megabytes a second."""
    source = Path(path)

    def act() -> float:
        began, size = perf_counter(), 0
        for file in sorted(source.rglob("*.jsonl")):
            with file.open("rb") as lines:
                for line in lines:
                    orjson.loads(line)
                    size += len(line)
        if source.is_file():
            raw = source.read_bytes()
            orjson.loads(raw)
            size = len(raw)
        return size / 1e6 / (perf_counter() - began)

    return act


def children() -> list[int]:
    """Return the ids of the processes that this one has started."""
    threads = Path("/proc/self/task").iterdir()
    return [
        int(pid)
        for thread in threads
        for pid in (thread / "children").read_text(encoding="ascii").split()
    ]


def take(path: str, journal: str, *, redact: bool) -> Callable[[], dict[str, float]]:
    """Import a file or folder; measure megabytes a second, to durable, and the peak of memory.

    The memory is that of this process and of those that it starts.
    """
    files = [file for file in (Path(path), *Path(path).rglob("*")) if file.is_file()]
    peaks: dict[int, int] = {}
    noted = 0.0

    def note(_source: Source, _read: int) -> None:
        """Note the peak of each process that reads ahead; it is gone at the end."""
        nonlocal noted
        if perf_counter() - noted < _NOTED:
            return
        noted = perf_counter()
        for pid in children():
            with suppress(OSError):  # one that has ended has no memory: its last peak stays
                peaks[pid] = peak(pid)

    size = sum(file.stat().st_size for file in files)

    def act() -> dict[str, float]:
        began = perf_counter()
        with Journal.open(journal, redact=redact) as handle:
            importer = Importer(handle, "auto", step=note)
            report = importer.run(importer.sources([Path(path)]))
        seconds = perf_counter() - began
        if report.files != len(files) or not report.messages or report.errors:
            raise BenchError(f"an import of {path} failed: {report.as_json()}")
        return {"rate": size / 1e6 / seconds, "memory": peak() + sum(peaks.values())}

    return act
