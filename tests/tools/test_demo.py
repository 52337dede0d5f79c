"""`make demo` shows what it promises, proves it, and leaves only its folder."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast
from urllib.request import urlopen

import pytest

from journal.writer import Journal
from tests.support.journals import segments

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DEMO = (sys.executable, "-m", "tools.demo")
# its fixtures run a conversation of eight processes: one run is enough
pytestmark = pytest.mark.xdist_group("demo")


def environment(home: Path) -> dict[str, str]:
    """Return an environment that finds the tools, with its own home and wide lines."""
    kept = {name: value for name, value in os.environ.items() if name != "FORCE_COLOR"}
    own = {"HOME": str(home), "COLUMNS": "250", "NO_COLOR": "1", "PYTHONPATH": str(ROOT)}
    return kept | own


def demo(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the demonstration in a folder that is also its home."""
    argv = [*DEMO, *map(str, arguments)]
    return subprocess.run(
        argv,
        check=False,
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
    )


def processes_of(journal: Path) -> list[str]:
    """Return the command lines of the processes that work on a journal."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            continue
        if str(journal) in line:
            found.append(line)
    return found


def claude_code_line(number: int, text: str) -> str:
    """Return a line as Claude Code writes it."""
    line = {
        "type": "user" if number % 2 else "assistant",
        "uuid": f"u{number}",
        "parentUuid": f"u{number - 1}" if number > 1 else None,
        "sessionId": "my-session",
        "isSidechain": False,
        "timestamp": f"2026-01-31T12:00:{number:02}Z",
        "cwd": "/somewhere",
        "message": {"role": "user" if number % 2 else "assistant", "content": text},
    }
    return json.dumps(line, ensure_ascii=False) + "\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home without transcripts."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def talk(home: Path) -> subprocess.CompletedProcess[str]:
    """A demonstration in that home, into a folder whose name a shell would split."""
    return demo(home, "--journal", "kept here", "--messages", "40", "--seconds", "0.8")


def test_eight_processes_lose_and_duplicate_nothing(
    talk: subprocess.CompletedProcess[str], home: Path
) -> None:
    """Without transcripts, eight writers are killed, and every message is stored once."""
    assert (talk.returncode, talk.stderr) == (0, "")
    assert "ok 320 messages acknowledged, 320 in the projection: 0 lost, 0 doubled" in talk.stdout
    kills = re.search(r"ok (\d+) kills of 8 writers and 1 of the projector; (\d+)", talk.stdout)
    assert kills is not None
    assert int(kills[1]) >= 8
    assert int(kills[2]) > 0
    lanes = re.search(r"ok verify: lanes (\d+), ", talk.stdout)
    assert lanes is not None
    # at most one for each process at the same time, and fewer in such a short run
    assert 1 <= int(lanes[1]) <= 9
    digests = re.search(r"ok digest (\w+)… before, (\w+)… after a rebuild", talk.stdout)
    assert digests is not None
    assert digests[1] == digests[2]
    assert processes_of(home) == []


def test_hits_are_shown_with_their_neighbours(talk: subprocess.CompletedProcess[str]) -> None:
    """Words of two characters and identifiers are found and marked, with the messages beside."""
    lines = talk.stdout.splitlines()
    assert any(line.startswith("    > sora") and "「**消灯**中」" in line for line in lines)
    mara = next(i for i, line in enumerate(lines) if "Who calls **flag_lamp_outage**?" in line)
    assert "ling" in lines[mara + 1]


def test_the_printed_commands_work(talk: subprocess.CompletedProcess[str], home: Path) -> None:
    """The commands at the end name the real folder, and run as they are printed."""
    advised = [line for line in talk.stdout.splitlines() if "--journal 'kept here'" in line]
    assert len(advised) == 6
    for line in advised[:5]:
        subprocess.run(shlex.split(line), check=True, cwd=home, capture_output=True, timeout=60)
    assert "In the browser, at http://127.0.0.1:7464/:" in talk.stdout
    viewer = [*shlex.split(advised[5]), "--port", "0"]
    with subprocess.Popen(viewer, cwd=home, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        with urlopen(f"{address}sessions.json", timeout=60) as answer:  # noqa: S310 - http
            sessions = json.load(answer)["sessions"]
        process.kill()
    # one was appended by a command above
    assert sum(session["messages"] for session in sessions) == 321


OFFER = """
import sys
from pathlib import Path
from rich.console import Console
from tools.demo.processes import Tools
from tools.demo.viewer import offer

offer(Console(highlight=False), Tools(Path(sys.argv[1])))
print("the end")
"""


@pytest.mark.parametrize("answer", ["yes", "n", ""])
def test_at_a_terminal_the_viewer_is_offered(tmp_path: Path, answer: str) -> None:
    """It is opened if the answer is not no, and ends with the demonstration; a closed one is no."""
    with Journal.open(tmp_path / "j") as journal:
        journal.append_message("s1", "user", "hello", id="m1")
    opened, program = tmp_path / "opened", tmp_path / "browser"
    program.write_text(f'#!/bin/sh\necho "$1" > {opened}\n', encoding="utf-8")
    program.chmod(0o700)
    own = environment(tmp_path) | {"BROWSER": f"{program} %s"}
    own.pop("CI", None)
    terminal, inner = pty.openpty()
    command = [sys.executable, "-c", OFFER, str(tmp_path / "j")]
    with subprocess.Popen(command, stdin=inner, stdout=inner, stderr=inner, env=own) as process:
        os.close(inner)
        text = _until(terminal, "Open it? [Y/n] ")
        os.write(terminal, f"{answer}\n".encode() if answer else b"\x04")
        if answer == "yes":
            _until(terminal, "press Enter. ")
            address = opened.read_text("utf-8").strip()
            assert f"In the browser: {address}" in text
            with urlopen(address, timeout=60) as page:  # noqa: S310 - http
                assert b"hello" in page.read()
            os.write(terminal, b"\n")
        _until(terminal, "the end")
        assert process.wait(60) == 0
    os.close(terminal)
    assert opened.exists() == (answer == "yes")
    assert processes_of(tmp_path / "j") == []


def _until(terminal: int, end: str) -> str:
    """Read from a terminal until a text comes, and return it."""
    found = b""
    while end not in found.decode(errors="replace"):
        found += os.read(terminal, 4_096)
    return found.decode(errors="replace")


def test_own_transcripts_are_imported_and_searched(tmp_path: Path) -> None:
    """Messages of the user's agents are found, and the transcripts are not changed."""
    folder = tmp_path / ".claude" / "projects" / "-somewhere"
    folder.mkdir(parents=True)
    text = "".join(claude_code_line(n, f"set_sail number {n}, 颐和园") for n in range(1, 7))
    (folder / "my-session.jsonl").write_text(text, encoding="utf-8")
    done = demo(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 files in ~/.claude/projects" in done.stdout
    assert "**set_sail** number" in done.stdout
    assert "ok 6 messages written, 6 in the projection" in done.stdout
    assert "ok imported a second time: 0 events added" in done.stdout
    assert (folder / "my-session.jsonl").read_text(encoding="utf-8") == text
    assert (tmp_path / "demo-journal" / ".gitignore").read_text(encoding="utf-8") == "*\n"
    assert not (tmp_path / ".local").exists()


def test_an_existing_folder_is_not_changed(tmp_path: Path) -> None:
    """A user's own journal is never written to, even if it is named."""
    with Journal.open(tmp_path / "mine") as journal:
        journal.append_message("s1", "user", "hello", id="m1")
    before = [path.read_bytes() for path in segments(tmp_path / "mine")]
    done = demo(tmp_path, "--journal", tmp_path / "mine")
    assert done.returncode == 1
    assert "mine is there already" in done.stderr
    assert [path.read_bytes() for path in segments(tmp_path / "mine")] == before


@pytest.fixture
def running(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A demonstration that would run for minutes, when all writers have started."""
    process = subprocess.Popen(
        [*DEMO, "--talk", "--seconds", "300", "--journal", "j"],
        cwd=tmp_path,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    for line in cast("IO[str]", process.stdout):
        if "8 lanes" in line:
            break
    yield process
    process.kill()
    process.communicate(timeout=60)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_no_process_behind(
    running: subprocess.Popen[str], number: signal.Signals, tmp_path: Path
) -> None:
    """Writers and projector end with the demonstration."""
    journal = tmp_path / "j"
    assert len(processes_of(journal)) == 9
    running.send_signal(number)
    running.communicate(timeout=20)
    assert running.returncode == 128 + number
    assert processes_of(journal) == []


PROVE = """
import sys
from pathlib import Path
from tools.demo.processes import Tools
from tools.demo.proof import prove_journal
from projector import Projection

with Projection.open(sys.argv[1]) as projection:
    projection.sessions()
    status = projection.status()
for check in prove_journal(Tools(Path(sys.argv[1])), status):
    print("ok" if check.so else "FAILED", check.text, check.note)
"""


def prove(journal: Path, source: str = PROVE) -> list[str]:
    """Run the checks of a journal, and return a line for each."""
    done = subprocess.run(
        [sys.executable, "-c", source, journal],
        check=True,
        env=environment(journal),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
    )
    return done.stdout.splitlines()


def test_a_write_that_was_cut_short_is_explained(tmp_path: Path) -> None:
    """A torn last line after SIGKILL is reported as such, and not as damage."""
    with Journal.open(tmp_path) as journal:
        journal.append_message("s1", "user", "hello", id="m1")
    with segments(tmp_path)[0].open("ab") as file:
        file.write(b'{"crc":"0123')
    lines = prove(tmp_path)
    assert [line.split()[0] for line in lines] == ["ok", "ok", "ok"]
    assert "1 unfinished at a segment's end (verify says torn): SIGKILL came" in lines[0]


def test_damage_fails_the_proof(tmp_path: Path) -> None:
    """A changed byte fails the proof."""
    with Journal.open(tmp_path) as journal:
        for number in range(3):
            journal.append_message("s1", "user", f"hello {number}", id=f"m{number}")
    segment = segments(tmp_path)[0]
    segment.write_bytes(segment.read_bytes().replace(b"hello 1", b"hullo 1"))
    assert "FAILED verify" in prove(tmp_path)[0]


ALONE = """
import sys
from tools.demo.script import AGENTS, Conversation
from journal import Journal
from projector import Projection

conversation = Conversation(40)
with Journal.open(sys.argv[1]) as journal:
    for seat in range(len(AGENTS)):
        for turn in range(40):
            one = conversation.message(seat, turn)
            journal.append(session=one.session, id=one.id, type="message.appended", data=one.data)
    journal.append_many(conversation.sessions())
with Projection.open(sys.argv[1]) as projection:
    print(projection.digest())
"""


def test_the_digest_does_not_depend_on_writers_and_times(
    talk: subprocess.CompletedProcess[str], tmp_path: Path
) -> None:
    """One writer without a crash, in another order, gives the same digest as the eight."""
    (digest,) = prove(tmp_path / "j", ALONE)
    assert f"ok digest {digest[:16]}… before" in talk.stdout


LOSE = """
import sys
from pathlib import Path
from tools.demo.processes import Tools
from tools.demo.proof import prove_talk
from tools.demo.script import AGENTS, Conversation
from tools.demo.talk import Talk
from journal import Journal
from projector import Projection

path, messages = Path(sys.argv[1]), 20
seats = range(len(AGENTS))
appended = [Conversation(messages).message(s, t) for s in seats for t in range(messages)]
with Journal.open(path) as journal:
    for one in appended[1:]:
        journal.append(session=one.session, id=one.id, type="message.appended", data=one.data)
with Projection.open(path) as projection:
    projection.sessions()
ids = frozenset(one.id for one in appended)
talk = Talk((ids,), 0, (1,) * len(AGENTS), 1, 1.0, 0.0)
for check in prove_talk(Tools(path), talk, messages):
    print("ok" if check.so else "FAILED", check.text, check.note)
"""


def test_a_lost_message_fails_the_proof(tmp_path: Path) -> None:
    """A missing message whose id was acknowledged fails the proof."""
    assert "FAILED 160 messages acknowledged, 159" in prove(tmp_path / "j", LOSE)[0]
