"""`journal install --hooks`: hooks in the settings of the agents of this machine."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from journal.agents.hooks.programs import PROGRAMS
from journal.agents.hooks.settings_file import read_settings
from journal.cli.kit.ask import ask, can_ask
from journal.cli.kit.output import print_line
from journal.errors import InstallFailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from journal.agents.hooks.settings_file import Settings


@dataclass(slots=True)
class Change:
    """What is to be done to the settings of an agent.

    Attributes:
        report: what is printed of it.
        settings: its settings; None if they cannot be read.
        text: the new text; None if there is to be no file.
        note: what the user must do besides.
    """

    report: dict[str, Any]
    settings: Settings | None = None
    text: str | None = None
    note: str = ""
    is_due: bool = field(default=False)


def change_hooks(path: Path, options: dict[str, bool]) -> tuple[list[dict[str, Any]], bool]:
    """Set up hooks, or remove them; return what was done for each agent, and whether all succeeded.

    Args:
        path: the folder of the journal.
        options: those of the command: `undo`, `dry_run`, `yes`, `as_json`.

    Raises:
        JournalOpenError: the home folder is unknown.
    """
    changes = list(_changes(path, undo=options["undo"]))
    due = [change for change in changes if change.is_due]
    if not changes:
        print_line("no agent with hooks was found", err=True)
    if options["dry_run"]:
        _show(due, diff=not options["as_json"])
    elif due and _may(due, options):
        for change in due:
            _write(change)
    for change in changes:
        if change.report["error"] is not None:
            print_line(f"Error: {change.report['error']}", err=True)
        elif not change.is_due:
            print_line(f"{change.report['file']}: nothing to do", err=True)
    return [change.report for change in changes], not any(it.report["error"] for it in changes)


def _changes(path: Path, *, undo: bool) -> Iterator[Change]:
    python = os.path.abspath(sys.executable)  # noqa: PTH100 - a link of a virtual environment stays
    for program in PROGRAMS:
        if not program.is_there:
            continue
        report: dict[str, Any] = {
            "format": program.format,
            "file": str(program.settings),
            "state": None,
            "action": "none",
            "events": list(program.events),
            "diff": "",
            "error": None,
        }
        change = Change(report, note="" if undo else program.note)
        try:
            settings = change.settings = read_settings(program, path)
            report["state"] = settings.state(python)
            if report["state"] != ("missing" if undo else "same"):
                text = settings.without_hooks() if undo else settings.with_hooks(python)
                change.text, change.is_due = text, True
                report["diff"] = settings.config.diff(text)
        except InstallFailed as error:
            report["error"] = str(error)
        yield change


def _show(due: list[Change], *, diff: bool) -> None:
    for change in due:
        print_line(f"would {_verb(change)} {change.report['file']}", err=True)
        for line in change.report["diff"].splitlines() if diff else ():
            print_line(line)


def _may(due: list[Change], options: dict[str, bool]) -> bool:
    """Return whether the user agrees.

    Raises:
        click.UsageError: it cannot ask.
    """
    if options["yes"]:
        return True
    about = ", ".join(f"{_verb(change)} {change.report['file']}" for change in due)
    if not can_ask():
        raise click.UsageError(f"it would {about}: nothing was done; give --yes")
    return ask(f"{about[0].upper()}{about[1:]}?")


def _verb(change: Change) -> str:
    if change.text is None:
        return "remove"
    return "change" if change.settings and change.settings.config.content is not None else "write"


def _write(change: Change) -> None:
    report = change.report
    if change.settings is None:
        return
    try:
        change.settings.config.write(change.text)
    except InstallFailed as error:
        report["error"] = str(error)
        return
    report["action"] = "removed" if change.text is None else "written"
    print_line(f"{report['file']}: {report['action']}", err=True)
    if change.note:
        print_line(change.note, err=True)
