"""`journal hook`: what the hooks of agents run."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from journal.agents.hooks.failures import note
from journal.agents.hooks.receive import start_import, transcript_of
from journal.cli.kit.output import print_line
from journal.errors import ImportFailed
from journal.importers.registry import installed
from journal.importers.run.driver import Importer
from journal.importers.run.report import Report
from journal.writer import Journal

_SETTLED = 2.0
"""Seconds after which an agent has written what it had not when it ran the hook."""


@click.command("hook")
@click.argument("format", metavar="FORMAT")
@click.option("--made", type=int, default=0, help="What `journal install --hooks` made for it.")
@click.option(
    "--transcript",
    type=click.Path(path_type=Path),
    help="Import this now; what the command starts, and no agent gives.",
)
@click.pass_obj
def command(path: Path, format: str, made: int, transcript: Path | None) -> None:  # noqa: ARG001
    """Import the transcript that a hook of an agent names.

    `journal install --hooks` sets this up; it is not for typing. It reads the JSON
    object that the agent gives its hooks on standard input, starts an import of
    the file at "transcript_path" in the background, and ends with 0, whatever
    happens. `journal doctor` shows imports by hooks that failed.

    There is no time limit.
    """
    source = "" if transcript is None else str(transcript)
    try:
        if transcript is None:
            given = sys.stdin.buffer.read()
            named = transcript_of(given, installed().named(format))
            if named is not None:
                source = str(named)
                start_import(path, format, named)
        else:
            _import(path, format, transcript)
    except Exception as error:  # noqa: BLE001 - an agent must not fail because of us
        _note(path, format, source, f"{type(error).__name__}: {error}")


def _note(path: Path, format: str, source: str, error: str) -> None:
    try:
        note(path.absolute(), format, source, error)
    except Exception as refused:  # noqa: BLE001 - as above
        print_line(f"Error: {error} (and it could not be noted: {refused})", err=True)


def _import(path: Path, format: str, transcript: Path) -> None:
    """Import a transcript and its side files, and once more if it grows meanwhile.

    Raises:
        ImportFailed: a file could not be read.
    """
    # Claude Code has the sub-agents of a session in a folder of its name
    folder = transcript.with_suffix("")
    paths = [transcript, folder] if folder.is_dir() else [transcript]
    seen = transcript.stat().st_size
    for _ in range(2):
        report = Report()
        with Journal.open(path, redact=True) as journal:
            importer = Importer(journal, format, report=report)
            importer.run(importer.sources(paths))
        if report.errors:
            errors = report.as_json()["errors"]
            raise ImportFailed("; ".join(f"{name}: {why}" for name, why in errors.items()))
        time.sleep(_SETTLED)
        if transcript.stat().st_size == seen:
            return
        seen = transcript.stat().st_size
