"""A first import: megabytes a second from transcripts to the journal, and the memory it needs."""

from __future__ import annotations

from pathlib import Path
from shutil import rmtree
from time import perf_counter
from typing import TYPE_CHECKING

import orjson

from journal import Journal
from journal.importers.run.driver import Importer
from tools.bench.corpus.transcripts import write_chatgpt, write_claude_code
from tools.bench.parts.projecting import peak
from tools.bench.processes import BenchError, alone
from tools.bench.report.figure import Figure, at_least, at_most, figure

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.bench.plan import Plan

ROW = "a first import"
FLOOR = (
    "`orjson.loads` over the same lines, or over the whole export. Besides, an import hashes the"
    " source and each event, builds each message, encodes it, decodes and compares what was"
    " encoded, and writes and syncs it."
)
_CASES = (
    ("transcripts of Claude Code", "projects", False, 40),
    ("the same, and secrets are redacted", "projects", True, 25),
    ("an export of ChatGPT", "conversations.json", False, 40),
)
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
        path = str(folder / source)
        rates, floors, memory = [], [], []
        for _ in range(plan.heavy_rounds):
            floors.append(alone(plan, "parts.importing", "load", path=path))
            journal = folder / "journal"
            found = alone(
                plan, "parts.importing", "take", path=path, journal=str(journal), redact=redact
            )
            rates.append(found["rate"])
            memory.append(found["memory"])
            rmtree(journal)
        target = at_least(least, "value")
        figures += [
            figure(name, "MB/s", rates, floors, against="orjson.loads", target=target),
            figure(f"memory: {name}", "bytes", memory, target=at_most(150e6)),
        ]
    rmtree(folder)
    return figures


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


def take(path: str, journal: str, *, redact: bool) -> Callable[[], dict[str, float]]:
    """Import a file or folder; measure megabytes a second, to durable, and the peak of memory."""
    files = [file for file in (Path(path), *Path(path).rglob("*")) if file.is_file()]
    size = sum(file.stat().st_size for file in files)

    def act() -> dict[str, float]:
        began = perf_counter()
        with Journal.open(journal, redact=redact) as handle:
            importer = Importer(handle, "auto")
            report = importer.run(importer.sources([Path(path)]))
        seconds = perf_counter() - began
        if report.files != len(files) or not report.messages or report.errors:
            raise BenchError(f"an import of {path} failed: {report.as_json()}")
        return {"rate": size / 1e6 / seconds, "memory": peak()}

    return act
