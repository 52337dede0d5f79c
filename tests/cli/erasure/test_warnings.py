"""Commands that cannot recognize what was forgotten say so: a request or the key is missing."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from journal import Journal, JournalOpenError
from journal.cli import cli
from projector import Projection, Selection, forget, redact_secrets
from projector.cli import cli as projector_cli
from projector.forgetting.forget import plan
from tests.support.journals import segments

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


@pytest.fixture
def path(journal_dir: Path) -> Path:
    """A journal with the sessions `s1` and `s2`, of which `s1` was forgotten."""
    with Journal.open(journal_dir, fsync="never") as journal:
        for session in ("s1", "s2"):
            journal.append_message(session, "user", f"text of {session}", id="m1")
    forget(journal_dir, Selection(sessions=("s1",)))
    return journal_dir


@pytest.fixture
def invoke(path: Path) -> Callable[..., Result]:
    """Run a command on that journal."""

    def invoke(*arguments: str, code: int = 0, stdin: str = "") -> Result:
        given = ["--journal", str(path), *arguments]
        result = CliRunner().invoke(cli, given, input=stdin, catch_exceptions=False)
        assert result.exit_code == code, result.stderr
        return result

    return invoke


def _warnings(invoke: Callable[..., Result], tmp_path: Path, code: int = 0) -> list[str]:
    """Return what each command that takes or shows events warns of; `code` is that of `cat`."""
    source = tmp_path / "talk.jsonl"
    line = {"role": "user", "content": f"hello {len(list(tmp_path.iterdir()))}"}
    source.write_text(f"{json.dumps(line)}\n")
    lines = json.dumps({"session": "s3", "role": "user", "content": "x"}) + "\n"
    results = [
        invoke("append", "--session", "s3", "--role", "user", "hello"),
        invoke("append", "--jsonl", stdin=lines * 3),
        invoke("import", "openai", str(source)),
        invoke("cat", code=code),
        invoke("status"),
    ]
    warned = [line for each in results for line in each.stderr.splitlines() if "warning" in line]
    assert [line for line in warned if not line.startswith("warning: ")] == []
    return warned


def test_a_missing_key_is_named_by_each_command(
    invoke: Callable[..., Result], path: Path, tmp_path: Path
) -> None:
    """What was forgotten with it is taken again: each command warns once, and reads on."""
    assert _warnings(invoke, tmp_path) == []
    (path / "key").rename(tmp_path / "key")
    warned = _warnings(invoke, tmp_path)
    assert len(warned) == 5
    assert all(re.match("warning: the file `key` lacks [0-9a-f]{8}: ", line) for line in warned)
    (tmp_path / "key").rename(path / "key")
    assert _warnings(invoke, tmp_path) == []


def test_no_key_is_made_where_requests_need_another(
    invoke: Callable[..., Result], path: Path, tmp_path: Path
) -> None:
    """A new request is refused until the key is back, or until the user asks for a new one."""
    with Journal.open(path) as journal:
        journal.append_message("s4", "user", f"use {TOKEN}", id="m1")
    (path / "key").rename(tmp_path / "key")
    for command in (["forget", "s2"], ["scan", "--redact"], ["forget", "--query", "text"]):
        error = invoke(*command, "--yes", code=1).stderr
        assert f"{path / 'key'} is missing, and requests to forget need the key" in error
        assert "`journal forget --finish --new-key`" in error
    for refused in (
        lambda: plan(path, Selection(sessions=("s2",))),
        lambda: forget(path, Selection(sessions=("s2",))),
        lambda: redact_secrets(path),
    ):
        with pytest.raises(JournalOpenError, match="is missing"):
            refused()
    assert not (path / "key").exists()
    assert "--new-key goes with --finish" in invoke("forget", "s2", "--new-key", code=2).stderr
    assert "lacks: add the line" in invoke("forget", "--finish", "--new-key", code=6).stderr
    invoke("forget", "s2", "--yes", code=6)
    invoke("append", "--session", "s1", "--role", "user", "--id", "m2", "again")
    (path / "key").write_bytes((path / "key").read_bytes() + (tmp_path / "key").read_bytes())
    invoke("forget", "--finish")
    assert "again" not in invoke("cat").stdout
    invoke("verify", "--erased")


@pytest.mark.parametrize("is_pending", [False, True])
def test_a_request_that_was_damaged_is_named_by_each_command(
    invoke: Callable[..., Result],
    path: Path,
    tmp_path: Path,
    is_pending: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """Its receipt, or an earlier search, names it; the database still has it."""
    if is_pending:
        for segment in path.glob("lanes/*/*.jsonl"):
            segment.write_bytes(
                segment.read_bytes().replace(b"erasure.completed", b"erasure.complexed")
            )
    for segment in path.glob("lanes/*/*.jsonl"):
        segment.write_bytes(
            segment.read_bytes().replace(b"erasure.requested", b"erasure.reqxested")
        )
    warned = _warnings(invoke, tmp_path, code=5)
    assert len(warned) == 5
    named = re.compile("warning: the request [0-9a-f-]{36} to forget is in no lane any more")
    assert all(map(named.match, warned))
    (listed,) = map(json.loads, invoke("erasures", "--json", code=5).stdout.splitlines())
    assert (listed["is_lost"], listed["scope"], listed["sessions"]) == (True, "session", 1)
    assert "no lane has it any more" in invoke("erasures", code=5).stdout
    checked = invoke("verify", "--erased", code=5).stdout
    assert "lost: 1 request, named above" in checked.splitlines()[-1]
    invoke("forget", "--finish", code=6)  # the damaged line cannot be searched
    invoke("forget", "--finish", "--erase-damage")
    assert _warnings(invoke, tmp_path) == []
    error = invoke("append", "--session", "s1", "--role", "user", "x", code=1).stderr
    assert "session 's1' is forgotten" in error


def test_a_journal_in_which_nothing_was_forgotten_warns_of_nothing(
    invoke: Callable[..., Result], path: Path, tmp_path: Path
) -> None:
    """Also if it was compacted and has no key."""
    shutil.rmtree(path)
    invoke("append", "--session", "s1", "--role", "user", "hello")
    invoke("compact")
    assert (path / "eraser").exists()
    assert not (path / "key").exists()
    assert _warnings(invoke, tmp_path) == []


def test_a_copy_of_a_segment_in_the_journal_is_named(
    invoke: Callable[..., Result], path: Path
) -> None:
    """It is not read and not erased: exit code 6, until it is gone."""
    segment = next(each for each in segments(path) if b"text of s2" in each.read_bytes())
    copy = segment.with_name(f"{segment.name}.bak")
    shutil.copy(segment, copy)
    (path / "projection" / "aside").mkdir()
    shutil.copy(segment, path / "projection" / "aside" / "notes")
    (path / "imports").mkdir(exist_ok=True)
    shutil.copy(segment, path / "imports" / "old.json.bak")
    names = ["imports/old.json.bak", str(copy.relative_to(path)), "projection/aside/notes"]
    result = invoke("forget", "s2", "--yes", code=6)
    assert f"3 files in the journal's folder are not the journal's ({', '.join(names)})" in (
        result.stderr
    )
    assert b"text of s2" in copy.read_bytes()
    again = invoke("forget", "--finish", "--json", code=6)
    assert json.loads(again.stdout)["outcome"]["foreign"] == names
    checked = invoke("verify", "--erased", code=6).output
    assert all(name in checked for name in names)
    copy.unlink()
    (path / "imports" / "old.json.bak").unlink()
    shutil.rmtree(path / "projection" / "aside")
    assert invoke("forget", "--finish").stderr == ""


def test_salvage_names_a_lost_request(path: Path) -> None:
    """An old database lacks it, too: what it forgot is written back, and nothing is hidden."""
    old = path.with_name("old")
    with Projection.open(path) as projection:
        assert projection.sessions()
    shutil.copytree(path / "projection", old)
    forget(path, Selection(sessions=("s2",)))
    (request,) = [each for each in segments(path) if b"erasure.requested" in each.read_bytes()][-1:]
    shutil.rmtree(path / "projection")
    old.rename(path / "projection")
    request.unlink()
    result = CliRunner().invoke(projector_cli, ["--journal", str(path), "salvage"])
    assert "to forget is in no lane any more" in result.stderr
