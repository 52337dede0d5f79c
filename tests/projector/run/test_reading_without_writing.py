"""If nothing can be written, or the projector hangs, reads use the projection that exists."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from journal import Journal
from projector import NotFound, NotProjected, Projection, ProjectionError, SessionStore
from projector.reading.own_projector import OwnProjector
from tests.support.programs.commands import ROOT, Command, request
from tests.support.projections import projector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BIN = Path(sys.executable).parent

UNSHARE = shutil.which("unshare")
_can_mount = (
    UNSHARE is not None
    and subprocess.run(
        [UNSHARE, "-m", "true"], capture_output=True, check=False, timeout=60
    ).returncode
    == 0
)
needs_mounts = pytest.mark.skipif(not _can_mount, reason="may not mount: that needs root")

COMMANDS = {
    "search": ["projector", "search", "alpha", "--json"],
    "sessions": ["projector", "sessions", "--json"],
    "show": ["projector", "show", "s", "--json"],
    "nosuch": ["projector", "show", "nosuch"],
    "digest": ["projector", "digest"],
    "status": ["projector", "status", "--json"],
    "verify": ["projector", "verify"],
    "lanes": ["journal", "verify"],
    "erased": ["journal", "verify", "--erased"],
    "erasures": ["journal", "erasures"],
    "journal": ["journal", "status"],
    "secrets": ["journal", "scan"],
    "export": ["journal", "export", "hermes", "$OUT/state.db"],
}

MOUNTED = """
set -eu
mount -t tmpfs -o size=20m tmpfs "$MOUNT"
append() { journal append --session s --role user "$1" > "$OUT/appended"; }
ask() {
  rm -f "$OUT/state.db"
  (cd "$ROOT"; "$PYTHON" -m tests.support.programs.commands < "$OUT/asked" > "$OUT/codes")
}
append alpha
"""


@pytest.fixture
def mounted(tmp_path: Path) -> Callable[[str], dict[str, tuple[int, str, str]]]:
    """Runs a script in which a small file system is mounted, with the journal on it.

    The script calls `ask`, which runs all commands; the result has exit code and output of each.
    """
    mount, out = tmp_path / "mount", tmp_path / "out"
    mount.mkdir()
    out.mkdir()
    environment = {
        **os.environ,
        "PYTHON": sys.executable,
        "ROOT": str(ROOT),
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "MOUNT": str(mount),
        "OUT": str(out),
        "JOURNAL_DIR": str(mount / "journal"),
    }

    with (out / "asked").open("w") as asked:
        for name, command in COMMANDS.items():
            argv = [part.replace("$OUT", str(out)) for part in command]
            files = (str(out / f"{name}.out"), str(out / f"{name}.err"))
            asked.write(request(Command(argv, *files, environment)))

    def run(script: str) -> dict[str, tuple[int, str, str]]:
        subprocess.run(
            [str(UNSHARE), "-m", "bash", "-c", MOUNTED + script],
            env=environment,
            check=True,
            timeout=60,
        )

        def read(name: str) -> str:
            return (out / name).read_text()

        codes = map(int, read("codes").split())
        return {
            name: (code, read(f"{name}.out"), read(f"{name}.err"))
            for name, code in zip(COMMANDS, codes, strict=True)
        }

    return run


def _check(found: dict[str, tuple[int, str, str]], contents: list[str], *, behind: int) -> None:
    """Check that every command answered with these messages, and reported how far it is behind."""
    codes = {name: code for name, (code, _, _) in found.items()}
    assert codes == dict.fromkeys(COMMANDS, 0) | {"nosuch": 3}, found
    search = json.loads(found["search"][1])
    assert search["fresh"] is not bool(behind)
    shown = json.loads(found["show"][1])
    assert [message["content"] for message in shown["messages"]] == contents
    [session] = map(json.loads, found["sessions"][1].splitlines())
    assert session["messages"] == len(contents)
    for answer in (search, shown, session):
        assert answer.get("behind", {"events": 0})["events"] == behind
    assert json.loads(found["status"][1])["unprojected"] == behind
    for name in ("search", "sessions", "show", "nosuch", "digest", "export"):
        assert ("is behind" in found[name][2]) is bool(behind), (name, found[name])


@needs_mounts
def test_a_read_only_medium_is_read(
    mounted: Callable[[str], dict[str, tuple[int, str, str]]],
) -> None:
    """On a read-only medium with a whole projection, reads create no file beside the database."""
    found = mounted('projector sync\nmount -o remount,ro "$MOUNT"\nask\n')
    _check(found, ["alpha"], behind=0)


@needs_mounts
def test_a_read_only_medium_that_is_behind_reports_it(
    mounted: Callable[[str], dict[str, tuple[int, str, str]]],
) -> None:
    """Events that cannot be applied are counted, with the reason."""
    found = mounted('projector sync\nappend beta\nmount -o remount,ro "$MOUNT"\nask\n')
    _check(found, ["alpha"], behind=1)
    assert "Read-only file system" in json.loads(found["search"][1])["behind"]["why"]


@needs_mounts
@pytest.mark.parametrize("and_shm", [True, False], ids=["with shm", "without shm"])
def test_a_read_only_medium_with_a_wal_is_read(
    mounted: Callable[[str], dict[str, tuple[int, str, str]]], *, and_shm: bool
) -> None:
    """What is in the WAL of a killed projector is part of the answers."""
    remove = "" if and_shm else 'rm -f "$JOURNAL_DIR"/projection/1.db-shm\n'
    found = mounted(
        "projector sync\n"
        'projector run 2> "$OUT/run" & P=$!\n'
        'while ! grep -q projecting "$OUT/run"; do sleep 0.05; done\n'
        "append beta\n"
        "while projector status | grep -q 'unprojected *1'; do sleep 0.05; done\n"
        "kill -9 $P; wait $P || true\n"
        'test -s "$JOURNAL_DIR"/projection/1.db-wal\n'
        f'{remove}mount -o remount,ro "$MOUNT"\nask\n'
    )
    _check(found, ["alpha", "beta"], behind=0)


@needs_mounts
def test_a_full_disk_is_read(mounted: Callable[[str], dict[str, tuple[int, str, str]]]) -> None:
    """If an event cannot be applied, answers include all events before it."""
    found = mounted(
        'projector sync\nappend beta\ndd if=/dev/zero of="$MOUNT/fill" bs=1k 2> "$OUT/dd" || true\n'
        'ask\nrm "$MOUNT/fill"\nprojector search beta > "$OUT/again"\ngrep -q beta "$OUT/again"\n'
    )
    _check(found, ["alpha"], behind=1)


FORGOTTEN = """
append tok3n
append alpha
journal append --session tok3n --role user tok3n --source tok3n > "$OUT/appended"
projector sync
dd if=/dev/zero of="$MOUNT/fill" bs=1k 2> "$OUT/dd" || true
truncate -s -36K "$MOUNT/fill"
journal forget --query tok3n --yes 2> "$OUT/forgetting" && exit 1
journal forget tok3n --yes 2>> "$OUT/forgetting" && exit 1
grep -q 'disk is full: .* KiB are free in' "$OUT/forgetting"
grep -q 'the request is in the journal' "$OUT/forgetting"
"""


@needs_mounts
@pytest.mark.parametrize(
    "then", ["", 'rm "$MOUNT/fill"; mount -o remount,ro "$MOUNT"\n'], ids=["full", "read-only"]
)
def test_no_command_shows_what_could_not_be_removed(
    mounted: Callable[[str], dict[str, tuple[int, str, str]]], then: str
) -> None:
    """A request that is in the journal hides at once, on a full and on a read-only disk."""
    found = mounted(f'{FORGOTTEN}{then}ask\nif grep -q tok3n "$OUT/state.db"; then exit 1; fi\n')
    for name, (code, out, error) in found.items():
        assert "tok3n" not in out + error, (name, code, out, error)
        assert code == {"nosuch": 3, "erased": 5}.get(name, 0), (name, code, out, error)
    assert json.loads(found["search"][1])["hits"]
    assert "asks to forget" in found["search"][2] or "ask to forget" in found["search"][2]


@needs_mounts
def test_a_read_only_medium_without_a_projection_is_an_error(
    mounted: Callable[[str], dict[str, tuple[int, str, str]]],
) -> None:
    """Without a projection a read raises an error that says what to do."""
    found = mounted('mount -o remount,ro "$MOUNT"\nask\n')
    assert found["search"][0] == 1
    assert "Read-only file system" in found["search"][2]
    assert "copy the journal to a place that can be written" in found["search"][2]
    assert found["status"][0] == 0


@pytest.fixture
def stopped(journal_dir: Path) -> Iterator[Path]:
    """A journal whose projector hangs, with unapplied events of s and of t."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "alpha")
        environment = {**os.environ, "JOURNAL_DIR": str(journal_dir)}
        process = subprocess.Popen(
            [BIN / "projector", "run"], stderr=subprocess.PIPE, text=True, env=environment
        )
        with process:
            try:
                assert process.stderr is not None
                process.stderr.readline()
                with Projection.open(journal_dir) as projection:
                    projection.wait_for(journal.append_message("s", "user", "beta"), 20)
                os.kill(process.pid, signal.SIGSTOP)
                os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
                journal.append_message("s", "user", "gamma")
                journal.append_message("t", "user", "alpha")
                yield journal_dir
            finally:
                process.kill()


def test_every_answer_of_a_handle_says_how_far_it_is_behind(stopped: Path) -> None:
    """Lists and errors that find nothing have `behind`, and `read` returns it."""
    with Projection.open(stopped) as projection:
        results = projection.search("alpha")
        sessions = projection.sessions()
        messages = projection.messages("s")
        session, again = projection.conversation("s")
        for answer in (results, sessions, messages, again):
            assert not answer.fresh
            assert answer.behind is not None
            assert answer.behind.events == 2
            assert answer.behind.bytes > 0
            assert answer.behind.as_of is not None
        assert [m.content for m in messages] == ["alpha", "beta"]
        assert session.messages == 2
        with pytest.raises(NotFound, match=r"2 events .* are not applied yet") as caught:
            projection.session("t")
        assert caught.value.behind == results.behind
        with pytest.raises(NotProjected, match=r"2 events .* are not applied yet"):
            projection.digest()
        _, fresh = projection.read(lambda _: None)
        assert not fresh
        assert fresh.behind == results.behind


def test_a_session_that_is_not_applied_yet_exists(stopped: Path) -> None:
    """The store reads the events that the projector has not applied; only lists are behind."""
    with SessionStore.open(stopped, timeout=0.2) as store:
        assert store.exists("s")
        assert store.exists("t")
        assert not store.exists("nosuch")
        assert store.sessions().behind is not None
        assert store.messages("s").behind is None  # it is read beside the projector
        assert not store.keys.compare_and_set("key", 1, expected=2)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["search", "alpha"], 0),
        (["sessions"], 0),
        (["show", "s"], 0),
        (["show", "s", "--markdown"], 0),
        (["show", "t"], 3),
        (["digest"], 0),
    ],
)
def test_every_command_says_how_far_its_answer_is_behind(
    stopped: Path, arguments: list[str], code: int
) -> None:
    """While the projector hangs, each command answers, and reports on stderr what it lacks."""
    command = [str(BIN / "projector"), "--journal", str(stopped), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == code, done
    assert "is behind: 2 events" in done.stderr


def test_a_handle_still_reads_when_the_lock_cannot_be_acquired(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk gets full while a handle is open, and free again; no read raises an error."""
    with Journal.open(journal_dir) as journal, Projection.open(journal_dir) as projection:
        journal.append_message("s", "user", "alpha")
        assert projection.search("alpha").fresh
        journal.append_message("s", "user", "beta")
        with monkeypatch.context() as patch:

            def full(*_: object) -> None:
                raise ProjectionError("no space left on device")

            patch.setattr(OwnProjector, "catch_up", full)
            results = projection.search("beta OR alpha")
            assert len(results.hits) == 1
            assert results.behind is not None
            assert results.behind.why == "no space left on device"
        assert len(projection.search("beta OR alpha").hits) == 2
        with projector(journal_dir):
            assert projection.sessions().fresh
