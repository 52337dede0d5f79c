"""Real faults: a full disk, a limit on file sizes, a read-only mount; and forgetting on these.

With root, a tmpfs of a few MiB is mounted and filled; otherwise RLIMIT_FSIZE replaces it.
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import subprocess
from collections import Counter
from typing import TYPE_CHECKING

import journal.lanes.lane
import journal.lanes.writer
from journal import Journal, JournalError
from journal.fs.directory import open_directory
from journal.segments.reader import read_events
from journal.segments.segment import ROLL_SIZE
from journal.verify import verification, verify
from projector.errors import ProjectorError
from projector.forgetting.erasures import erasures
from projector.forgetting.finish import finish_forgetting
from projector.forgetting.forget import forget
from projector.forgetting.selection import Selection
from projector.projection import Projection
from projector.run.build import rebuild
from tests.torture.faults.workloads import catch_up, put

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from journal.lanes.group_commit import Fsync

_DISK = 16
"""MiB of the small disk."""
_BALLAST = 13 * 1024 * 1024
_MOST = 4_000


@contextlib.contextmanager
def _mounted(at: Path) -> Iterator[None]:
    at.mkdir()
    options = f"size={_DISK}m,mode=0700"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(at)], check=True)  # noqa: S607 - the system's own
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=True)  # noqa: S607 - as above


def _remount(at: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(at)], check=True)  # noqa: S607 - as above


class _Writer:
    """Appends until the disk fails, and records what was acknowledged."""

    def __init__(self, folder: Path, fsync: Fsync) -> None:
        self.journal = Journal.open(folder, fsync=fsync)
        self.fsync = fsync
        self.acknowledged: list[str] = []
        self.next = 0

    def append(self) -> None:
        """Append the next event; after an error its number is used again."""
        id = f"{self.fsync}-{self.next}"
        content = f"alpha {self.next} " + "z" * (self.next * 977 % 20_000)
        self.journal.append_message("s", "user", content, id=id)
        self.acknowledged.append(id)
        self.next += 1

    def until_refused(self) -> str:
        """Append until the first error, and return it; it must be a documented one."""
        for _ in range(_MOST):
            try:
                self.append()
            except JournalError as error:
                return str(error)
        return ""


def _after(folder: Path, writers: list[_Writer]) -> list[str]:
    """Return what is wrong after all handles are closed and the disk has space again."""
    verification._PATIENCE = 0
    # no writer was killed: each removes what a refused write left
    wrong = [str(problem) for problem in verify(folder / "lanes").problems]
    found = Counter(at.record.event.id for at in read_events(folder / "lanes", lambda *_: None))
    for writer in writers:
        lost = [id for id in writer.acknowledged if id not in found]
        wrong += [f"{writer.fsync}: acknowledged and lost: {lost}"] if lost else []
    catch_up(folder)
    with Projection.open(folder) as projection:
        before, status = projection.digest(), projection.status()
        rebuild(open_directory(folder, create=False))
        if projection.digest() != before:
            wrong.append("the digest is not that of a rebuild")
    if status.events != len(found) or status.conflicts:
        wrong.append(f"{status.events} events and {status.conflicts} conflicts of {len(found)}")
    return wrong


def _fill(folder: Path, make_space: Callable[[], None]) -> list[str]:
    """Fill the disk, read on it, free space, and continue with the same handles."""
    levels: tuple[Fsync, ...] = ("always", "interval", "never")
    writers = [_Writer(folder, level) for level in levels]
    wrong = []
    for writer in writers:
        for _ in range(3):  # repeatedly: after each error the journal must be valid
            error = writer.until_refused()
            if not error:
                wrong.append(f"{writer.fsync}: nothing was refused in {_MOST} appends")
    try:
        catch_up(folder)
    except (ProjectorError, JournalError) as error:
        if "full" not in str(error) and "space" not in str(error):
            wrong.append(f"the projector on a full disk says: {error}")
    make_space()
    for writer in writers:
        for _ in range(12):
            with contextlib.suppress(JournalError):  # one call may still report the earlier error
                writer.append()
                continue
            writer.append()
        writer.journal.sync()
        writer.journal.close()
    return wrong + _after(folder, writers)


def full_disk(base: Path) -> list[str]:
    """Fill a small disk."""
    at = base / "disk"
    with _mounted(at):
        ballast = at / "ballast"
        ballast.write_bytes(bytes(_BALLAST))
        return _fill(at / "journal", ballast.unlink)


def file_limit(base: Path) -> list[str]:
    """Limit the size of files; segments and database reach the limit."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (256 * 1024, before[1]))
    try:
        # a segment at the limit is left for the next one, so only this level is refused once
        writer = _Writer(base / "limited", "always")
        errors = 0
        for _ in range(60):
            try:
                writer.append()
            except JournalError:
                errors += 1
        refused = "" if errors else "nothing was refused under the limit"
        with contextlib.suppress(ProjectorError, JournalError):
            catch_up(base / "limited")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    for _ in range(12):
        writer.append()
    writer.journal.close()
    return [*([refused] if refused else []), *_after(base / "limited", [writer])]


def read_only(base: Path) -> list[str]:
    """Open, project and search a journal on a file system that turned read-only."""
    at = base / "frozen"
    wrong = []
    with _mounted(at):
        writer = _Writer(at / "journal", "always")
        writer.append()
        writer.journal.close()
        catch_up(at / "journal")
        _remount(at, "ro")
        for what, action in (
            ("open", lambda: Journal.open(at / "journal").close()),
            ("make", lambda: Journal.open(at / "other").close()),
            ("sync", lambda: catch_up(at / "journal")),
            ("rebuild", lambda: rebuild(open_directory(at / "journal", create=False))),
        ):
            try:
                action()
            except (JournalError, ProjectorError) as error:
                if "ead-only" not in str(error):
                    wrong.append(f"{what}: {error}")
            else:
                wrong.append(f"{what} on a read-only file system was no error")
        _remount(at, "rw")
        again = _Writer(at / "journal", "interval")
        again.append()
        again.journal.close()
        wrong += _after(at / "journal", [writer, again])
    return wrong


_ROOMS = (0, 4, 12, 28, 44, 100, 260)
"""KiB that are left on the disk when something is to be forgotten: each step of it fails once."""
_TOKEN = "tok3n"  # noqa: S105 - a word that is searched for


def forgetting(base: Path) -> list[str]:
    """Forget a session on a disk that is full but for a few KiB, and then read-only."""
    wrong = []
    for room in _ROOMS:
        at = base / f"room-{room}"
        with _mounted(at):
            wrong += [f"{room} KiB: {line}" for line in _forget_in(at, at / "journal", room)]
    return wrong


def _forget_in(disk: Path, folder: Path, room: int) -> list[str]:
    with Journal.open(folder) as journal:
        for number in range(40):
            journal.append_message("kept", "user", f"alpha {number}", id=f"m{number}")
            journal.append_message(_TOKEN, "user", f"alpha {_TOKEN}", id=f"{_TOKEN}-{number}")
    catch_up(folder)
    ballast = disk / "ballast"
    free = os.statvfs(disk)
    ballast.write_bytes(bytes(max(0, free.f_bavail * free.f_frsize - room * 1024)))
    said = ""
    try:
        forget(folder, Selection(sessions=(_TOKEN,)))
    except (JournalError, ProjectorError) as error:
        said = "; ".join([str(error), *getattr(error, "__notes__", ())])
    requested = bool(erasures(folder))
    wrong = []
    if said and "full" not in said and "No space" not in said:
        wrong.append(f"the error does not say that the disk is full: {said}")
    if said and ("request is in the journal" in said) is not requested:
        wrong.append(f"whether a request is kept is {requested}, and the error says: {said}")
    if requested:
        wrong += _shows(folder, "on the full disk")
        ballast.unlink()
        _remount(disk, "ro")
        wrong += _shows(folder, "on the read-only disk")
        _remount(disk, "rw")
    else:
        ballast.unlink()
        forget(folder, Selection(sessions=(_TOKEN,)))
    outcome = finish_forgetting(folder)
    if not outcome.is_complete or outcome.unreadable:
        wrong.append(f"it cannot be completed: {outcome}")
    wrong += [str(problem) for problem in verify(folder / "lanes").problems]
    files = [path for path in folder.rglob("*") if path.is_file()]
    wrong += [f"{file} holds it" for file in files if _TOKEN.encode() in file.read_bytes()]
    return wrong + _shows(folder, "at the end")


def _shows(folder: Path, when: str) -> list[str]:
    """Return which answers have what is to be forgotten, or lack what is not."""
    with Projection.open(folder) as projection:
        hits = projection.search("alpha", limit=100).hits
        names = [view.session for view in projection.sessions()]
        rows, _ = projection.read(lambda db: db.execute("SELECT * FROM messages").fetchall())
    answers = {"a search": hits, "the sessions": names, "the rows": rows}
    wrong = [f"{what} {when} has it" for what, found in answers.items() if _TOKEN in repr(found)]
    if (len(hits), names, len(rows)) != (40, ["kept"], 40):
        wrong.append(f"{when}: {len(hits)} hits, sessions {names}, {len(rows)} rows")
    return wrong


def run(base: Path) -> tuple[int, list[str]]:
    """Run all that this user may; return the number, and what is wrong."""
    for module in (journal.lanes.lane, journal.lanes.writer):
        put(module, "ROLL_SIZE", ROLL_SIZE)  # in the process that called workloads.small()
    faults: list[Callable[[Path], list[str]]] = [file_limit]
    if os.geteuid() == 0 and shutil.which("mount"):
        faults += [full_disk, read_only, forgetting]
    wrong = []
    for fault in faults:
        wrong += [f"{fault.__name__}: {line}" for line in fault(base)]
    return len(faults), wrong
