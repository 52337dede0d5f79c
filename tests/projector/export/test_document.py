"""The commands, programs and recipes of docs/export.md run, and give what they say."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from journal import Journal
from projector import Projection
from tests.projector.export.conftest import call

DOCS = (Path(__file__).parents[3] / "docs" / "export.md").read_text(encoding="utf-8")
_BIN = Path(sys.executable).parent


def blocks(kind: str) -> list[str]:
    """Return the blocks of code of a language."""
    return re.findall(rf"```{kind}\n(.*?)```", DOCS, re.DOTALL)


@pytest.fixture
def filled(journal_dir: Path) -> Path:
    """A journal with the sessions that the document speaks of, applied."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s1", "user", "docker compose fails", source="cli")
        calls = [call("c1", "Bash", "{}")]
        journal.append_message("s1", "assistant", "It fails.", source="cli", tool_calls=calls)
        journal.append_message("s1", "tool", "no", source="cli", tool_name="Bash")
        journal.append(session="s1", type="usage.added", data={"output_tokens": 7})
        journal.append_message("s2", "user", "颐和园", source="web")
    with Projection.open(journal_dir) as projection:
        assert len(projection.sessions()) == 2
    return journal_dir


def run(script: str, journal: Path, folder: Path) -> str:
    """Run a script of a shell in a folder; return its output."""
    environment = {
        **os.environ,
        "JOURNAL_DIR": str(journal),
        "PATH": f"{_BIN}{os.pathsep}{os.environ['PATH']}",
    }
    result = subprocess.run(
        ["/bin/sh", "-euc", script],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=environment,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_commands_run(filled: Path, tmp_path: Path) -> None:
    """Each writes what its line says."""
    (commands, *_) = blocks("sh")
    output = run(commands, filled, tmp_path)
    assert output.count("# s1\n") == 2
    assert len(json.loads((tmp_path / "s1.json").read_text())["sessions"]) == 1
    assert (tmp_path / "docker.md").read_text().startswith("# s1\n")
    assert len((tmp_path / "cli.jsonl").read_text().splitlines()) == 3
    assert len((tmp_path / "all.jsonl").read_text().splitlines()) == 2


def test_the_program_runs(
    filled: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It prints the sessions, and how many messages they have."""
    monkeypatch.setenv("JOURNAL_DIR", str(filled))
    (program,) = blocks("python")
    exec(compile(program, "export.md", "exec"), {})  # noqa: S102 - it is ours
    assert capsys.readouterr().out == "('s1',) 3 {}\n"


@pytest.mark.skipif(find_spec("datasette") is None, reason="datasette is not installed")
def test_datasette_answers_from_the_views(filled: Path, tmp_path: Path) -> None:
    """Its own client asks: no port is opened."""
    _, serve, ask = blocks("sh")
    assert json.loads(run(ask, filled, tmp_path)) == [
        {"source": "cli", "sessions": 1},
        {"source": "web", "sessions": 1},
    ]
    # the server's command line, with the question that ends it
    found = json.loads(run(f"{serve.strip()} --get /-/databases.json", filled, tmp_path))
    assert [Path(each["path"]).parent for each in found] == [filled / "projection"]


def test_duckdb_reads_the_views(filled: Path) -> None:
    """With its extension, which the tests take from a package in place of a download."""
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    package = find_spec("duckdb_extension_sqlite_scanner")
    if package is None or package.origin is None:
        pytest.skip("duckdb-extension-sqlite-scanner is not installed")
    (extension,) = Path(package.origin).parent.glob("extensions/*/*.duckdb_extension")
    number = (filled / "projection" / "CURRENT").read_text().strip()
    recipe, _ = blocks("sql")
    recipe = recipe.replace("INSTALL sqlite;", "").replace("LOAD sqlite;", f"LOAD '{extension}';")
    recipe = recipe.replace("projection.db", str(filled / "projection" / f"{number}.db"))
    with duckdb.connect() as db:
        answers = [db.execute(each).fetchall() for each in recipe.split(";") if each.strip()]
    assert answers[-2:] == [[("cli", 1, 7), ("web", 1, None)], [(None, 3, 1), ("Bash", 1, 0)]]


def test_duckdb_reads_json_lines(filled: Path, tmp_path: Path) -> None:
    """Any content is JSON there."""
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    lines = tmp_path / "messages.jsonl"
    run(f"projector export --all --format jsonl -o {lines}", filled, tmp_path)
    _, recipe = blocks("sql")
    with duckdb.connect() as db:
        found = db.execute(recipe.replace("messages.jsonl", str(lines))).fetchall()
    assert found == [("assistant", 1, 11), ("tool", 1, 4), ("user", 2, 22)]
