"""Files of another user, files that others can write, and special files are refused."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner, Result

from journal import Journal, JournalError
from journal.cli import cli as journal_cli
from journal.errors import JournalOpenError, NotAJournalError
from journal.fs.directory import open_directory
from journal.fs.files import sweep_drafts
from journal.fs.location import default_path
from journal.fs.ownership import read_own
from projector import Projection, SessionStore
from projector.cli import cli as projector_cli
from projector.errors import ProjectorError

if TYPE_CHECKING:
    from collections.abc import Callable

BIN = Path(sys.executable).parent
SOMEBODY = 4242
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal with a projection, the lock of the arbiter, and an import."""
    folder = tmp_path_factory.mktemp("made")
    path = folder / "journal"
    source = folder / "talk.json"
    source.write_text('[{"role": "user", "content": "needle", "id": "i1"}]')
    with Journal.open(path) as journal:
        journal.append_message("s", "user", "needle", id="m1")
    for command in (
        ["journal", "import", "auto", str(source)],
        ["projector", "search", "needle"],
        ["projector", "rebuild"],
    ):
        assert run(path, *command).exit_code == 0
    (path / "arbiter").touch(0o600)
    return folder


@pytest.fixture
def path(made: Path, tmp_path: Path) -> Path:
    """A copy of that journal."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path / "journal"


def run(path: Path, *command: str) -> Result:
    """Run a command on a journal, in this process."""
    if command == ("decide",):
        return _decide(path)
    program = journal_cli if command[0] == "journal" else projector_cli
    return CliRunner().invoke(program, list(command[1:]), env={"JOURNAL_DIR": str(path)})


def run_apart(
    path: Path, *command: str | Path, timeout: float = 60, memory: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run a command on a journal in its own process, with a limit of memory if given."""

    def bound() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))

    return subprocess.run(
        [BIN / str(command[0]), *command[1:]],
        env=os.environ | {"JOURNAL_DIR": str(path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
        preexec_fn=bound if memory else None,
    )


# places in a journal, and the commands that use each
WRITES = ["journal", "append", "--session", "s", "--role", "user", "x"]
READS = ["projector", "search", "needle"]
DECIDES = ("decide",)


def _decide(path: Path) -> Result:
    @click.command
    def decide() -> None:
        try:
            with SessionStore.open(path) as store:
                store.claim_title("s", "t")
        except (JournalError, ProjectorError) as error:
            raise click.ClickException(str(error)) from error

    return CliRunner().invoke(decide, [])


USES: dict[str, list[list[str]]] = {
    "": [WRITES, READS, ["journal", "cat"], ["journal", "status"], ["projector", "status"]],
    "journal.json": [WRITES, READS, ["journal", "cat"], ["journal", "verify"]],
    "lanes": [WRITES, READS, ["journal", "cat"], ["journal", "verify"]],
    "lanes/1": [WRITES, READS, ["journal", "cat"]],
    "lanes/1/lock": [WRITES],
    "lanes/1/000001.jsonl": [WRITES, ["journal", "cat"], ["projector", "rebuild"]],
    "projection": [READS, ["projector", "status"], ["projector", "rebuild"]],
    "projection/CURRENT": [READS, ["projector", "show", "s"]],
    "projection/2.db": [READS, ["projector", "sync"]],
    "projection/lock": [["projector", "sync"], ["projector", "run"]],
    "projection/build.lock": [["projector", "rebuild"]],
    "arbiter": [list(DECIDES)],
}
CASES = [(place, command) for place, commands in USES.items() for command in commands]


def _name(value: object) -> str:
    return " ".join(value)[:24] if isinstance(value, list) else str(value)


@needs_root
@pytest.mark.parametrize(("place", "command"), CASES, ids=_name)
def test_files_of_another_user_are_refused(path: Path, place: str, command: list[str]) -> None:
    """Root, too, does not write to files of another user; the message says what to do."""
    os.chown(path / place, SOMEBODY, SOMEBODY)
    before = _contents(path)
    found = run(path, *command)
    assert found.exit_code in {1, 7}
    assert isinstance(found.exception, SystemExit)
    assert f"belongs to user {SOMEBODY}" in found.stderr
    assert "chown -R" in found.stderr
    assert _contents(path) == before


@pytest.mark.parametrize(("place", "command"), CASES, ids=_name)
@pytest.mark.parametrize("bits", [0o020, 0o002])
def test_files_that_others_can_write_are_refused(
    path: Path, place: str, command: list[str], bits: int
) -> None:
    """Files that the group or all may write are refused; the message says what to do."""
    at = path / place
    at.chmod(at.stat().st_mode | bits)
    before = _contents(path)
    found = run(path, *command)
    assert found.exit_code in {1, 7}
    assert isinstance(found.exception, SystemExit)
    assert "may be written by other users" in found.stderr
    assert "chmod -R go-w" in found.stderr
    assert _contents(path) == before
    subprocess.run(["/bin/chmod", "-R", "go-w", path], check=True, timeout=60)
    if command[:2] != ["projector", "run"]:
        assert run(path, *command).exit_code == 0


def _contents(path: Path) -> dict[str, bytes]:
    lanes = path / "lanes"
    return {str(file): file.read_bytes() for file in lanes.rglob("*.jsonl")}


@needs_root
def test_a_planted_journal_gets_no_message(tmp_path: Path) -> None:
    """A world-writable journal at the path of README's first example gets no message."""
    planted = tmp_path / "first-journal"
    with Journal.open(planted) as journal:
        journal.append_message("s", "user", "x", id="m0")
    for folder, _, files in os.walk(planted):
        os.chown(folder, 65534, 65534)
        Path(folder).chmod(0o777)
        for name in files:
            os.chown(Path(folder) / name, 65534, 65534)
            (Path(folder) / name).chmod(0o666)
    found = run(planted, *WRITES[:-1], "my key is sk-SECRET")
    assert found.exit_code == 1
    assert "another" in found.stderr
    assert b"SECRET" not in b"".join(_contents(planted).values())


def test_a_folder_that_others_can_only_read_is_used(tmp_path: Path) -> None:
    """`mkdir` makes such folders; files that are made in them are readable only by the owner."""
    (tmp_path / "j").mkdir(mode=0o755)
    with Journal.open(tmp_path / "j") as journal:
        journal.append_message("s", "user", "x", id="m")
    modes = {file.stat().st_mode & 0o077 for file in (tmp_path / "j").rglob("*")}
    assert modes == {0}


@needs_root
def test_a_link_of_another_user_is_not_followed(tmp_path: Path) -> None:
    """A link of another user on the path is refused: its owner could redirect it."""
    (tmp_path / "real").mkdir(mode=0o700)
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "real")
    Journal.open(link / "j").close()
    os.chown(link, SOMEBODY, SOMEBODY, follow_symlinks=False)
    with pytest.raises(JournalOpenError, match="symbolic link of user 4242"):
        Journal.open(link / "j")


# something else in place of a file


def _a_pipe(at: Path) -> None:
    os.mkfifo(at, 0o600)


def _a_link(at: Path) -> None:
    at.symlink_to(at.with_name(f"{at.name}.target"))


def _a_socket(at: Path) -> None:
    here = Path.cwd()
    os.chdir(at.parent)  # the path of a socket must be short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(at.name)
    finally:
        os.chdir(here)


def _a_folder(at: Path) -> None:
    at.mkdir(mode=0o700)


def _a_device(at: Path) -> None:
    os.mknod(at, 0o600 | 0o020000, os.makedev(1, 5))  # /dev/zero has no end


KINDS: list[Callable[[Path], None]] = [_a_pipe, _a_link, _a_socket, _a_folder]
if os.geteuid() == 0:
    KINDS.append(_a_device)
FILES = [
    *(("journal.json", command) for command in USES["journal.json"]),
    *(("projection/CURRENT", command) for command in USES["projection/CURRENT"]),
    *(("projection/2.db", command) for command in USES["projection/2.db"]),
    ("projection/2.db-wal", READS),
    ("projection/2.db-shm", READS),
    ("projection/2.db-journal", READS),
    ("projection/lock", ["projector", "sync"]),
    ("projection/build.lock", ["projector", "rebuild"]),
    ("arbiter", list(DECIDES)),
    ("lanes", WRITES),
    ("lanes", READS),
    ("projection", READS),
]


@pytest.mark.parametrize(("place", "command"), FILES, ids=_name)
@pytest.mark.parametrize("make", KINDS)
def test_special_files_are_refused_at_once(
    path: Path, place: str, command: list[str], make: Callable[[Path], None]
) -> None:
    """No command waits for it, reads it, or follows it; the message says what it is."""
    at = path / place
    aside = at.with_name(f"{at.name}.target")
    if at.exists():
        at.rename(aside)
    else:
        aside.touch(0o600)
    if make is _a_folder and not at.suffix and aside.is_dir():
        pytest.skip("a folder is right here")
    make(at)
    found = run(path, *command)
    assert found.exit_code != 0, found.stderr
    assert isinstance(found.exception, SystemExit)
    assert place.rpartition("/")[2] in found.stderr


@pytest.mark.parametrize("make", KINDS)
def test_a_lane_with_special_files_is_skipped(path: Path, make: Callable[[Path], None]) -> None:
    """A lane whose lock or segment is not a regular file is skipped; no message is lost."""
    for name in ("lock", "000001.jsonl", "000002.jsonl"):
        at = path / "lanes/1" / name
        at.unlink(missing_ok=True)
        make(at)
    assert run(path, *WRITES).exit_code == 0
    for command in (READS, ["journal", "cat"], ["journal", "verify"], ["journal", "status"]):
        found = run(path, *command)
        assert found.exception is None or isinstance(found.exception, SystemExit)


# sizes

COMMANDS = [
    WRITES,
    READS,
    ["journal", "cat"],
    ["journal", "verify"],
    ["journal", "status"],
    ["projector", "status"],
    ["projector", "sync"],
]


@pytest.mark.parametrize(
    ("place", "size"),
    [
        ("journal.json", 10 * 2**30),
        ("projection/CURRENT", 10 * 2**30),
        ("projection/lock", 10 * 2**30),
        ("projection/2.db-wal", 2**40),
        ("lanes/1/lock", 2**40),
        ("lanes/1/000001.jsonl", 2**40),
        ("lanes/1/000002.jsonl", 2**40),
        ("arbiter", 2**40),
    ],
)
def test_a_bogus_size_costs_no_memory(path: Path, place: str, size: int) -> None:
    """With a sparse file of a terabyte, each command ends quickly and within 2 GiB of memory."""
    with (path / place).open("ab") as file:
        (path / place).chmod(0o600)
        file.truncate(size)
    for command in COMMANDS if place.startswith("lanes/1/0") else (WRITES, READS):
        found = run_apart(path, *command, memory=2 * 2**30)
        assert "Traceback" not in found.stderr, (command, found.stderr)
        assert "MemoryError" not in found.stderr


def test_a_hole_in_a_segment_hides_no_record(path: Path) -> None:
    """Records before and after a hole are found, and the hole is reported."""
    segment = path / "lanes/1/000001.jsonl"
    with Journal.open(path) as journal:
        journal.append_message("s", "user", "behind", id="m9")
    content = segment.read_bytes()
    at = content.rindex(b'{"crc":"')
    with segment.open("r+b") as file:
        file.truncate(at)
        file.seek(2**38)
        file.write(b"\n" + content[at:])
    found = run(path, "journal", "cat")
    assert '"id":"m9"' in found.stdout
    assert "a hole in the file" in found.stderr
    assert run(path, "projector", "search", "behind").stdout


def test_many_lanes_need_few_files(tmp_path: Path) -> None:
    """Every command reads a journal of 300 lanes with 100 descriptors."""
    path = tmp_path / "journal"
    with Journal.open(path) as journal:
        journal.append_message("s", "user", "needle", id="m0")
    lanes = path / "lanes"
    for number in range(2, 301):
        shutil.copytree(lanes / "1", lanes / str(number))
        segment = lanes / str(number) / "000001.jsonl"
        segment.chmod(0o600)
    line = "ulimit -n 100; "
    for command in (
        "journal append --session s --role user --id m1 hello",
        "journal cat",
        "journal status",
        "journal verify",
        "projector search needle",
        "projector rebuild",
        "projector status",
        "timeout -s INT 3 projector run & timeout -s INT 2 journal cat --follow; wait",
    ):
        found = subprocess.run(
            ["/bin/bash", "-c", line + command],
            env=os.environ | {"JOURNAL_DIR": str(path), "PATH": f"{BIN}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        assert "Too many open files" not in found.stderr, (command, found.stderr[-400:])
        assert "Traceback" not in found.stderr


# unset and empty paths


@pytest.mark.parametrize(
    ("name", "value"),
    [("XDG_DATA_HOME", "rel"), ("XDG_DATA_HOME", "./rel"), ("HOME", ""), ("HOME", "rel")],
)
def test_a_default_that_is_no_absolute_path_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """A relative or empty default path raises an error; the current folder is not used."""
    for other in ("JOURNAL_DIR", "XDG_DATA_HOME"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(name, value)
    with pytest.raises(JournalOpenError, match=rf"{name} is .* absolute path.*--journal"):
        default_path()
    if name == "HOME":
        with pytest.raises(JournalOpenError, match="HOME"):
            Journal.open("~/agents")
    found = subprocess.run(
        [BIN / "journal", "append", "--session", "s", "--role", "u", "x"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert found.returncode == 1
    assert name in found.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_empty_path_is_not_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty path, as from an unset variable, is an error."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(JournalOpenError, match="empty path"):
        Journal.open("")
    found = subprocess.run(
        [BIN / "journal", "--journal", "", "append", "--session", "s", "--role", "u", "x"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert found.returncode == 2
    assert "path is empty" in found.stderr
    assert list(tmp_path.iterdir()) == []


# temporary files


def _export(path: Path, out: Path) -> subprocess.Popen[bytes]:
    """Start an export, and return when its temporary file exists."""
    process = subprocess.Popen(
        [BIN / "journal", "--journal", path, "export", "hermes", out],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + 60
    while not list(out.parent.glob(f".{out.name}.*")) and process.poll() is None:
        assert time.monotonic() < until
        time.sleep(0.005)
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_an_export_that_is_ended_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    """Its temporary file is removed, and the exit status names the signal."""
    path, out = _large(tmp_path), tmp_path / "out.db"
    process = _export(path, out)
    process.send_signal(number)
    assert process.wait(60) == (130 if number == signal.SIGINT else -number)
    assert list(tmp_path.glob(".out.db*")) == []
    assert not out.exists()


def test_the_next_export_removes_the_file_of_a_killed_one(tmp_path: Path) -> None:
    """The next export removes the file of a killed one, but not that of a running one."""
    path, out = _large(tmp_path), tmp_path / "out.db"
    dead = _export(path, out)
    dead.kill()
    dead.wait()
    left = set(tmp_path.glob(".out.db*"))
    assert left
    own = tmp_path / ".out.db.mine.tmp"  # no export made it
    own.touch()
    alive = _export(path, out)
    os.kill(alive.pid, signal.SIGSTOP)
    held = set(tmp_path.glob(".out.db*.tmp"))
    assert run(path, "journal", "export", "hermes", str(out)).exit_code == 0
    assert not left & set(tmp_path.glob(".out.db*"))
    assert held - left <= set(tmp_path.glob(".out.db*"))
    assert own.exists()
    alive.kill()
    alive.wait()


def _large(tmp_path: Path) -> Path:
    with Journal.open(tmp_path / "journal", fsync="never") as journal:
        for batch in range(20):
            journal.append_many(
                {
                    "session": f"s{batch}",
                    "id": str(n),
                    "type": "message.appended",
                    "data": {"role": "user", "content": "word " * 20},
                }
                for n in range(500)
            )
    with Projection.open(tmp_path / "journal") as projection:
        projection.sessions()
    return tmp_path / "journal"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_rebuild_that_is_ended_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    """The unfinished generation is removed; the one in use stays."""
    path = _large(tmp_path)
    process = subprocess.Popen([BIN / "projector", "--journal", path, "rebuild"])
    until = time.monotonic() + 60
    while not (path / "projection/2.db").exists():
        assert time.monotonic() < until
        time.sleep(0.002)
    process.send_signal(number)
    code = process.wait(60)
    if code != 0:  # the rebuild may have ended before
        assert sorted(file.name for file in (path / "projection").glob("*.db")) == ["1.db"]


def test_old_drafts_are_removed(path: Path) -> None:
    """After an hour, drafts of a killed writer are removed, and nothing else is."""
    uuid = "0199c0de-0000-7000-8000-000000000002"
    old = [path / f".journal.json.{uuid}", path / "projection" / f".CURRENT.{uuid}"]
    old.append(path / "imports" / f".{'a' * 32}.json.{uuid}")
    new = path / f".journal.json.{uuid[:-1]}3"
    other = path / ".somebody.else"
    for draft in (*old, new, other):
        draft.touch()
    for draft in (*old, other):
        os.utime(draft, (1, 1))
    Journal.open(path).close()
    assert run(path, "projector", "rebuild").exit_code == 0
    assert run(path, "journal", "import", "auto", str(path.parent / "talk.json")).exit_code == 0
    assert [draft.exists() for draft in old] == [False] * 3
    assert new.exists()
    assert other.exists()
    new.unlink()
    sweep_drafts(path)


# valid journals and missing ones


def test_a_sound_journal_is_not_refused(path: Path) -> None:
    """An own journal is used, also with files that others may read, as after a restore."""
    for file in path.rglob("*"):
        file.chmod(0o755 if file.is_dir() else 0o644)
    for command in (WRITES, READS, ["journal", "verify"], ["projector", "verify"]):
        found = run(path, *command)
        assert (found.exit_code, "Error" in found.stderr) == (0, False), found.stderr


def test_a_folder_that_is_no_journal_is_an_error(tmp_path: Path) -> None:
    """A missing folder, and a folder with other files, raise the documented errors."""
    with pytest.raises(NotAJournalError):
        open_directory(tmp_path / "nothing", create=False)
    with pytest.raises((JournalError, ProjectorError)):
        Projection.open(tmp_path / "nothing")


@pytest.mark.parametrize("name", ["redact.toml", "retention.toml", "lanes/1/000001.jsonl"])
@pytest.mark.parametrize("is_own", [True, False])
def test_a_file_that_may_not_be_read_has_a_remedy(
    path: Path, name: str, monkeypatch: pytest.MonkeyPatch, *, is_own: bool
) -> None:
    """The error names the file and what to do: its mode, or the user to whom it belongs."""
    at = path / name
    at.touch()
    opened = os.open

    def refuse(file: str | Path, flags: int) -> int:
        if Path(file) == at:
            raise PermissionError(errno.EACCES, "Permission denied", str(at))
        return opened(file, flags)

    monkeypatch.setattr(os, "open", refuse)
    if not is_own:
        monkeypatch.setattr(os, "geteuid", lambda: at.stat().st_uid + 1)
    with pytest.raises(PermissionError) as caught:
        read_own(at, 1024)
    remedy = f"chmod u+r {at}" if is_own else f"it belongs to user {at.stat().st_uid}: run this as"
    assert remedy in str(caught.value.strerror)
