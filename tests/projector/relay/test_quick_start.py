"""The quick start of docs/relay.md, as it is written, with a real server."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

from tests.support.programs.end import end
from tests.support.relay.servers import find_server, free_port, wait_until_it_answers

ROOT = Path(__file__).parents[3]


def _lines() -> list[tuple[str, str]]:
    """Return host and command of each line."""
    text = (ROOT / "docs" / "relay.md").read_text()
    [block] = re.findall(r"^```sh quick-start\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [
        (host, command.strip())
        for host, command in re.findall(r"^(\w+)\$ +(.*)$", block, re.MULTILINE)
    ]


def test_the_quick_start_is_ten_lines_that_work(tmp_path: Path) -> None:
    """Each line runs as it is written; the host's name and port are replaced, and `pip` is not run.

    Both machines are folders of this one: what one writes, the other finds.
    """
    lines, port = _lines(), free_port()
    assert len(lines) == 10
    path = f"{Path(find_server()).parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    running: list[subprocess.Popen[str]] = []
    found = ""
    try:
        for host, command in lines:
            folder = tmp_path / host
            folder.mkdir(exist_ok=True)
            environment = os.environ | {"JOURNAL_DIR": str(folder / "journal"), "PATH": path}
            if command.startswith("pip install"):
                continue  # this environment has it
            here = command.replace("tls://hub:4222", f"tls://localhost:{port}")
            if command.startswith("journal relay init"):
                here = here.replace(" > ", f" --port {port} > ")
            background = here.endswith("&")
            arguments = ["sh", "-c", f"exec {here.removesuffix('&')}"]
            if host == "desk" and not (folder / "desk.creds").exists():
                (tmp_path / "hub" / "desk.creds").rename(folder / "desk.creds")
            if background:
                running.append(subprocess.Popen(arguments, cwd=folder, env=environment, text=True))
                if here.startswith("nats-server"):
                    wait_until_it_answers(port)
            elif shlex.split(here)[:2] == ["projector", "search"]:
                until = time.monotonic() + 30
                while "hello from the" not in found and time.monotonic() < until:
                    found = _run(arguments, folder, environment)
            else:
                _run(arguments, folder, environment)
        assert "hello from the" in found
        desk = os.environ | {"JOURNAL_DIR": str(tmp_path / "desk" / "journal"), "PATH": path}
        assert "fleet home" in _run(["journal", "relay", "status"], tmp_path, desk)
    finally:
        for process in reversed(running):
            end(process)


def _run(arguments: list[str], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        arguments,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, (arguments, done.stdout, done.stderr)
    return done.stdout
