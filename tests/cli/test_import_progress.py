"""On a terminal `journal import` shows how far it is, and nowhere else."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import zipfile
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.importers.feed import line
from tests.importers.sqlite.programs import Opencode

if TYPE_CHECKING:
    from pathlib import Path

SOURCES = ("a[bold].jsonl", "export.zip", "opencode.db")
_STYLES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def on_terminal(*command: str | Path, columns: int = 100) -> str:
    """Run a command whose standard error is a terminal; return what it shows there."""
    terminal, end = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm", "NO_COLOR": "1"}
    program = [sys.executable, "-m", "journal", *map(str, command)]
    with subprocess.Popen(
        program, stderr=end, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env=environment
    ) as process:
        os.close(end)
        raw = b""
        with suppress(OSError):  # the other end was closed
            while chunk := os.read(terminal, 65_536):
                raw += chunk
        assert process.wait() == 0, raw
    os.close(terminal)
    return _STYLES.sub("", raw.decode())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file of lines, the zip file of an export, and a database."""
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / SOURCES[0]).write_bytes(line(role="user", content="hello") + b"\n")
    text = {"id": "m", "author": {"role": "user"}, "content": {"parts": ["a"]}}
    mapping = {"m": {"id": "m", "parent": None, "message": text}}
    with zipfile.ZipFile(folder / SOURCES[1], "w") as archive:
        talk = {"mapping": mapping, "current_node": "m", "id": "c"}
        archive.writestr("conversations.json", json.dumps([talk]))
    program = Opencode(folder / SOURCES[2])
    program.session("ses_1")
    program.message("msg_1", 1)
    program.part("prt_1", "msg_1", 1, type="text", text="hi")
    program.db.close()
    return folder


@pytest.mark.slow
def test_a_terminal_shows_bytes_messages_and_what_is_left(tmp_path: Path, folder: Path) -> None:
    """Of files, archives and databases; the last state is that everything was read."""
    size = sum((folder / name).stat().st_size for name in SOURCES)
    shown = on_terminal("--journal", tmp_path / "j", "import", "auto", folder)
    first, *_, last = re.findall(r"([0-9.]+)/([0-9.]+) kB +([0-9]+) messages", shown)
    assert first[0] == "0.0"
    assert last == (f"{size / 1000:.1f}", f"{size / 1000:.1f}", "3")
    assert "0:00" in shown
    # a fast import shows few states: the name of any of its files is enough
    assert any(name in shown for name in SOURCES)
    assert "messages written" in shown, "the report follows"
    again = on_terminal("--journal", tmp_path / "j", "import", "auto", folder, columns=40)
    assert "messages" in again


@pytest.mark.slow
def test_json_has_no_progress(tmp_path: Path, folder: Path) -> None:
    """A program reads the report, also if it has a terminal for errors."""
    assert on_terminal("--journal", tmp_path / "j", "import", "auto", folder, "--json") == ""
