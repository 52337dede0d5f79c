"""`projector board`: what its commands print, and their exit codes."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner, Result

import projector.cli
from journal.arbiter import arbitrating
from projector import Board

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., Result]


@pytest.fixture
def run(journal_dir: Path) -> Run:
    """Run a command of `projector board`."""

    def run(*arguments: object, code: int = 0) -> Result:
        words = ["--journal", str(journal_dir), "board", *map(str, arguments)]
        result = CliRunner().invoke(projector.cli.cli, words)
        assert result.exit_code == code, result.output
        return result

    return run


def documented(name: str) -> set[str]:
    """Return the names in the paragraph `JSON:` of a command's help."""
    group = projector.cli.cli.commands["board"]
    assert isinstance(group, click.Group)
    command = group.get_command(click.Context(group), name)
    assert command is not None
    (shape,) = re.findall(r"JSON: (.*?)(?:\n\n|$)", command.help or "", re.DOTALL)
    return set(re.findall(r'"(\w+)"', shape))


def keys(value: object) -> set[str]:
    """Return the keys of a JSON value, at every depth but below `task` of `show`."""
    if isinstance(value, list):
        return set().union(*map(keys, value)) if value else set()
    if not isinstance(value, dict):
        return set()
    below = (keys(inner) for name, inner in value.items() if name != "task")
    return value.keys() | set().union(*below)


def test_a_worker_can_do_a_task_from_the_command_line(run: Run) -> None:
    """Add, claim, beat, comment, complete, and look at it."""
    id = run("add", "Write it", "--body", "All of it.", "--priority", 3).stdout.strip()
    run("add", "Test it", "--after", id)
    assert "ready  Write it" in run("list").stdout
    assert "waiting  Test it" in run("list", "--state", "open").stdout
    assert run("claim", "--worker", "w1").stdout == f"{id} 1\n"
    assert run("claim", "--worker", "w2", code=3).stderr == "nothing is ready\n"
    assert "is not ready" in run("claim", "--worker", "w2", "--task", id, code=3).stderr
    run("beat", id, "--worker", "w1", "--token", 1, "--seconds", 60)
    run("comment", id, "half", "--author", "w1")
    refused = run("complete", id, "--worker", "w1", "--token", 2, code=1)
    assert isinstance(refused.exception, SystemExit)
    assert "nothing was written" in refused.stderr
    run("complete", id, "--worker", "w1", "--token", 1, "--result", "done so")
    shown = run("show", id).stdout
    assert "All of it." in shown
    assert " w1:\n  half" in shown
    assert "result: done so" in shown
    assert [line.split("  ")[1] for line in run("history", id).stdout.splitlines()] == [
        *("added", "claimed by w1 (token 1)", "completed by w1")
    ]
    assert "Test it" in run("list", "--ready", "--worker", "w9").stdout


def test_a_heartbeat_of_a_claim_that_is_over_fails(run: Run) -> None:
    """A worker in a shell learns that another has the task, or that there is no such task."""
    id = run("add", "Contested").stdout.strip()
    run("claim", "--worker", "w1", "--seconds", 0.001)
    run("claim", "--worker", "w2")
    refused = run("beat", id, "--worker", "w1", "--token", 1, code=1)
    assert "it is claimed by 'w2', and its last token is 2" in refused.stderr
    run("beat", id, "--worker", "w2", "--token", 2)
    run("complete", id, "--worker", "w2", "--token", 2)
    run("beat", id, "--worker", "w2", "--token", 2, code=1)
    assert "has no task" in run("beat", "none", "--worker", "w", "--token", 1, code=3).stderr


def test_a_decision_that_others_prevent_is_busy(run: Run, journal_dir: Path) -> None:
    """A script can tell that from a failure, and repeat the command."""
    run("add", "Held up")
    with arbitrating(journal_dir, 1.0):
        refused = run("--timeout", 0.05, "claim", "--worker", "w", code=7)
    assert "nothing was decided: try again" in refused.stderr


def test_a_task_is_blocked_unblocked_and_released(run: Run) -> None:
    """Its reason is shown, and a task that is not blocked gives another exit code."""
    id = run("add", "Stuck", "--id", "t1").stdout.strip()
    run("claim", "--worker", "w1")
    run("block", id, "--worker", "w1", "--token", 1, "--reason", "no key")
    assert "reason: no key" in run("show", id).stdout
    run("unblock", id, "--by", "lead")
    assert run("unblock", id, code=1).stderr == "Error: task t1 is not blocked\n"
    run("claim", "--worker", "w1")
    run("release", id, "--worker", "w1", "--token", 2)
    other = run("add", "Other", "--after", id).stdout.strip()
    assert "would wait for itself" in run("depend", id, "--after", other, code=1).stderr
    run("depend", other)


def test_json_has_the_documented_keys(run: Run) -> None:
    """Each command with --json names them in its help."""
    (id,) = json.loads(run("add", "T", "--json").stdout).values()
    shown = {
        "add": run("add", "T", "--id", id, "--json"),
        "claim": run("claim", "--worker", "w", "--json"),
        "beat": run("beat", id, "--worker", "w", "--token", 1, "--json"),
        "comment": run("comment", id, "x", "--json"),
        "show": run("show", id, "--json"),
        "history": run("history", id, "--json"),
        "list": run("list", "--json"),
    }
    for name, result in shown.items():
        found = set().union(*(keys(json.loads(line)) for line in result.stdout.splitlines()))
        optional = {"behind", "bytes", "events", "as_of", "why"} if name == "list" else set()
        assert documented(name) - optional == found, name


def test_boards_are_named(run: Run, journal_dir: Path) -> None:
    """`--board` comes before the command."""
    run("--board", "left", "add", "L")
    assert run("--board", "left", "list").stdout.endswith("L\n")
    assert "no tasks" in run("list").stderr
    with Board.open(journal_dir, name="left") as board:
        assert len(board.tasks()) == 1


def test_nothing_is_made_where_there_is_no_journal(run: Run, journal_dir: Path) -> None:
    """Only `add` makes a journal."""
    for words in (["list"], ["show", "x"], ["claim", "--worker", "w"], ["comment", "x", "y"]):
        run(*words, code=3)
    assert not journal_dir.exists()
    run("add", "T")
    for words in (["show", "x"], ["comment", "x", "y"], ["history", "x"]):
        assert "has no task 'x'" in run(*words, code=3).stderr
    run("list", "--ready", "--state", "open", code=2)
    run("list", "--worker", "w", code=2)


def test_the_id_of_another_task_is_refused(run: Run) -> None:
    """To print the id would say that the new task was added; the same task again has no effect."""
    for _ in range(2):
        assert run("add", "Write it", "--id", "t1").stdout == "t1\n"
    refused = run("add", "Test it", "--id", "t1", code=2).stderr
    assert "task 't1' is 'Write it'; nothing was added, give another id" in refused
    assert json.loads(run("show", "t1", "--json").stdout)["task"]["title"] == "Write it"
