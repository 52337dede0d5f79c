"""Check that Hermes's own command and its search tool run on a journal.

Creates a separate environment, installs hermes-agent and this project in it, fills a journal
through `projector.adapters.hermes`, and reads it with `hermes sessions list`, `hermes sessions
export` and the tool with which Hermes searches its sessions. Needs a package index and a minute or
two.

    python -m tools.hermes_check                         # 0.13.0, in a folder that is removed
    python -m tools.hermes_check --version 0.19.0
    python -m tools.hermes_check --venv ~/hermes-venv    # created if missing, and kept
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.environments import NotInstalled, install, interpreter, make

PROJECT = Path(__file__).resolve().parent.parent

FILL = """
from projector.adapters.hermes import SessionDB

with SessionDB() as db:
    db.create_session("docker-1", "cli", model="m1")
    db.append_message("docker-1", "user", "Why does docker compose fail?")
    db.append_message("docker-1", "assistant", "get_compose_version() expects version 3.")
    db.set_session_title("docker-1", "A broken build")
    db.create_session("weather-1", "telegram")
    db.append_message("weather-1", "user", "\\u5317\\u4eac\\u7684\\u5929\\u6c14")
    db.create_session("hidden-1", "tool")
    db.append_message("hidden-1", "user", "docker behind the scenes")
"""
"""Fills the journal in HERMES_HOME."""

SEARCH = """
import sys
from projector.adapters.hermes import install

install()
from tools.session_search_tool import session_search

print(session_search(query=sys.argv[1]))
"""
"""Prints the answer of Hermes's tool, which opens the store itself, as in a conversation."""


class Failed(Exception):  # noqa: N818 - a verdict, not a programming error
    """A check failed."""


def main() -> int:
    """Run the check; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--version", default="0.13.0", help="of hermes-agent (%(default)s)")
    parser.add_argument("--venv", type=Path, help="the environment; created if missing")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hermes-check-") as folder:
        try:
            python = environment(options.venv or Path(folder) / "venv", options.version)
            check(python, Path(folder) / "home", options.version)
        except Failed as failure:
            print(f"FAILED: {failure}", file=sys.stderr)
            return 1
    return 0


def environment(folder: Path, version: str) -> Path:
    """Return the Python of an environment with both packages."""
    folder = folder.expanduser()
    python = interpreter(folder)
    try:
        if not python.exists():
            say(f"making {folder}")
            make(folder)
        say(f"installing hermes-agent {version} and this project")
        install(
            python, f"hermes-agent=={version}", "--reinstall-package", "agent-journal", str(PROJECT)
        )
    except NotInstalled as error:
        raise Failed(str(error)) from error
    return python


def check(python: Path, home: Path, version: str) -> None:
    """Fill a journal and read it with each of the commands."""
    home.mkdir(mode=0o700)
    place = {
        "HERMES_HOME": str(home),
        "HOME": str(home),
        "PATH": os.environ.get("PATH", ""),
        "PYTHONDONTWRITEBYTECODE": "1",
        "COLUMNS": "120",
    }
    run([str(python), "-c", FILL], place)
    expect("there is a journal in Hermes's home", (home / "state.journal").is_dir())

    hermes = [str(python), "-m", "projector.adapters.hermes"]
    listed = run([*hermes, "sessions", "list"], place)
    print(listed)
    expect("`hermes sessions list` shows the title", "A broken build" in listed)
    expect("... and the sessions", "docker-1" in listed and "weather-1" in listed)
    expect("... but for those of tools", "hidden-1" not in listed)

    exported = run([*hermes, "sessions", "export", "-", "--session-id", "docker-1"], place)
    session = json.loads(exported.splitlines()[-1])
    expect("`hermes sessions export` has both messages", len(session["messages"]) == 2)  # noqa: PLR2004 - as they were appended

    for query, found in (("compose", "docker-1"), ("get_compose_version", "docker-1")):
        answer = json.loads(run([str(python), "-c", SEARCH, query], place))
        print(json.dumps(answer, ensure_ascii=False)[:300])
        names = [result["session_id"] for result in answer["results"]]
        expect(f"Hermes's search tool finds {query!r}", answer["success"] and names == [found])
    recent = json.loads(run([str(python), "-c", SEARCH, ""], place))
    names = [result["session_id"] for result in recent["results"]]
    expect("... and lists what was last", sorted(names) == ["docker-1", "weather-1"])

    deleted = run([*hermes, "sessions", "delete", "weather-1", "--yes"], place)
    expect("`hermes sessions delete` deletes", "weather-1" in deleted)
    expect("... and then it is gone", "weather-1" not in run([*hermes, "sessions", "list"], place))
    expect("Hermes has made no database of its own", not (home / "state.db").exists())
    say(f"hermes-agent {version} runs on a journal")


def run(command: list[str], environment: dict[str, str] | None = None) -> str:
    """Run a command and return its output.

    Raises:
        Failed: it fails; the message has its output.
    """
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, cwd="/"
    )
    if done.returncode:
        raise Failed(f"{' '.join(command)[:200]}\n{done.stdout}{done.stderr}")
    return done.stdout


def expect(what: str, holds: object) -> None:
    """Report that a condition holds.

    Raises:
        Failed: it does not.
    """
    if not holds:
        raise Failed(what)
    say(f"ok: {what}")


def say(what: str) -> None:
    """Print at once."""
    print(what, flush=True)


if __name__ == "__main__":
    sys.exit(main())
