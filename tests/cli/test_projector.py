"""The `projector` command: data on stdout, all else on stderr, documented exit codes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from journal import Journal
from journal.fs.directory import open_directory
from projector.cli import cli
from projector.db.generations import generations
from projector.db.process_lock import ProcessLock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = 1_700_000_000_000_000
"""Microseconds: 2023-11-14T22:13:20Z."""

PROJECTOR = str(Path(sys.executable).with_name("projector"))


@pytest.fixture
def journal(journal_dir: Path) -> Iterator[Journal]:
    """A journal with two conversations."""
    with Journal.open(journal_dir) as journal:
        data = {"title": "Containers", "source": "cli", "model": "m"}
        journal.append(session="abc-1", type="session.created", data=data)
        call = {
            "id": "c1",
            "type": "function",
            "function": {"name": "grep", "arguments": '{"q":1}'},
        }
        journal.append_message("abc-1", "user", "docker compose 北京", id="m1", timestamp=T)
        journal.append_message(
            "abc-1", "assistant", "a docker file", id="m2", timestamp=T + 1, tool_calls=[call]
        )
        journal.append_message(
            "abc-1", "tool", "found it", id="m3", timestamp=T + 2, tool_call_id="c1"
        )
        journal.append_message("abd-2", "user", "docker", id="n1", timestamp=T + 9, source="web")
        yield journal


@pytest.fixture
def invoke(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run the command on that journal."""
    monkeypatch.setenv("JOURNAL_DIR", str(journal.path))

    def invoke(*arguments: object, code: int = 0) -> Result:
        result = CliRunner().invoke(cli, [str(a) for a in arguments], catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result

    return invoke


def _json(result: Result) -> Any:  # noqa: ANN401 - any JSON value
    return json.loads(result.stdout)


def test_search_as_json_has_the_documented_shape(invoke: Callable[..., Result]) -> None:
    """An answer, a hit and a message of its context have the documented keys."""
    answer = _json(invoke("search", "docker compose", "--json", "--context", 1))
    expected = "query total exact cut fresh hits near near_total missing meant unsearched"
    assert list(answer) == expected.split()
    assert (answer["query"], answer["exact"], answer["fresh"]) == ("docker compose", True, True)
    (hit,) = answer["hits"]
    keys = "session id role source title time score snippet context"
    assert list(hit) == keys.split()
    assert (hit["session"], hit["id"], hit["time"]) == ("abc-1", "m1", T)
    assert (hit["title"], hit["source"]) == ("Containers", "cli")
    assert hit["snippet"] == "**docker** **compose** 北京"
    assert [message["id"] for message in hit["context"]] == ["m1", "m2"]
    assert hit["context"][1]["tool_calls"][0]["function"]["name"] == "grep"


def test_search_prints_readable_hits(invoke: Callable[..., Result]) -> None:
    """A hit has title, place and snippet; matches are marked also without colours."""
    result = invoke("search", "docker NOT file", "--sort", "oldest", "--context", 1)
    assert "Containers" in result.stdout
    assert "**docker** compose 北京" in result.stdout
    assert "assistant: a docker file" in result.stdout
    assert result.stdout.index("abc-1") < result.stdout.index("abd-2")
    assert "\x1b" not in result.stdout


def test_search_prints_what_comes_nearest_below_a_line_that_says_so(
    invoke: Callable[..., Result],
) -> None:
    """Each hit names the words that its session lacks; a misspelt word and what was meant."""
    result = invoke("search", "dcker composed kubernetes", "--group", "session")
    lines = result.stdout.splitlines()
    assert lines[0] == "No message has all of these words. The nearest:"
    assert lines[1].startswith("  1. Containers")
    assert "**docker** **compose**" in result.stdout
    assert "     without: kubernetes" in lines
    assert "no message has dcker; searched for docker instead" in result.stderr
    assert "no message has kubernetes\n" in result.stderr
    answer = _json(invoke("search", "dcker composed kubernetes", "--json"))
    assert (answer["hits"], answer["missing"]) == ([], ["dcker", "kubernetes"])
    assert answer["meant"] == {"dcker": ["docker"]}
    assert answer["near_total"] == len(answer["near"])
    assert answer["near"][0]["missing"] == ["kubernetes"]
    assert invoke("search", "docker", "--enough", 99).stdout.count("The nearest:") == 0


def test_search_names_emoji_that_need_quotes(invoke: Callable[..., Result]) -> None:
    """Without quotes they are left out of the query, and a note says so."""
    note = "🎉 was not searched for: put it in quotes\n"
    assert note in invoke("search", "docker 🎉").stderr
    assert _json(invoke("search", "docker 🎉!", "--json"))["unsearched"] == ["🎉"]
    for query in ('docker "🎉"', "docker", "docker-🎉"):
        assert _json(invoke("search", query, "--json"))["unsearched"] == []
    assert "quotes" not in invoke("search", "🎉", "--literal").stderr


def test_search_without_hits_prints_a_note_on_stderr(invoke: Callable[..., Result]) -> None:
    """A search without hits is no error: stdout stays empty, and stderr says what is missing."""
    result = invoke("search", "unheard")
    assert (result.stdout, result.stderr) == ("", "nothing found\nno message has unheard\n")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--role", "user"], ["m1", "n1"]),
        (["--source", "web"], ["n1"]),
        (["--session", "abc"], ["m1", "m2"]),
        (["--since", "2023-11-14T22:13:20.000005Z"], ["n1"]),
        (["--until", "2023-11-14T22:13:20.000001Z"], ["m1"]),
        (["--since", "2024-01-01"], []),
        (["--since", "1h"], []),
        (["--sort", "newest", "--limit", "1"], ["n1"]),
        (["--sort", "newest", "--limit", "1", "--offset", "1"], ["m2"]),
    ],
)
def test_search_has_filters(
    invoke: Callable[..., Result], options: list[str], expected: list[str]
) -> None:
    """Each option filters the hits as its help text says."""
    hits = _json(invoke("search", "docker", "--json", *options))["hits"]
    assert sorted(hit["id"] for hit in hits) == expected


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["search", "***"], 2, "nothing to search for"),
        (["search", "NOT docker"], 2, "has only exclusions: add a word to find"),
        (["search", "x", "--since", "soonish"], 2, "is not a time"),
        (["search", "x", "--limit", "0"], 2, "--limit"),
        (["search", "x", "--session", "zzz"], 3, "no session matches 'zzz'"),
        (["show", "zzz"], 3, "no session matches 'zzz'"),
        (["show", "ab"], 3, "several sessions match 'ab': abc-1, abd-2"),
        (["show", "abc-1", "--json", "--markdown"], 2, "exclude each other"),
        (["show", "abc-1", "--no-redact"], 2, "goes with --markdown"),
        (["nonsense"], 2, "No such command"),
    ],
)
def test_errors_have_a_message_and_an_exit_code(
    invoke: Callable[..., Result], arguments: list[str], code: int, says: str
) -> None:
    """2 for wrong usage, 3 for a missing object; one line on stderr, and empty stdout."""
    result = invoke(*arguments, code=code)
    assert says in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "command", [["search", "x"], ["sessions"], ["show", "s"], ["status"], ["sync"], ["digest"]]
)
def test_without_a_journal_nothing_is_created(tmp_path: Path, command: list[str]) -> None:
    """A mistyped folder exits with 3, and nothing is created."""
    result = CliRunner().invoke(cli, ["--journal", str(tmp_path / "nowhere"), *command])
    assert result.exit_code == 3
    assert "there is no journal at" in result.stderr
    assert not list(tmp_path.iterdir())


def test_sessions_are_listed(invoke: Callable[..., Result]) -> None:
    """One line for each session, the latest first; with --json, one object a line."""
    lines = invoke("sessions").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["abd-2", "abc-1"]
    assert lines[1].endswith("Containers")
    objects = [json.loads(line) for line in invoke("sessions", "--json").stdout.splitlines()]
    assert [view["session"] for view in objects] == ["abd-2", "abc-1"]
    assert (objects[1]["messages"], objects[1]["last"], objects[1]["started"]) == (3, T + 2, T)
    assert len(invoke("sessions", "--limit", 1, "--offset", 1).stdout.splitlines()) == 1


def test_show_as_json_has_the_documented_shape(invoke: Callable[..., Result]) -> None:
    """A unique prefix of the id is enough; each field of a message has its own key."""
    shown = _json(invoke("show", "abc", "--json"))
    assert list(shown) == ["session", "children", "resume", "cost", "unpriced", "messages"]
    assert (shown["session"]["session"], shown["session"]["title"]) == ("abc-1", "Containers")
    assert [list(message)[:4] for message in shown["messages"]] == [
        ["id", "role", "time", "content"]
    ] * 3
    assert shown["messages"][0]["content"] == "docker compose 北京"
    assert shown["messages"][2]["tool_name"] == "grep"


def test_a_fork_is_marked_and_its_replays_are_found_on_request(
    invoke: Callable[..., Result], journal_dir: Path
) -> None:
    """`show` names the home of what is repeated; `search` and `sessions` count it there."""
    uuid = "3f2b8c4e-0000-4000-8000-000000000001"
    with Journal.open(journal_dir) as journal:
        for session in ("origin", "forked"):
            journal.append_message(session, "user", "wallaby", id=uuid, timestamp=T)
        journal.append_message("forked", "user", "numbat", timestamp=T + 1)
    assert "3 messages" in invoke("show", "abc").stdout
    shown = invoke("show", "forked").stdout
    assert shown.count("replays origin") == 1
    assert ["1 message" in shown, "1 replay" in shown] == [True, True]
    assert "replays origin" in invoke("show", "forked", "--markdown").stdout
    messages = _json(invoke("show", "forked", "--json"))["messages"]
    assert [message.get("home") for message in messages] == ["origin", None]
    found = [
        [hit["session"] for hit in _json(invoke("search", "wallaby", "--json", *more))["hits"]]
        for more in ((), ("--include-replays",))
    ]
    assert (found[0], sorted(found[1])) == (["origin"], ["forked", "origin"])
    assert "replays origin" in invoke("search", "wallaby", "--include-replays").stdout
    tree = [json.loads(line) for line in invoke("sessions", "--tree", "--json").stdout.splitlines()]
    depths = {view["session"]: (view["depth"], view["messages"], view["replays"]) for view in tree}
    assert (depths["origin"], depths["forked"]) == ((0, 1, 0), (1, 1, 1))
    assert "\n  forked" in invoke("sessions", "--tree").stdout


def test_show_is_readable(invoke: Callable[..., Result]) -> None:
    """Roles, texts and tool calls are printed in order, and nothing else on stdout."""
    shown = invoke("show", "abc").stdout
    parts = ["Containers", "3 messages", "user", "docker compose 北京", "grep(q=1)", "found it"]
    places = [shown.index(part) for part in parts]
    assert places == sorted(places)
    assert "tool (grep)" in shown
    assert "\x1b" not in shown


def test_markdown_has_marks_in_the_place_of_secrets(
    invoke: Callable[..., Result], journal_dir: Path
) -> None:
    """By the rules of today. The text for a terminal and JSON show what is stored."""
    words = "DB_PASSWORD=Tr0ub4dor-3"
    with Journal.open(journal_dir) as journal:
        journal.append(session="leak", type="session.created", data={"title": words})
        call = {"name": "sh", "arguments": '{"password":"Tr0ub4dor-3"}'}
        calls = [{"id": "c", "type": "function", "function": call}]
        journal.append_message("leak", "assistant", words, tool_calls=calls)
    shown = invoke("show", "leak", "--markdown").stdout
    assert "Tr0ub" not in shown
    assert shown.replace("\\\\", "").count("redacted:password:") == 3
    for options in (("--markdown", "--no-redact"), (), ("--json",)):
        assert "Tr0ub" in invoke("show", "leak", *options).stdout
    assert not (journal_dir / "key").exists()


def test_show_as_markdown(invoke: Callable[..., Result]) -> None:
    """There is a heading for the conversation and one for each message."""
    lines = invoke("show", "abc", "--markdown").stdout.splitlines()
    assert lines[0] == "# Containers"
    assert sum(line.startswith("## ") for line in lines) == 3
    assert "- session: `abc-1`" in lines
    assert "- model: `m`" in lines


def test_status_has_the_documented_keys(invoke: Callable[..., Result]) -> None:
    """`status` applies nothing: before the first query, all events are unprojected."""
    status = _json(invoke("status", "--json"))
    keys = (
        "lanes segments events messages sessions duplicates conflicts quarantined unprojected"
        " lag_bytes generation projector_running wal_bytes"
    )
    assert set(keys.split()) <= set(status)
    assert (status["lanes"], status["segments"], status["messages"]) == (1, 1, 0)
    assert (status["unprojected"], status["generation"]) == (5, 0)
    assert status["projector_running"] is False
    invoke("sync")
    status = _json(invoke("status", "--json"))
    assert (status["events"], status["messages"], status["sessions"]) == (5, 4, 2)
    assert (status["unprojected"], status["lag_bytes"], status["generation"]) == (0, 0, 1)
    assert "messages           4" in invoke("status").stdout


def test_sync_rebuild_and_digest_agree(invoke: Callable[..., Result]) -> None:
    """They report on stderr what they did; the digest is the same before and after a rebuild."""
    result = invoke("sync")
    assert result.stdout == ""
    assert result.stderr.startswith("5 events applied in ")
    before = invoke("digest").stdout
    assert len(before) == 65
    result = invoke("rebuild")
    assert result.stdout == ""
    assert result.stderr.startswith("generation 2: 5 events in ")
    assert invoke("digest").stdout == before


def test_digest_ends_at_its_time_limit(invoke: Callable[..., Result]) -> None:
    """With --timeout, the wait for the projection and the query ends; the exit code is 1."""
    refused = invoke("digest", "--timeout", "nan", code=2)
    assert "'nan' is not a number of seconds" in refused.stderr
    result = invoke("digest", "--timeout", "0.000001", code=1)
    assert "longer than 1e-06 s" in result.stderr
    assert len(invoke("digest", "--timeout", "60").stdout) == 65


def test_a_second_projector_or_build_ends_with_7(
    invoke: Callable[..., Result], journal: Journal
) -> None:
    """The exit code 7 means busy; the error names the process that runs."""
    kept = generations(open_directory(journal.path).path)
    for lock, commands in ((kept.lock, ["run", "sync"]), (kept.build_lock, ["rebuild"])):
        one = ProcessLock(lock)
        assert one.acquire()
        for command in commands:
            assert f"process {os.getpid()} on " in invoke(command, code=7).stderr
        one.release()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_run_creates_the_journal_and_stops_at_a_signal(
    tmp_path: Path, number: signal.Signals
) -> None:
    """A projector may start before the first writer; SIGTERM or SIGHUP ends it with 0."""
    command = [PROJECTOR, "--journal", str(tmp_path / "new"), "run"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == f"projecting {tmp_path / 'new'}; stop with Ctrl-C\n"
        process.send_signal(number)
        output, errors = process.communicate(timeout=20)
    assert (process.returncode, output, errors) == (0, "", "stopped\n")


def test_run_continues_under_nohup(tmp_path: Path) -> None:
    """A SIGHUP that is ignored stays ignored."""
    path = str(tmp_path / "new")
    command = ["/bin/sh", "-c", 'trap "" HUP; exec "$0" "$@"', PROJECTOR, "--journal", path, "run"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("projecting ")
        process.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=1)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "stopped\n")


@pytest.mark.skipif(shutil.which("setsid") is None, reason="needs setsid of util-linux")
def test_run_ends_cleanly_when_its_terminal_is_closed(tmp_path: Path) -> None:
    """SIGHUP of the terminal ends it with 0, although "stopped" cannot be written any more."""
    ours, theirs = os.openpty()
    path = str(tmp_path / "new")
    command = ["/usr/bin/env", "setsid", "-c", PROJECTOR, "--journal", path, "run"]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        assert os.read(ours, 100).startswith(b"projecting ")
        os.close(ours)
        assert process.wait(timeout=20) == 0


def test_a_reader_that_stops_ends_it_without_a_message(journal: Journal) -> None:
    """If `| head` closes the pipe, there is no traceback and the exit code is 0."""
    for number in range(3000):
        journal.append_message("abd-2", "user", f"line {number} " + "x" * 100)
    command = [PROJECTOR, "--journal", str(journal.path), "show", "abd-2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_colours_are_for_terminals_that_want_them(journal: Journal) -> None:
    """On a terminal matches are coloured; NO_COLOR turns colours off."""
    command = [PROJECTOR, "--journal", str(journal.path), "search", "compose"]
    environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    assert b"\x1b[" in _on_a_terminal(command, environment)
    plain = _on_a_terminal(command, {**environment, "NO_COLOR": "1"})
    assert b"\x1b[" not in plain
    assert b"**compose**" in plain


def _on_a_terminal(command: list[str], environment: dict[str, str]) -> bytes:
    outer, inner = os.openpty()
    with subprocess.Popen(command, stdout=inner, env=environment) as process:
        os.close(inner)
        output = b""
        while process.poll() is None or not output:
            try:
                output += os.read(outer, 65536)
            except OSError:  # the other end is closed
                break
    os.close(outer)
    return output


def test_facets_count_messages_and_sessions(invoke: Callable[..., Result]) -> None:
    """A table, an object a value, the filters of a search, and errors that list what is allowed."""
    assert invoke("facets", "--by", "source").stdout.split("\n")[1:3] == [
        "       3         1  cli",
        "       1         1  web",
    ]
    rows = [
        json.loads(line)
        for line in invoke("facets", "--by", "model", "--json").stdout.split("\n")[:-1]
    ]
    assert rows == [
        {"name": "m", "messages": 3, "sessions": 1},
        {"name": None, "messages": 1, "sessions": 1},
    ]
    assert invoke("facets", "--by", "tool", "--until", "2024-01-01").stdout.split()[-1] == "grep"
    assert "1 more" in invoke("facets", "--by", "source", "--limit", 1).stderr
    assert (
        "no message that passes the filters has a branch"
        in invoke("facets", "--by", "branch", "--has", "errors").stderr
    )
    assert "'project', 'source', 'model'" in invoke("facets", "--by", "user", code=2).stderr
    assert "'errors'" in invoke("search", "docker", "--has", "images", code=2).stderr


def test_a_filter_that_nothing_meets_is_answered_with_the_nearest_values(
    invoke: Callable[..., Result],
) -> None:
    """Searches, lists and counts name the value, and existing ones that are spelt like it."""
    for command in (("search", "docker"), ("sessions",), ("facets", "--by", "model")):
        for form in ((), ("--json",)):
            done = invoke(*command, *form, "--tool", "Grep", "--source", "wbe", code=3)
            assert "nothing has the tool 'Grep'; nearest: grep" in done.stderr
            assert "nothing has the source 'wbe'; nearest: web" in done.stderr
    done = invoke("search", "docker", "--role", "nobody", "--json", code=3)
    assert json.loads(done.stdout)["hits"] == []
    assert "nothing has the role 'nobody'; there are: assistant" in done.stderr
    assert "nearest: user" in invoke("search", "docker", "--role", "users", code=3).stderr
    done = invoke("sessions", "--project", "lamp", code=3)
    assert "nothing has the project 'lamp'; there are: none" in done.stderr
    assert "no session passes the filters" in done.stderr
    assert (
        "nothing has" not in invoke("search", "docker", "--tool", "grep", "--source", "web").stderr
    )
    assert not invoke("sessions", "--tool", "grep", "--source", "web", "--json").stderr


def test_sessions_are_filtered_and_sorted(invoke: Callable[..., Result]) -> None:
    """A tree is shown whole where a session in it passes, and cannot be sorted otherwise."""
    listed = invoke("sessions", "--tool", "grep", "--json").stdout
    assert [json.loads(line)["session"] for line in listed.split("\n")[:-1]] == ["abc-1"]
    by_size = invoke("sessions", "--sort", "messages", "--json").stdout
    assert [json.loads(line)["session"] for line in by_size.split("\n")[:-1]] == ["abc-1", "abd-2"]
    assert "abc-1" not in invoke("sessions", "--tree", "--source", "web").stdout
    assert "exclude each other" in invoke("sessions", "--tree", "--sort", "cost", code=2).stderr
