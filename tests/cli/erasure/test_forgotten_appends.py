"""Messages that are appended after they, or their session, were forgotten."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

import journal
from journal import Journal
from journal.cli import cli
from tests.support.forgetting.requests import ask
from tests.support.journals import events

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


@pytest.fixture
def invoke(journal_dir: Path) -> Callable[..., Result]:
    """Run a command on the journal of the test."""

    def invoke(*arguments: str, code: int = 0, stdin: str = "") -> Result:
        given = ["--journal", str(journal_dir), *arguments]
        result = CliRunner().invoke(cli, given, input=stdin, catch_exceptions=False)
        assert result.exit_code == code, result.stderr
        return result

    return invoke


@pytest.fixture
def path(journal_dir: Path, invoke: Callable[..., Result]) -> Path:
    """A journal in which session `gone` and message `m1` of session `s1` were forgotten."""
    with Journal.open(journal_dir, fsync="never") as handle:
        for session, id in (("gone", "m1"), ("s1", "m1"), ("s1", "m2")):
            handle.append_message(session, "user", f"{session} {id}", id=id)
    invoke("forget", "gone", "--yes")
    invoke("forget", "--message", "s1", "m1", "--yes")
    return journal_dir


def _words(path: Path) -> list[str]:
    found = (record.event.data.get("content") for record in events(path))
    return [text for text in found if text is not None]


def test_append_refuses_what_is_forgotten(invoke: Callable[..., Result], path: Path) -> None:
    """The error says what is forgotten; nothing is written, and nothing is printed to stdout."""
    for arguments, named in (
        (("--session", "gone", "new"), "Error: session 'gone' is forgotten"),
        (
            ("--session", "s1", "--id", "m1", "x"),
            "Error: message 'm1' of session 's1' is forgotten",
        ),
    ):
        result = invoke("append", "--role", "user", *arguments, code=1)
        assert result.stderr.startswith(named)
        assert result.stdout == ""
    invoke("append", "--role", "user", "--session", "s1", "--id", "m3", "other")
    assert _words(path) == ["s1 m2", "other"]


def test_a_line_that_is_forgotten_is_refused_alone(
    invoke: Callable[..., Result], path: Path
) -> None:
    """The other lines of --jsonl are appended, and the exit code is 1."""
    lines = [
        {"session": session, "role": "user", "content": f"line {n}", "id": f"l{n}"}
        for n, session in enumerate(("s1", "gone", "s2"))
    ]
    stdin = "".join(f"{json.dumps(line)}\n" for line in lines)
    result = invoke("append", "--jsonl", "--ack", stdin=stdin, code=1)
    assert result.stdout == "l0\nl2\n"
    assert "line 2: session 'gone' is forgotten" in result.stderr
    assert "appended 2, refused 1" in result.stderr
    assert _words(path) == ["s1 m2", "line 0", "line 2"]


def test_a_text_that_a_request_redacts_is_appended_with_marks(
    invoke: Callable[..., Result], path: Path
) -> None:
    """`append --no-redact` does not bring back what `scan --redact` replaced."""
    arguments = ("append", "--session", "s1", "--role", "user", "--no-redact", f"use {TOKEN}")
    invoke(*arguments, "--id", "t1")
    invoke("scan", "--redact", "--yes")
    invoke(*arguments, "--id", "t2")
    shown = [text for text in _words(path) if text.startswith("use ")]
    assert len(shown) == 2
    assert all(text.startswith("use [redacted:github-token:") for text in shown)


def test_a_program_can_ask_whether_a_session_is_forgotten(path: Path) -> None:
    """`journal.is_forgotten` is true only of a session that was forgotten as a whole."""
    asked = {name: journal.is_forgotten(path, name) for name in ("gone", "s1", "other")}
    assert asked == {"gone": True, "s1": False, "other": False}


def test_lanes_that_write_to_what_is_forgotten_are_named(
    invoke: Callable[..., Result], path: Path
) -> None:
    """`status` and `erasures` count the events and name lane and process, until they are erased."""
    ask(path, id="pending", sessions=["s9"])
    assert invoke("status").stderr == ""
    with Journal.open(path, fsync="never") as handle:
        handle.append_message("gone", "user", "again")
        handle.append_message("gone", "user", "and again")
        handle.append_message("s1", "user", "not this")
        warning = invoke("status").stderr
        (found,) = json.loads(invoke("status", "--json").stdout)["hidden"]
        listed = [json.loads(line) for line in invoke("erasures", "--json").stdout.splitlines()]
        text = invoke("erasures").stdout
    assert "has 2 events of what is forgotten, 2 of them later than the request" in warning
    assert (found["events"], found["late"], found["segment"] > 0) == (2, 2, True)
    (request,) = [each for each in listed if each["hidden"]]
    assert request["id"] == found["request"]
    assert request["hidden"] == [found]
    assert f"  again 2 events in lane {found['lane_folder']} ({found['lane']})" in text
    invoke("forget", "--finish")
    assert invoke("status").stderr == ""
    assert "again" not in invoke("erasures").stdout


def test_a_copy_of_the_lanes_and_the_key_refuses_what_is_forgotten(
    invoke: Callable[..., Result], path: Path
) -> None:
    """The requests in the lanes decide: no other file of the journal is needed."""
    for other in set(path.iterdir()) - {path / name for name in ("lanes", "key", "journal.json")}:
        shutil.rmtree(other) if other.is_dir() else other.unlink()
    result = invoke("append", "--session", "gone", "--role", "user", "new", code=1)
    assert result.stderr.startswith("Error: session 'gone' is forgotten")
    line = json.dumps({"session": "s1", "role": "user", "content": "x", "id": "m1"})
    result = invoke("append", "--jsonl", stdin=f"{line}\n", code=1)
    assert "line 1: message 'm1' of session 's1' is forgotten" in result.stderr
    assert journal.is_forgotten(path, "gone")
    assert _words(path) == ["s1 m2"]


def test_a_request_that_nothing_was_erased_for_refuses_appends(
    invoke: Callable[..., Result], journal_dir: Path
) -> None:
    """A request is in force at once, also if it was written elsewhere and its lane was copied."""
    ask(journal_dir, sessions=["gone"])
    assert not (journal_dir / "eraser").exists()
    result = invoke("append", "--session", "gone", "--role", "user", "new", code=1)
    assert result.stderr.startswith("Error: session 'gone' is forgotten")


def test_a_journal_without_a_key_is_not_searched(
    invoke: Callable[..., Result], journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`append` does not read the segments where no request can be understood."""
    invoke("append", "--session", "s1", "--role", "user", "hello")
    monkeypatch.setattr("journal.erasure.requests.find_events", None)
    invoke("append", "--session", "s1", "--role", "user", "hello again")
    assert not (journal_dir / "key").exists()


def test_a_refusal_does_not_print_a_secret(invoke: Callable[..., Result]) -> None:
    """The value that an error is about may be one: its kind and its length are shown."""
    token = "ghp_" + "aB3" * 12
    line = json.dumps({"session": "s", "role": "user", "content": "x", "timestamp": token})
    result = invoke("append", "--jsonl", stdin=f"{line}\n", code=1)
    assert "timestamp must be an ISO 8601 time" in result.stderr
    assert "not a str of 40" in result.stderr
    assert token not in result.stderr
    alone = invoke("append", "--session", f"{token}\n", "--role", "user", "x", code=1)
    assert token not in alone.stderr


def test_nothing_is_appended_to_the_session_of_requests(invoke: Callable[..., Result]) -> None:
    """What is there could never be forgotten."""
    result = invoke("append", "--session", "@forget", "--role", "user", "x", code=1)
    assert "the session @forget has only requests to forget" in result.stderr


def test_a_refusal_is_shown_whatever_the_file_of_rules_is(
    invoke: Callable[..., Result], journal_dir: Path
) -> None:
    """With --no-redact the file is not needed, and a refused line does not end the others."""
    invoke("append", "--session", "s1", "--role", "user", "hello")
    (journal_dir / "redact.toml").write_text("[[rule]]\nkind = 7\n")
    lines = '{"session":"s","role":"user","content":"x","meta":7}\n{"session":"s","role":"user"}\n'
    result = invoke("append", "--jsonl", "--no-redact", stdin=lines, code=1)
    assert "line 1: meta must be a string" in result.stderr
    assert "appended 1, refused 1" in result.stderr


def test_what_an_import_remembers_is_no_unchecked_file(
    invoke: Callable[..., Result], path: Path
) -> None:
    """`verify --erased` knows the files with hashes of events, of requests and of a boot."""
    for name in ("keys", "requests", "unsure"):
        (path / "imports").mkdir(mode=0o700, exist_ok=True)
        (path / "imports" / name).write_bytes(b"x")
        (path / "imports" / name).chmod(0o600)
    assert invoke("verify", "--erased").stderr == ""
