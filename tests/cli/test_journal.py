"""The `journal` command: append, cat, status, verify, and its exit codes."""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import time
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from journal import Journal, __version__
from journal.cli import cli
from journal.cli.message_lines import batches
from journal.format.redacted import Redacted
from journal.fs import disk
from journal.fs.disk import Disk
from tests.support.journals import events, headers, ids, segments

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import ExpectedProblems

    Run = Callable[..., Result]

JOURNAL = [sys.executable, "-c", "from journal.cli import main; main()"]


@pytest.fixture
def run(journal_dir: Path) -> Run:
    """Run `journal --journal <journal_dir> ...` in this process."""

    def run(*arguments: str, input: str | bytes | None = None) -> Result:
        return CliRunner().invoke(cli, ["--journal", str(journal_dir), *arguments], input=input)

    return run


@pytest.fixture
def spawn(
    journal_dir: Path, start_command: Callable[..., subprocess.Popen[str]]
) -> Callable[..., subprocess.Popen[str]]:
    """Start `journal --journal <journal_dir> ...` as a process; end it after the test."""
    return partial(start_command, *JOURNAL, "--journal", journal_dir)


def _lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def _fill(path: Path, count: int = 3) -> None:
    with Journal.open(path) as journal:
        for n in range(count):
            journal.append_message(f"s{n % 2}", "user", f"hello {n}", id=f"m{n}")


# append


def test_append_stores_a_message_and_prints_its_id(journal_dir: Path, run: Run) -> None:
    """Only the id is printed on stdout."""
    result = run("append", "--session", "s1", "--role", "user", "--id", "m1", "--source", "x", "hi")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "m1\n", "")
    (record,) = events(journal_dir)
    assert record.event.data == {"role": "user", "content": "hi", "source": "x"}


def test_append_prints_a_new_id_and_the_position(journal_dir: Path, run: Run) -> None:
    """With --json, the generated id and the position of the record are printed."""
    result = run("append", "--session", "s1", "--role", "user", "--json", "hi")
    answer = json.loads(result.stdout)
    assert answer["id"] == ids(journal_dir)[0]
    assert answer["position"] == f"{headers(journal_dir)[0].lane}:1"


@pytest.mark.parametrize("text", [[], ["-"]])
def test_append_reads_a_pipe(journal_dir: Path, run: Run, text: list[str]) -> None:
    """Standard input, without its last newline, is the message."""
    run("append", "--session", "s1", "--role", "user", *text, input="two\nlines\n\n")
    assert events(journal_dir)[0].event.data["content"] == "two\nlines\n"


def test_append_stores_an_empty_text(journal_dir: Path, run: Run) -> None:
    """An empty text is stored as a message, and the command does not wait for input."""
    run("append", "--session", "s1", "--role", "user", "", input="not this")
    assert events(journal_dir)[0].event.data["content"] == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ("--role", "user", "hi"),
        ("--session", "s1", "hi"),
        ("--session", "s1", "--role", "user", "--ack", "hi"),
        ("--jsonl", "--session", "s1"),
        ("--jsonl", "hi"),
        ("--jsonl", "--ack", "--json"),
        ("--session", "s1", "--role", "user", "--fsync", "sometimes", "hi"),
    ],
)
def test_append_refuses_options_that_exclude_each_other(
    journal_dir: Path, run: Run, arguments: tuple[str, ...]
) -> None:
    """Wrong usage exits with 2 and creates no journal."""
    assert run("append", *arguments).exit_code == 2
    assert not journal_dir.exists()


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("--session", "session must be a string of 1 to 1024 characters, not ''"),
        ("--role", "role must not be empty"),
        ("--id", "id must be a string of 1 to 1024 characters, not ''"),
        ("--source", "source must not be empty"),
    ],
)
def test_append_names_an_empty_option(run: Run, option: str, reason: str) -> None:
    """An option with an empty value is not reported as missing."""
    options = {"--session": "s", "--role": "user"} | {option: ""}
    result = run("append", *(part for pair in options.items() for part in pair), "hi")
    assert (result.exit_code, result.stderr) == (1, f"Error: {reason}\n")


def test_append_refuses_input_that_is_no_text(run: Run) -> None:
    """Input that is no UTF-8 is an error with an offset, and nothing is stored."""
    result = run("append", "--session", "s1", "--role", "user", input=b"caf\xe9")
    assert result.exit_code == 1
    assert result.stderr == "Error: standard input is not UTF-8 at byte 3\n"


def test_append_jsonl_stores_every_field(journal_dir: Path, run: Run) -> None:
    """Each line is one message; null means absent; a time may be ISO 8601."""
    line = {
        "session": "s1",
        "role": "assistant",
        "id": "m1",
        "content": [{"type": "text", "text": "hi"}],
        "tool_calls": None,
        "token_count": 3,
        "timestamp": "2026-01-31T12:00:00Z",
        "extra": {"a": None},
    }
    result = run("append", "--jsonl", input=json.dumps(line) + "\n\n")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    assert events(journal_dir)[0].event.data == {
        "role": "assistant",
        "content": [{"type": "text", "text": "hi"}],
        "token_count": 3,
        "timestamp": 1_769_860_800_000_000,
        "extra": {"a": None},
    }


BAD_LINES = {
    "nonsense": "not JSON",
    "[1]": "a list, not an object",
    '{"role":"user"}': "'session' is missing",
    '{"session":"s1"}': "'role' is missing",
    '{"session":"s1","role":null}': "'role' must be a string",
    '{"session":1,"role":"user"}': "'session' must be a string",
    '{"session":"s1","role":"user","id":7}': "id must be a string",
    '{"session":"s1","role":"user","colour":"red"}': "no field 'colour'",
    '{"session":"s1","role":"user","token_count":"3"}': "token_count must be an integer",
    '{"session":"s1","role":"user","timestamp":1700000000}': "timestamp must be microseconds",
    '{"session":"s1","role":"user","extra":{"n":98765432109876543210}}': "data.extra.n is 0x",
    '{"session":"s1","role":"user","content":"\\ud800","extra":{"n":1234567890123456789}}': (
        "data.content has a lone surrogate"
    ),
    '{"session":"s1","role":"user","content":"\udcff"}': "not JSON",
    "[" * 100_000: "not JSON",
}


def test_append_jsonl_stores_the_lines_beside_a_bad_one(journal_dir: Path, run: Run) -> None:
    """Bad lines are reported with number and field; all others are stored."""
    lines = []
    for n, bad in enumerate(BAD_LINES):
        lines += [bad, json.dumps({"session": "s1", "role": "user", "id": f"good{n}"})]
    result = run(
        "append", "--jsonl", "--ack", input="\n".join(lines).encode(errors="surrogateescape")
    )
    assert result.exit_code == 1
    reports = dict(line.split(": ", 1) for line in result.stderr.splitlines()[:-1])
    for n, reason in enumerate(BAD_LINES.values()):
        assert reason in reports[f"line {2 * n + 1}"]
    good = [f"good{n}" for n in range(len(BAD_LINES))]
    assert sorted(ids(journal_dir)) == sorted(good)
    assert sorted(result.stdout.split()) == sorted(good)
    assert result.stderr.splitlines()[-1] == f"appended {len(good)}, refused {len(good)}"


def test_append_jsonl_reports_refusals_in_the_order_of_the_lines(run: Run) -> None:
    """Lines that are no JSON and lines that the journal refuses are reported in order."""
    bad = ['{"session":"s","role":"u","extra":{"n":98765432109876543210}}', "no JSON"] * 3
    result = run("append", "--jsonl", input="\n".join(bad))
    reported = [line.partition(":")[0] for line in result.stderr.splitlines()[:-1]]
    assert reported == [f"line {n}" for n in range(1, 7)]


def test_append_jsonl_names_one_line_of_what_is_no_json(run: Run) -> None:
    """The number is that of the input; the place in the line is named by its character."""
    lines = '{"session":"s1","role":"user","content":"a"}\n\n{"role":\n'
    lines += '{"x":12345678901234567890123,"y":\n'
    *refused, _ = run("append", "--jsonl", input=lines).stderr.splitlines()
    assert [line.partition(": ")[0] for line in refused] == ["line 3", "line 4"]
    assert all(line.count("line") == 1 and " at character " in line for line in refused)


def test_append_jsonl_prints_counts(run: Run) -> None:
    """With --json, the counts are printed on stdout."""
    result = run("append", "--jsonl", "--json", input='{"session":"s","role":"u"}\nbad\n')
    assert (result.exit_code, json.loads(result.stdout)) == (1, {"appended": 1, "refused": 1})


@pytest.mark.parametrize("fsync", ["never", "interval", "always"])
def test_append_acknowledges_each_line_of_a_slow_pipe(
    journal_dir: Path, spawn: Callable[..., subprocess.Popen[str]], fsync: str
) -> None:
    """An id is printed when its append has returned, before the next line is sent."""
    process = spawn("append", "--jsonl", "--ack", "--fsync", fsync)
    assert process.stdin is not None
    assert process.stdout is not None
    for n in range(3):
        process.stdin.write(json.dumps({"session": "s", "role": "user", "id": f"m{n}"}) + "\n")
        process.stdin.flush()
        assert process.stdout.readline() == f"m{n}\n"
        assert ids(journal_dir)[-1] == f"m{n}"
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")


@pytest.mark.parametrize("size", range(1, 36))
def test_lines_are_numbered_however_the_pipe_cuts_them(size: int) -> None:
    """Pieces of any size give the same lines and numbers; blank lines are counted and skipped."""
    stream = BytesIO(b"one\n\ntwo\nthree is longer\n \nfour")
    got = [line for batch in batches(lambda _: stream.read(size)) for line in batch]
    assert got == [(1, b"one"), (3, b"two"), (4, b"three is longer"), (6, b"four")]


# cat


def test_cat_prints_events_in_order(journal_dir: Path, run: Run) -> None:
    """Each line is an event with its lane and number; --session and --type filter."""
    _fill(journal_dir)
    with Journal.open(journal_dir) as journal:
        journal.append(session="s0", type="session.ended", data={})
    lines = _lines(run("cat").stdout)
    assert [line["seq"] for line in lines] == [1, 2, 3, 4]
    assert list(lines[0]) == ["lane", "seq", "id", "type", "session", "time", "order", "data"]
    assert [line["id"] for line in _lines(run("cat", "--session", "s1").stdout)] == ["m1"]
    chosen = run("cat", "--session", "s0", "--type", "message.appended").stdout
    assert [line["id"] for line in _lines(chosen)] == ["m0", "m2"]


def test_cat_prints_what_was_redacted(journal_dir: Path, run: Run) -> None:
    """Only an event in which something was redacted has the key `redacted`."""
    redacted = Redacted("0a1b2c3d", "5" * 32, "rules 1", {"jwt": 1})
    with Journal.open(journal_dir) as journal:
        journal._append([("s", "m1", "x", {}, redacted, None), ("s", "m2", "x", {}, None, None)])
    first, second = _lines(run("cat").stdout)
    assert first["redacted"] == redacted.fields()
    assert "redacted" not in second


def test_cat_since_takes_times_and_durations(
    journal_dir: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A date, a time, or a duration before now filters events by their time."""
    with Journal.open(journal_dir) as journal:
        with monkeypatch.context() as patch:
            patch.setattr("time.time_ns", lambda: 1_500_000_000 * 10**9)
            patch.setattr("journal.process.clock._clocks", {})  # other tests have read later times
            journal.append_message("s", "user", "old", id="old")
        journal.append_message("s", "user", "new", id="new")

    def since(text: str) -> list[str]:
        return [line["id"] for line in _lines(run("cat", "--since", text).stdout)]

    assert since("2h") == since("3d") == since("2017-07-15") == ["new"]
    assert since("2017-07-13") == since("2017-07-14T02:40:00Z") == ["old", "new"]
    assert since("2017-07-14T02:40:01+00:00") == ["new"]


@pytest.mark.parametrize("text", ["yesterday", "2x", "", "99999999w"])
def test_cat_since_refuses_an_invalid_time(run: Run, text: str) -> None:
    """An invalid time is wrong usage, and the error says what is valid."""
    assert run("cat", "--since", text).exit_code == 2


@pytest.mark.parametrize(
    ("text", "zone"), [("0001-01-01", "Asia/Tokyo"), ("9999-12-31T23:59", "America/Los_Angeles")]
)
def test_cat_since_refuses_the_ends_of_the_calendar(
    run: Run, text: str, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A local time without a UTC equivalent raises an error that says so."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        result = run("cat", "--since", text)
    time.tzset()
    assert result.exit_code == 2
    assert f"'{text}' has no UTC time" in result.stderr


def test_cat_reports_damage(journal_dir: Path, run: Run, expect_problems: ExpectedProblems) -> None:
    """Damage is reported on stderr with its place, later events are printed, the exit code is 5."""
    _fill(journal_dir)
    path = segments(journal_dir)[0]
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"m1"', b'"xx"'))
    result = run("cat")
    assert result.exit_code == 5
    assert [line["id"] for line in _lines(result.stdout)] == ["m0", "m2"]
    start = content.rindex(b'{"crc"', 0, content.index(b'"m1"'))
    assert result.stderr.startswith(f"damage: lane 1 segment 1 offset {start} ")
    expect_problems("damage", "gap")


def test_cat_follows(journal_dir: Path, spawn: Callable[..., subprocess.Popen[str]]) -> None:
    """New events, also of a new lane, are printed as they arrive; Ctrl-C ends the command."""
    _fill(journal_dir, 1)
    process = spawn("cat", "--follow")
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["id"] == "m0"
    with Journal.open(journal_dir) as one, Journal.open(journal_dir) as two:
        one.append_message("s", "user", "hello", id="one")
        assert json.loads(process.stdout.readline())["id"] == "one"
        two.append_message("s", "user", "hello", id="two")
        assert json.loads(process.stdout.readline())["id"] == "two"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "")


def test_cat_ends_without_a_message_when_its_reader_stops(
    journal_dir: Path, spawn: Callable[..., subprocess.Popen[str]]
) -> None:
    """`journal cat | head -1` is no error."""
    with Journal.open(journal_dir) as journal:
        for _ in range(300):
            journal.append_message("s", "user", "x" * 1000)
    process = spawn("cat")
    assert process.stdout is not None
    assert process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    errors = process.stderr.read()
    assert (process.wait(), errors) == (0, "")
    process.stdout = None


def test_cat_prints_marks_on_request(journal_dir: Path, run: Run) -> None:
    """`--redact` applies the rules of today; without it events are printed as they are."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "DB_PASSWORD=Tr0ub4dor-3", id="m1")
        journal.append_message("s", "user", "nothing", id="m2")
    assert "Tr0ub" in run("cat").stdout
    printed = [json.loads(line) for line in run("cat", "--redact").stdout.splitlines()]
    assert "Tr0ub" not in str(printed)
    assert [line.get("redacted", {}).get("counts") for line in printed] == [{"password": 1}, None]
    assert not (journal_dir / "key").exists()


@pytest.mark.parametrize("lines", [False, True])
def test_append_redacts_by_default(journal_dir: Path, run: Run, *, lines: bool) -> None:
    """One message, and many; `--no-redact` stores them as they are."""
    message = {"session": "s", "role": "tool", "content": "DB_PASSWORD=Tr0ub4dor-3", "id": "m1"}
    arguments = ["--jsonl"] if lines else ["--session", "s", "--role", "tool", "--id", "m1", "-"]
    text = json.dumps(message) if lines else message["content"]
    run("append", *arguments, input=text)
    assert "Tr0ub" not in str(events(journal_dir)[0].event)
    assert events(journal_dir)[0].event.redacted is not None
    run("append", *arguments, "--no-redact", input=text)
    assert "Tr0ub" in str(events(journal_dir)[1].event)


# status and verify


def test_status_prints_counts_and_times(journal_dir: Path, run: Run) -> None:
    """Counts, bytes, and the times of the first and last event are text or JSON."""
    _fill(journal_dir)
    status = json.loads(run("status", "--json").stdout)
    assert status["path"] == str(journal_dir)
    assert (status["format"], status["lanes"], status["segments"]) == (2, 1, 1)
    assert status["bytes"] == segments(journal_dir)[0].stat().st_size
    times = [record.event.time for record in events(journal_dir)]
    assert (status["first"], status["last"]) == (times[0], times[-1])
    assert "lanes        1\n" in run("status").stdout


def test_status_of_a_journal_without_events(journal_dir: Path, run: Run) -> None:
    """An empty journal is no error."""
    Journal.open(journal_dir).close()
    status = json.loads(run("status", "--json").stdout)
    assert (status["lanes"], status["segments"], status["first"], status["last"]) == (
        1,
        0,
        None,
        None,
    )
    assert "first event  none" in run("status").stdout


def test_verify_of_a_sound_journal_exits_with_0(journal_dir: Path, run: Run) -> None:
    """It prints the counts and exits with 0."""
    _fill(journal_dir)
    result = run("verify")
    assert result.exit_code == 0
    assert result.stdout.startswith("1 lane, 1 segment, 3 events, ")
    assert result.stdout.endswith("bytes: no problems\n")


def test_verify_reports_problems(
    journal_dir: Path, run: Run, expect_problems: ExpectedProblems
) -> None:
    """Problems are printed with their place, as text or JSON, and the exit code is 5."""
    _fill(journal_dir)
    path = segments(journal_dir)[0]
    path.write_bytes(path.read_bytes().replace(b'"m1"', b'"xx"'))
    (journal_dir / "lanes/notes").touch()
    result = run("verify", "--json")
    assert result.exit_code == 5
    report = json.loads(result.stdout)
    assert (report["lanes"], report["segments"], report["events"]) == (1, 1, 2)
    assert [problem["kind"] for problem in report["problems"]] == ["foreign", "damage", "gap"]
    assert set(report["problems"][0]) == {
        "kind",
        "lane",
        "segment",
        "offset",
        "length",
        "reason",
    }
    result = run("verify")
    assert result.exit_code == 5
    assert "damage: lane 1 segment 1 offset " in result.stdout
    assert "foreign: notes in lanes/ is a file\n" in result.stdout
    assert result.stdout.endswith("bytes: 3 problems\n")
    expect_problems("foreign", "damage", "gap")


# the command itself


@pytest.mark.parametrize("command", ["cat", "status", "verify"])
def test_a_missing_journal_exits_with_3(journal_dir: Path, run: Run, command: str) -> None:
    """Reading a missing journal exits with 3 and creates nothing."""
    result = run(command)
    assert result.exit_code == 3
    assert result.stderr.startswith(f"Error: there is no journal at {journal_dir}")
    assert result.stderr.count("\n") == 1
    assert not journal_dir.exists()


@pytest.mark.parametrize("code", [errno.EROFS, errno.ENOSPC])
def test_a_disk_that_refuses_a_lane_exits_with_1(
    journal_dir: Path, run: Run, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """A read-only or full disk is no busy journal: to wait does not help."""

    class Refusing(Disk):
        """A disk on which no folder can be made."""

        def make_folder(self, path: Path) -> None:
            raise OSError(code, os.strerror(code), str(path))

    with Journal.open(journal_dir), monkeypatch.context() as patch:
        patch.setattr(disk, "in_use", Refusing())
        result = run("append", "--session", "s", "--role", "user", "hi")
    assert result.exit_code == 1
    assert os.strerror(code) in result.stderr


def test_no_free_lane_exits_with_7(
    journal_dir: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If every lane is leased, the exit code is 7."""
    monkeypatch.setattr("journal.lanes.leasing._MOST", 2)
    with Journal.open(journal_dir):
        result = run("append", "--session", "s", "--role", "user", "hi")
    assert result.exit_code == 7
    assert "lanes in" in result.stderr


def test_a_full_disk_exits_with_1(
    journal_dir: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event that could not be appended is reported in one line, with exit code 1."""
    real = os.write

    def refuse(fd: int, data: bytes | memoryview) -> int:
        if bytes(data).startswith(b'{"crc"'):
            raise OSError(28, "No space left on device")
        return real(fd, data)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", refuse)
        result = run("append", "--session", "s", "--role", "user", "--id", "m1", "hi")
    assert result.exit_code == 1
    assert "No space left on device; not acknowledged: 'm1'" in result.stderr
    assert segments(journal_dir) == []


def test_the_environment_names_the_journal(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JOURNAL_DIR is the journal unless --journal is given."""
    monkeypatch.setenv("JOURNAL_DIR", str(journal_dir))
    CliRunner().invoke(cli, ["append", "--session", "s", "--role", "user", "hi"])
    assert len(ids(journal_dir)) == 1


def test_version_and_help_need_no_journal() -> None:
    """--version and -h work without a journal."""
    assert CliRunner().invoke(cli, ["--version"]).output == f"journal, version {__version__}\n"
    for arguments in (["-h"], ["append", "-h"], ["cat", "--help"]):
        assert CliRunner().invoke(cli, arguments).exit_code == 0


@pytest.mark.parametrize("before", range(0, 60, 7))
def test_append_shows_no_part_of_a_secret_in_an_error(run: Run, before: int) -> None:
    """Not where the value that is refused is cut, wherever in it the secret is."""
    token = "gh" + "p_" + "aB3" * 12
    for field in ("role", "token_count", "tool_calls", "timestamp", "parent", "line", "extra"):
        value = {"a": ["x" * before + " " + token]} if field != "extra" else [token, "y" * before]
        line = {"session": "s", "role": "user", "content": "c", field: value}
        result = run("append", "--jsonl", input=json.dumps(line) + "\n")
        assert result.exit_code == 1
        assert "line 1: " in result.stderr
        assert not any(token[at : at + 12] in result.stderr for at in range(len(token) - 12))
