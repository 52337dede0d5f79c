"""`journal forget`, `erasures`, `retain` and `verify --erased`."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from journal import Journal, make_backup, read
from journal.cli import cli
from projector import Projection, SessionStore
from projector.cli import cli as projector_cli
from tests.support.journals import headers, segments
from tests.support.projections import header, write_segment

if TYPE_CHECKING:
    from collections.abc import Callable

T = 1_700_000_000_000_000
"""Microseconds: 2023-11-14T22:13:20Z."""
JOURNAL = str(Path(sys.executable).with_name("journal"))


@pytest.fixture
def path(journal_dir: Path) -> Path:
    """A journal with two sessions."""
    with Journal.open(journal_dir, fsync="never") as journal:
        data = {"title": "Passwords", "source": "cli"}
        journal.append(session="s1", type="session.created", data=data)
        for number in range(25):
            journal.append_message("s1", "user", f"secret {number}", id=f"m{number}", timestamp=T)
        journal.append_message("s2", "user", "stays", id="m1", timestamp=T)
        journal.append_message("s2", "user", "secret 3", id="copy", timestamp=T)
    return journal_dir


@pytest.fixture
def invoke(path: Path) -> Callable[..., Result]:
    """Run a command on that journal, without a terminal."""

    def invoke(*arguments: str, code: int = 0) -> Result:
        given = ["--journal", str(path), *arguments]
        result = CliRunner().invoke(cli, given, catch_exceptions=False)
        assert result.exit_code == code, result.stderr
        return result

    return invoke


def _messages(path: Path) -> int:
    with Projection.open(path) as projection:
        return sum(view.messages for view in projection.sessions())


def test_a_dry_run_shows_the_plan_and_changes_nothing(
    invoke: Callable[..., Result], path: Path
) -> None:
    """It shows counts, titles and first words, and of long lists the beginning."""
    shown = invoke("forget", "s1", "--dry-run").stdout
    assert "sessions: 1\n" in shown
    assert "25 messages  cli         Passwords: secret 0\n" in shown
    assert "messages of other sessions that repeat them: 1\n" in shown
    assert "secret 3" in shown
    assert shown.endswith("in all 27 events\n")
    shown = invoke("forget", "--query", "secret", "--dry-run").stdout
    assert "messages: 26\n" in shown
    assert "and 6 more; --json lists all\n" in shown
    assert _messages(path) == 27
    assert not (path / "key").exists()


def test_without_a_terminal_it_shows_the_plan_and_exits(
    invoke: Callable[..., Result], path: Path
) -> None:
    """A script passes --yes, or gets the plan only; with --json there is no question either."""
    assert "no terminal to ask on: give --yes" in invoke("forget", "s1", code=2).stderr
    assert "--json does not ask" in invoke("forget", "s1", "--json", code=2).stderr
    assert _messages(path) == 27


def test_an_interrupt_says_what_is_left_to_do(
    invoke: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request may be in the journal, and its author would not know it."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("projector.forgetting.finish.finish", interrupted)
        error = invoke("forget", "s1", "--yes", code=130).stderr
    assert "interrupted: if `journal erasures` lists a new request" in error
    assert "pending" in invoke("erasures").stdout
    invoke("forget", "--finish")


@pytest.mark.parametrize(("answer", "code", "left"), [("y", 0, 1), ("yes", 0, 1), ("", 1, 27)])
def test_it_asks_on_a_terminal(path: Path, answer: str, code: int, left: int) -> None:
    """The plan is shown before the question; every answer but yes is no."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [JOURNAL, "--journal", str(path), "forget", "s1"],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    seen = b""
    while not seen.endswith(b"[y/N] "):
        seen += os.read(ours, 1)
    os.write(ours, f"{answer}\n".encode())
    stdout, _ = process.communicate(timeout=60)
    os.close(ours)
    assert process.returncode == code
    assert "Passwords" in stdout.decode()
    assert seen.decode().endswith("Forget this for ever? [y/N] ")
    assert _messages(path) == left


def test_a_short_id_is_taken_where_the_plan_is_shown(
    invoke: Callable[..., Result], path: Path
) -> None:
    """The plan has the whole id; with --yes, when no plan is shown, a short one is refused."""
    with Journal.open(path) as journal:
        journal.append_message("a-long-id-of-a-session", "user", "third", id="m1")
    for given in (["a-long-i"], ["--message", "a-long-i", "m1"]):
        assert "a-long-id-of-a-session" in invoke("forget", *given, "--dry-run").stdout
        refused = invoke("forget", *given, "--yes", code=2).stderr
        assert "'a-long-i' is short for 'a-long-id-of-a-session'" in refused
    assert "several sessions match 's': s1, s2;" in invoke("forget", "s", "--yes", code=3).stderr
    assert "no session has the id 'x'" in invoke("forget", "x", "--yes", code=3).stderr
    assert _messages(path) == 28


def test_a_deleted_session_is_not_taken_for_another(
    invoke: Callable[..., Result], path: Path
) -> None:
    """Its id is whole, although the id of a session that is there begins so."""
    with SessionStore.open(path) as store:
        store.append("gone", "user", "deleted", id="m1")
        store.append("gone-2", "user", "stays here", id="m1")
        store.delete("gone")
    assert "gone-2" not in invoke("forget", "gone", "--dry-run").stdout


def test_it_reports_what_was_erased(invoke: Callable[..., Result], path: Path) -> None:
    """`erasures` prints the receipt, and `verify --erased` finds nothing."""
    done = invoke("forget", "s1", "--yes", "--reason", "a customer asked").stdout
    assert done.startswith("27 events in 1 segment erased (")
    assert _messages(path) == 1
    (line,) = invoke("erasures").stdout.splitlines()
    assert "  session, 77 hashes, a customer asked: erased " in line
    assert "27 events in 1 segment" in line
    assert "1 request: nothing forgotten was found\n" in invoke("verify", "--erased").stdout
    invoke("verify")


def test_no_match_exits_with_3(invoke: Callable[..., Result]) -> None:
    """A missing session exits with 3; an invalid selection is wrong usage."""
    assert "nothing matches" in invoke("forget", "--query", "nowhere", "--yes", code=3).stderr
    assert "'s' (" not in invoke("forget", "s", "--yes", code=3).stderr
    assert "nothing is selected" in invoke("forget", "--yes", code=2).stderr
    for given in (["s1"], ["--query", ""], ["--older-than", "1970-01-01T00:00Z"]):
        assert "select nothing" in invoke("forget", *given, "--finish", code=2).stderr
    assert "is not a time" in invoke("forget", "--older-than", "soon", code=2).stderr


@pytest.mark.parametrize("age", ["0d", "00s", "2999-01-01", "9998-12-31T00:00Z"])
def test_no_age_selects_everything_by_accident(invoke: Callable[..., Result], age: str) -> None:
    """An age of zero and a time in the future are refused, also where a query is narrowed."""
    for given in ([], ["--query", "secret"], ["--deleted"]):
        error = invoke("forget", "--older-than", age, *given, "--yes", code=2).stderr
        assert f"{age!r} is" in error
        assert "everything would be older" in error


def test_an_option_without_a_selection_names_what_it_goes_with(
    invoke: Callable[..., Result],
) -> None:
    """`--erase-damage` goes with `--finish`; the others with what is to be forgotten."""
    error = invoke("forget", "--erase-damage", code=2).stderr
    assert "nothing is selected: give --finish with --erase-damage" in error
    error = invoke("forget", "--allow-again", "--reason", "because", code=2).stderr
    assert "nothing is selected: with --allow-again and --reason give sessions" in error
    assert "or --finish for requests that are pending" in invoke("forget", code=2).stderr


def test_pending_lanes_are_named_and_can_be_finished(
    invoke: Callable[..., Result], path: Path
) -> None:
    """The exit code is 7 until the process that leases the lane has appended again."""
    with Journal.open(path) as sleeper:
        sleeper.append_message("s1", "user", "late", id="late")
        result = invoke("forget", "s1", "--yes", code=7)
        uuid = next(it.lane for it in headers(path) if it.pid == os.getpid() and it.folder == 1)
        where = f"lane 1 ({uuid}) segment 1"
        assert f"{where} is held by process {os.getpid()}" in result.stderr
        request, pending = invoke("erasures").stdout.splitlines()
        assert request.endswith(": pending")
        assert pending.startswith(f"  {where}: process {os.getpid()} on ")
        (listed,) = json.loads(invoke("erasures", "--json").stdout)["pending"]
        assert (listed["lane_folder"], listed["lane"], listed["pid"]) == ("1", uuid, os.getpid())
        checked = invoke("verify", "--erased", code=5).stdout
        assert "something forgotten is left: `journal forget --finish` removes it" in checked
        assert _messages(path) == 1
        sleeper.append_message("s2", "user", "awake", id="awake")
        done: dict[str, Any] = json.loads(invoke("forget", "--finish", "--json").stdout)
    assert done["outcome"]["lines"] == 28
    assert done["outcome"]["pending"] == []
    invoke("verify", "--erased")


def test_bytes_that_are_no_record_are_named_and_can_be_erased(
    invoke: Callable[..., Result], path: Path
) -> None:
    """They cannot be checked: they may contain forgotten text."""
    segment = path / "lanes/1/000001.jsonl"
    with segment.open("ab") as file:
        file.write(b'["crc":"00000000","seq":99,"data":"a secret that was torn')
    result = invoke("forget", "s1", "--yes", code=6)
    assert "bytes that are no valid record" in result.stderr
    assert "bytes that are no valid record" in invoke("forget", "--finish", code=6).stderr
    assert "; 57 bytes of damage could not be searched" in invoke("erasures").stdout
    (listed,) = json.loads("[" + invoke("erasures", "--json").stdout + "]")
    assert listed["receipt"]["unsearched"] == 57
    checked = invoke("verify", "--erased", code=6)
    assert "not checked: lanes/1/000001.jsonl: no valid record in 57 bytes" in checked.stderr
    assert checked.stdout.endswith("; not checked: 1 place, named above\n")
    erased = invoke("forget", "--finish", "--erase-damage").stdout
    assert erased.startswith("0 events in 1 segment erased (57 bytes)")
    assert b"torn" not in segment.read_bytes()
    line = invoke("erasures").stdout
    assert "could not be searched" not in line
    assert "27 events; that run erased 57 bytes of damage in 1 segment" in line
    assert invoke("verify", "--erased").stderr == ""


@pytest.mark.parametrize("selected", [("nosuch",), ("--query", "unheard")])
def test_that_nothing_matches_is_reported_before_a_missing_answer(
    invoke: Callable[..., Result], selected: tuple[str, ...]
) -> None:
    """Without a terminal to ask on, --yes would not help where there is nothing to forget."""
    result = invoke("forget", *selected, code=3)
    assert "give --yes" not in result.stderr
    assert "give --yes" in invoke("forget", "s1", code=2).stderr


def test_a_request_that_is_lost_with_its_segment_is_named(
    invoke: Callable[..., Result], path: Path
) -> None:
    """`erasures`, `status` and `verify --erased` name it by its receipt; `salvage` gets it back."""
    id = _lose_request(invoke, path)
    assert f"{id}  " in invoke("erasures", code=5).stdout
    (listed,) = json.loads("[" + invoke("erasures", "--json", code=5).stdout + "]")
    assert (listed["id"], listed["is_lost"], listed["receipt"]["lines"]) == (id, True, 27)
    warned = f"warning: the request {id} to forget is in no lane any more"
    assert warned in invoke("status").stderr
    assert json.loads(invoke("status", "--json").stdout)["lost_requests"] == [id]
    checked = invoke("verify", "--erased", code=5).stdout
    assert f"the request {id} to forget is in no lane any more" in checked
    assert "`projector salvage`" in checked
    assert "lost: 1 request, named above" in checked.splitlines()[-1]
    assert "nothing forgotten" not in checked
    result = CliRunner().invoke(projector_cli, ["--journal", str(path), "salvage"])
    assert result.exit_code == 0, result.stderr
    assert ": erased " in invoke("erasures").stdout
    invoke("verify", "--erased")


def test_a_lost_request_is_carried_out_if_the_database_has_it(
    invoke: Callable[..., Result], path: Path
) -> None:
    """`--finish` writes it back; one that the database lacks, too, is named with exit code 6."""
    id = _lose_request(invoke, path)
    assert invoke("forget", "--finish").stderr == ""
    assert ": erased " in invoke("erasures").stdout
    (request,) = [file for file in segments(path) if b"erasure.requested" in file.read_bytes()]
    request.unlink()
    with Projection.open(path) as projection:
        projection.rebuild()
    result = invoke("forget", "--finish", "--json", code=6)
    assert json.loads(result.stdout)["outcome"]["lost"] == [id]
    assert f"request {id} to forget is in no lane" in invoke("forget", "--finish", code=6).stderr


def test_a_restore_names_a_request_that_stays_lost(
    invoke: Callable[..., Result], path: Path, tmp_path: Path
) -> None:
    """The backup was made before the request."""
    make_backup(path, tmp_path / "backup")
    id = _lose_request(invoke, path)
    result = invoke("restore", str(tmp_path / "backup"))
    assert f"warning: the request {id} to forget is in no lane" in result.stderr
    with Projection.open(path) as projection:
        projection.rebuild()


def _lose_request(invoke: Callable[..., Result], path: Path) -> str:
    """Forget a session, and delete the segment that holds the request alone; return its id."""
    with Journal.open(path, fsync="never"):  # it holds the first lane
        invoke("forget", "s1", "--yes", code=7)
    invoke("forget", "--finish")
    (request,) = [event for _, event in read(path) if event.type == "erasure.requested"]
    (segment,) = [file for file in segments(path) if b"erasure.requested" in file.read_bytes()]
    segment.unlink()
    return request.id


def test_a_message_without_its_id_is_wrong_usage(invoke: Callable[..., Result]) -> None:
    """The option behind it is not the id."""
    result = invoke("forget", "--message", "s1", "--yes", code=2)
    assert "--message needs the ids of a session and of a message" in result.stderr


def test_a_newer_segment_is_named_by_its_folder(invoke: Callable[..., Result], path: Path) -> None:
    """Only a newer version of this program can erase what is in it."""
    segment = write_segment(path / "lanes", "9", 1, header("L9", format=3, folder=9))
    found = json.loads(invoke("forget", "s1", "--yes", "--json", code=6).stdout)
    segment.unlink()
    assert found["outcome"]["newer"] == [{"lane_folder": "9", "segment": 1}]


def test_values_that_were_replaced_are_shown_and_forgotten(
    invoke: Callable[..., Result], path: Path
) -> None:
    """One by one, with their size; --allow-again would show them again."""
    with Journal.open(path, fsync="never") as journal:
        for id in ("one", "two"):
            data = {"message": "m1", "content": id * 300}
            journal.append(session="s2", id=id, type="message.revised", data=data)
    shown = invoke("forget", "--replaced", "--dry-run").output
    assert "values that were replaced, 929 bytes: 1" in shown
    assert "message.revised  m1  929 bytes" in shown
    refused = invoke("forget", "--replaced", "--allow-again", "--yes", code=2)
    assert "--allow-again would show again what --replaced forgets" in refused.stderr
    done = json.loads(invoke("forget", "--deleted", "--replaced", "--yes", "--json").output)
    assert [value["id"] for value in done["replaced"]] == ["one"]
    assert (done["scope"], done["outcome"]["lines"]) == ("deleted and replaced", 1)
    assert "one" * 300 not in invoke("cat").output


def test_retain_applies_the_policy(invoke: Callable[..., Result], path: Path) -> None:
    """It needs a policy; a policy that forgets nothing exits with 0."""
    assert "retention.toml" in invoke("retain", "--yes", code=3).stderr
    policy = path / "retention.toml"
    policy.touch(mode=0o600)
    policy.write_text('[[rule]]\nolder_than = "never"\n', encoding="utf-8")
    assert invoke("retain", "--yes").stderr == "everything is kept\n"
    policy.write_text('pinned = ["s1", "s11"]\n', encoding="utf-8")
    warning = "warning: retention.toml pins 's11', and no session has this id\n"
    assert invoke("retain", "--yes").stderr == f"{warning}everything is kept\n"
    policy.write_text('[[rule]]\nsource = "cli"\nolder_than = "90d"\n', encoding="utf-8")
    assert "sessions: 1\n" in invoke("retain", "--dry-run").stdout
    assert "no terminal" in invoke("retain", code=2).stderr
    assert _messages(path) == 27
    invoke("retain", "--yes")
    assert _messages(path) == 2
    assert "  retention, 26 hashes: erased " in invoke("erasures").stdout
    policy.write_text("[[rule]]\nolder_then = '90d'\n", encoding="utf-8")
    assert "'older_then' is not known" in invoke("retain", "--yes", code=1).stderr


def test_a_query_names_what_has_its_words_and_stays(invoke: Callable[..., Result]) -> None:
    """Each kind with a count, names and the command that forgets it, also if nothing matches."""
    named = "not forgotten, and has these words: id, title or other field of a session: 1 (s1 "
    result = invoke("forget", "--query", "passwords", "--yes", code=3)
    assert named in result.stderr
    assert "): `journal forget SESSION`\n" in result.stderr
    assert "nothing matches" in result.stderr
    (found,) = json.loads(
        invoke("forget", "--query", "secret OR passwords", "--yes", "--json").stdout
    )["elsewhere"]
    assert (found["kind"], found["session"]) == ("session", "s1")
    assert "these words" not in invoke("forget", "--query", "stays", "--yes").stderr
