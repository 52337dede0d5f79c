"""Programs of the protocol's own project test the server, where they are installed.

`npm install @modelcontextprotocol/conformance @modelcontextprotocol/inspector` installs them; they
need Node.js 22. They run where `conformance` and `mcp-inspector` are in PATH.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable

_SCENARIOS = ("server-initialize", "ping", "tools-list", "dns-rebinding-protection")
"""Those for a server of tools; the others want tools with names of their own, or what we have not:
prompts, resources, logging, sampling."""


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        package = f"@modelcontextprotocol/{name.removeprefix('mcp-')}"
        pytest.skip(f"{name} is not installed: npm install -g {package}")
    return found


@pytest.mark.parametrize("scenario", _SCENARIOS)
def test_the_conformance_suite_passes(
    journal_dir: Path, scenario: str, start_command: Callable[..., subprocess.Popen[str]]
) -> None:
    """The scenarios for a server of tools succeed over HTTP."""
    program = _program("conformance")
    with Journal.open(journal_dir) as journal:
        journal.append_message("s1", "user", "hello", id="m1")
    server = start_command(
        sys.executable, "-m", "tests.projector.mcp.open_server", str(journal_dir)
    )
    assert server.stdout is not None
    url = server.stdout.readline().strip()
    command = [program, "server", "--url", url, "--scenario", scenario]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 failed, 0 warnings" in done.stdout


def test_the_inspector_finds_and_uses_the_tools(
    journal_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over stdio it lists the tools, complains of no schema, and gets an answer."""
    program = _program("mcp-inspector")
    monkeypatch.setenv("HOME", str(tmp_path))
    with Journal.open(journal_dir) as journal:
        journal.append_message("s1", "user", "the retry budget", id="m1")
    server = [str(Path(sys.executable).with_name("projector")), "--journal", str(journal_dir)]
    command = [program, "--cli", *server, "mcp", "--method"]
    listed = subprocess.run(
        [*command, "tools/list", "--strict"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    names = [tool["name"] for tool in json.loads(listed.stdout)["tools"]]
    assert names == ["search", "open", "sessions"]
    called = subprocess.run(
        [*command, "tools/call", "--tool-name", "search", "--tool-arg", "query=retry"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    found = json.loads(called.stdout)
    assert not found["isError"]
    assert "budget" in found["content"][0]["text"]
