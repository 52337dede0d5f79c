"""`projector mcp install`: give an agent the server."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from journal.cli.kit.output import print_json, print_line, warn
from projector.mcp.install.change import changes
from projector.mcp.install.entry import Server
from projector.mcp.install.programs import PROGRAMS

if TYPE_CHECKING:
    from projector.mcp.install.change import Change


@click.command("install")
@click.argument("agent", type=click.Choice([program.name for program in PROGRAMS]))
@click.option("--notes", is_flag=True, help="Let the agent append notes, too.")
@click.option("--dry-run", is_flag=True, help="Print what would be changed.")
@click.option("--undo", is_flag=True, help="Remove what this command added.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def command(
    path: Path, /, *, agent: str, notes: bool, dry_run: bool, undo: bool, as_json: bool
) -> None:
    """Add the server to the configuration of AGENT, with a skill that says when to use it.

    All else in the configuration stays as it is, with comments, order and permissions. A
    configuration that is invalid, or has an entry of the same name that is not of this command, is
    left as it is. Started again, this command changes nothing, or brings `command` and `args` of
    its entry up to date and keeps what you added. --undo leaves an entry that you changed. The
    agent reads its configuration when it starts.

    \b
        projector mcp install claude-code --dry-run
        projector mcp install codex
        projector mcp install codex --undo

    The files are ~/.claude.json, ~/.codex/config.toml, ~/.gemini/settings.json,
    ~/.config/opencode/opencode.jsonc (or .json) and ~/.copilot/mcp-config.json, each also in the
    folder that CLAUDE_CONFIG_DIR, CODEX_HOME, XDG_CONFIG_HOME or COPILOT_HOME names. The skill is
    agent-journal/SKILL.md in the agent's folder of skills. There is no time limit.

    JSON: {"agent", "undo", "changes": [{"file", "action", "diff", "kept"}]}

    `action` is `written`, `removed` or `none`; of --dry-run it is what would be done.
    `kept` says why a file that --undo should remove is left as it is; else it is empty.
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    program = next(program for program in PROGRAMS if program.name == agent)
    python = os.path.abspath(sys.executable)  # noqa: PTH100 - a link of a virtual environment stays
    server = Server(Path(path).absolute(), python, notes)
    if not undo and not os.path.lexists(server.journal):
        warn(
            f"there is no journal at {server.journal} yet: until something is written there, the"
            " agent cannot start the server"
        )
    found = changes(program, server, undo=undo)
    report = [_reported(change) for change in found]
    for change, line in zip(found, report, strict=True):
        if change.is_due and not dry_run:
            change.make()
        if not as_json:
            _print(line, dry_run=dry_run)
    if as_json:
        print_json({"agent": agent, "undo": undo, "changes": report})


def _reported(change: Change) -> dict[str, str]:
    action = "none"
    if change.is_due:
        action = "removed" if change.text is None else "written"
    diff = change.config.diff(change.text) if change.is_due else ""
    return {
        "file": str(change.config.file),
        "action": action,
        "diff": diff,
        "kept": change.kept,
    }


def _print(line: dict[str, str], *, dry_run: bool) -> None:
    if line["action"] == "none":
        print_line(f"{line['file']}: {line['kept'] or 'nothing to do'}", err=True)
        return
    would = "would be " if dry_run else ""
    print_line(f"{line['file']}: {would}{line['action']}", err=True)
    for row in line["diff"].splitlines() if dry_run else ():
        print_line(row)
