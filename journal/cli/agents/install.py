"""`journal install`: a service of this user that follows its agents."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from journal.agents.service import run_all, service
from journal.cli import import_
from journal.cli.agents.hooks import change_hooks
from journal.cli.kit.ask import ask, can_ask
from journal.cli.kit.exits import FAILED, NOT_FOUND
from journal.cli.kit.output import print_block, print_json, print_line
from journal.fs.location import expanded
from journal.importers.registry import AUTO, installed

if TYPE_CHECKING:
    from journal.agents.service import Service

_CHANGED = "was changed by you, or is not of `journal install`: it was left as it is"


@click.command("install")
@click.option("--dry-run", is_flag=True, help="Print what would be done, and the file.")
@click.option("--undo", is_flag=True, help="Stop the service, and remove its file.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--launchd", is_flag=True, help="Write launchd's file, as on macOS.")
@click.option("--hooks", is_flag=True, help="Set up hooks of the agents, and no service.")
@click.option("--run", "runs", is_flag=True, help="What the service runs: follow all agents.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def command(context: click.Context, /, **options: bool) -> None:
    """Follow the agents of this machine from now on.

    It writes a systemd user unit that imports what the agents write, as they
    write it, and starts it. It says so and asks first. The unit runs at low
    priority, and is started again each day: agents installed meanwhile are
    found then, and those of today are not named in it.

    \b
        journal install --dry-run
        journal install
        journal install --undo

    A second run changes nothing. --undo removes what it made; a file that you
    have changed is left as it is. If systemctl does not work here, the commands
    that start or stop the service are printed. The unit is checked by
    `systemd-analyze verify`, if that is there, and by that alone. The file of
    launchd (--launchd, and on macOS) is written, and was never tested.

    --hooks sets up hooks in the settings of the agents that have them (Claude
    Code, Codex, Gemini CLI, Qwen Code) in place of the service: an agent then
    runs `journal hook` when a turn or a session ends, and its transcript is
    imported at once, in the background. The rest of the settings stays as it
    is, with its comments; a file that cannot be read is not touched. Codex runs
    a hook only after you have trusted it (/hooks).

    \b
        journal install --hooks --dry-run
        journal install --hooks
        journal install --hooks --undo

    There is no time limit.

    The exit code is 1 if the file was changed by you, or systemd-analyze
    complains, or the settings of an agent cannot be changed; 3 if --run finds no
    folder of an agent.

    JSON: {"kind", "file", "state", "action", "started", "check", "agents",
    "commands"}; {"hooks": [{"format", "file", "state", "action", "events",
    "diff", "error"}]}

    `state` is that of the file before: `missing`, `same`, `older` (of another
    version), or `changed`. `action` is `written`, `removed` or `none`. `check`
    is what systemd-analyze says, null if it was not asked. `commands` are left
    to you. With --hooks, it is the second object: `action` is `written`,
    `removed` (the file, which had nothing else) or `none`, and `diff` is what
    is, or would be, changed.
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    if options["runs"]:
        _follow(context)
        return
    if options["hooks"]:
        hooks, succeeded = change_hooks(context.obj, options)
        if options["as_json"]:
            print_json({"hooks": hooks})
        if not succeeded:
            context.exit(FAILED)
        return
    made = service(context.obj, launchd=options["launchd"] or sys.platform == "darwin")
    report = {
        "kind": made.kind,
        "file": str(made.file),
        "state": made.state(),
        "action": "none",
        "started": False,
        "check": None,
        "agents": _folders(),
        "commands": [],
    }
    _act(made, report, options)
    if options["as_json"]:
        print_json(report)
    if report["state"] == "changed" or report["check"]:
        context.exit(FAILED)


def _act(made: Service, report: dict[str, Any], options: dict[str, bool]) -> None:
    """Write or remove the file, and say so."""
    undo, state = options["undo"], report["state"]
    if state == "changed":
        print_line(f"{made.file} {_CHANGED}", err=True)
        return
    if state == ("missing" if undo else "same"):
        print_line(f"{made.file}: nothing to do", err=True)
        return
    verb = "remove" if undo else "write"
    if options["dry_run"]:
        print_line(f"would {verb} {made.file}", err=True)
        if not undo and not options["as_json"]:
            print_block(made.text.rstrip("\n"))
        return
    if not options["yes"]:
        follow = ", ".join(report["agents"]) or "no folder of an agent yet"
        about = f"{verb} {made.file}" + ("" if undo else f", which follows {follow}")
        if not can_ask():
            raise click.UsageError(f"it would {about}: nothing was done; give --yes")
        if not ask(f"{about[0].upper()}{about[1:]}?"):
            return
    _change(made, report, undo=undo)


def _change(made: Service, report: dict[str, Any], *, undo: bool) -> None:
    commands = made.stops if undo else made.starts
    if undo:
        # stopped before its file is gone, and reloaded after it
        first = run_all(commands[:1])
        made.file.unlink()
        report["started"] = False
        done = first and run_all(commands[1:])
        report["action"] = "removed"
    else:
        made.write()
        report["action"], report["check"] = "written", made.check()
        done = not report["check"] and run_all(commands)
        report["started"] = done
    print_line(f"{made.file}: {report['action']}", err=True)
    if made.kind == "launchd" and not undo:
        print_line("This file was never tested on macOS.", err=True)
    if report["check"]:
        print_block(report["check"], prefix="systemd-analyze: ", err=True)
    if not done:
        report["commands"] = [" ".join(command) for command in commands]
        print_line("Run this yourself:", err=True)
        for line in report["commands"]:
            print_line(f"  {line}", err=True)


def _folders() -> list[str]:
    """Return the files and folders of agents that are there."""
    paths = (path for format in installed().formats for path in format.paths)
    return [path for path in dict.fromkeys(paths) if expanded(path).exists()]


def _follow(context: click.Context) -> None:
    found = tuple(map(expanded, _folders()))
    if not found:
        print_line("no folder of an agent was found", err=True)
        context.exit(NOT_FOUND)
    context.invoke(
        import_.command,
        format=AUTO,
        paths=found,
        follow=True,
        as_json=False,
        reread=False,
        no_redact=False,
    )
