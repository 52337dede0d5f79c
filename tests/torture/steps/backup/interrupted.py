"""Interrupt backups and restores at every file operation, and check what is left.

::

    python -m tests.torture.steps.backup.interrupted               15 scenes
    python -m tests.torture.steps.backup.interrupted --seconds 60  as many as fit
    python -m tests.torture.steps.backup.interrupted --sample      a small one, as `make test` does

In each scene a journal is backed up, grows, loses events by erasure, is backed up again to the same
folder, and is restored to a new one. Every file operation goes through a recorder. For each moment
the model of `crash/model.py` gives what the death of the process leaves, and what a power loss may
leave; of the latter the first plain combinations of names are checked, and a share of the others.
In each of these states

- the folder has no backup, the previous one, or the new one, and each is complete: every checksum
  is right, and a journal that is restored from it has exactly its events;
- once the call has returned, it is the new one;
- the restored journal does not exist, or it is complete;
- the same call succeeds when it is repeated; then the backup contains no erased byte.

The same holds after each of some sizes at which the disk is full.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, get_args
from unittest.mock import patch

from journal import (
    BackupDamaged,
    BackupFailed,
    Journal,
    JournalError,
    make_backup,
    restore_backup,
    verify_backup,
)
from journal.erasure.eraser import erase
from journal.fs import disk
from journal.fs.directory import MARK, open_directory
from journal.fs.disk import Disk
from journal.fs.key_file import own_key
from journal.lanes import writer
from tests.support.disks.in_memory import MEMORY
from tests.support.erasing import named
from tests.support.journals import events
from tests.torture.arguments import Amount, again, step_parser
from tests.torture.crash.model import Model
from tests.torture.crash.recorder import Lie, Recorder
from tests.torture.crash.stage import Stage, bare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.torture.crash.model import Tree

_AMOUNT = Amount(15, sample=1, unit="scenes")
_SHARE = 0.006
_SHARE_OF_SAMPLE = 0.002
_MOMENTS = 0.2
"""The part of the moments that a sample checks."""
_SAMPLES, _ROOM = 8, 64
_PLAIN = 3200
"""Number of plain combinations of names that are checked, times the share of the others."""
_WORDS = "words that are erased"
JOURNAL, BACKUP, RESTORED = "journal", "backup", "restored"

Content = frozenset[str] | None
"""The ids of the events of a journal; None if there is none."""


@dataclass(frozen=True, slots=True)
class Span:
    """A call that is interrupted.

    Attributes:
        name: a description.
        begin: index in the log before it.
        end: index after it.
        backup: the possible contents of the backup during the call; the last one after it.
        restored: the same for the restored journal.
        act: makes the call; its argument is the root of a disk.
    """

    name: str
    begin: int
    end: int
    backup: tuple[Content, ...]
    restored: tuple[Content, ...]
    act: Callable[[Path], object]


@dataclass(slots=True)
class Done:
    """The results: scenes, distinct disks, full disks, and failures."""

    scenes: int = 0
    disks: int = 0
    full: int = 0
    failed: dict[int, str] = field(default_factory=dict)


def _back_up(root: Path) -> object:
    return make_backup(root / JOURNAL, root / BACKUP)


def _restore(root: Path) -> object:
    return restore_backup(root / BACKUP, root / RESTORED)


def _content(path: Path) -> Content:
    if not (path / MARK).exists():
        return None
    return frozenset(record.event.id for record in events(path))


def _write(path: Path, random: Random, first: int) -> list[str]:
    """Append messages to some lanes, durably; return their ids."""
    count = random.randint(3, 8)
    names = [f"m{first + number}" for number in range(count)]
    handles = [Journal.open(path, fsync="always") for _ in range(random.randint(1, 2))]
    for name in names:
        text = f"{_WORDS} of {name} " + "x" * random.randrange(200)
        random.choice(handles).append_message("s", "user", text, id=name)
    for handle in handles:
        handle.close()
    return names


def play(root: Path, random: Random, lies: Sequence[Lie]) -> tuple[Recorder, list[Span], str]:
    """Play a scene on an empty disk; return its log, the calls, and the id that was erased."""
    recorder = Recorder(root)
    spans: list[Span] = []
    held: list[Content] = [None]

    def interrupted(name: str, act: Callable[[Path], object], *, restores: bool = False) -> None:
        begin, recorder._lies = len(recorder.log), frozenset(lies)
        act(root)
        recorder._lies = frozenset()
        content = _content(root / JOURNAL)
        backup = (held[-1],) if restores else (held[-1], content)
        held.append(content)
        restored = (None, content) if restores else (None,)
        spans.append(Span(name, begin, len(recorder.log), backup, restored, act))

    with (
        patch.object(disk, "in_use", recorder),
        patch.object(writer, "ROLL_SIZE", random.choice((500, 1500, 100_000))),
    ):
        gone = random.choice(_write(root / JOURNAL, random, 0))
        own_key(root / JOURNAL)
        interrupted("backup", _back_up)
        _write(root / JOURNAL, random, 100)
        erase(open_directory(root / JOURNAL), named(gone))
        interrupted("second backup", _back_up)
        interrupted("restore", _restore, restores=True)
    return recorder, spans, gone


def look(root: Path, span: Span, gone: str, *, is_over: bool) -> str:
    """Return what is wrong on a disk that a call left, and after the call is repeated."""
    backup = span.backup[-1:] if is_over else span.backup
    restored = span.restored[-1:] if is_over else span.restored
    if (found := _restored_of(root)) not in backup:
        return f"the backup holds {_shown(found)}, not one of {', '.join(map(_shown, backup))}"
    if (found := _content(root / RESTORED)) not in restored:
        return f"there is a journal with {_shown(found)}, not {', '.join(map(_shown, restored))}"
    span.act(root)
    if (found := _restored_of(root)) != span.backup[-1]:
        return f"done again, the backup holds {_shown(found)}"
    if (found := _content(root / RESTORED)) != span.restored[-1]:
        return f"done again, there is a journal with {_shown(found)}"
    erased = f"{_WORDS} of {gone} ".encode()
    if span.name == "second backup" and any(
        erased in path.read_bytes() for path in (root / BACKUP).rglob("*") if path.is_file()
    ):
        return f"done again, the backup still has {gone!r}, which was erased"
    return ""


def _shown(content: Content) -> str:
    return "nothing" if content is None else f"{len(content)} events"


def _restored_of(root: Path) -> Content:
    """Return what a backup holds; None if there is none.

    Raises:
        AssertionError: it is not whole.
    """
    try:
        problems = verify_backup(root / BACKUP).problems
    except BackupDamaged as error:
        raise AssertionError(f"the backup is damaged: {error}") from error
    except BackupFailed:
        return None
    if problems:
        raise AssertionError(f"the backup is not whole: {problems}")
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        restore_backup(root / BACKUP, Path(name) / "journal")
        return _content(Path(name) / "journal")


def one(seed: int, done: Done, share: float, lies: Sequence[Lie]) -> None:
    """Play one scene, and check the disks; record the failures."""
    random = Random(seed)
    with tempfile.TemporaryDirectory(prefix="backups-", dir=MEMORY) as name:
        root, stage = Path(name) / "disk", Stage(Path(name) / "stage")
        root.mkdir()
        stage.root.mkdir()
        try:
            recorder, spans, gone = play(root, random, lies)
            wrong = _crash(recorder, spans, gone, stage, random, share, done)
            if not wrong:
                stage.clear()
                wrong = _fill_up(root, spans[1], gone, stage.root, random, done)
        except (AssertionError, JournalError, OSError) as error:
            wrong = f"{type(error).__name__}: {error}"
    if wrong:
        done.failed[seed] = wrong
    done.scenes += 1


def _crash(
    recorder: Recorder,
    spans: list[Span],
    gone: str,
    stage: Stage,
    random: Random,
    share: float,
    done: Done,
) -> str:
    model, place = Model(), 0
    known: set[bytes] = set()
    for span in spans:
        for step in recorder.log[place : span.begin]:
            model.take(step)
        for at in range(span.begin, span.end + 1):
            is_over = at == span.end
            is_seen = is_over or share == _SHARE or random.random() < _MOMENTS
            for tree in _trees(model, random, share) if is_seen else ():
                digest = _digest(tree, f"{span.name} {is_over}")
                if digest in known:
                    continue
                known.add(digest)
                done.disks += 1
                stage.clear()
                stage.lay_out(bare(tree))
                try:
                    wrong = look(stage.root, span, gone, is_over=is_over)
                except (AssertionError, JournalError, OSError) as error:
                    wrong = f"{type(error).__name__}: {error}"
                if wrong:
                    return f"{span.name}, lost after step {at} of {span.end}: {wrong}"
            if not is_over:
                model.take(recorder.log[at])
        place = span.end
    return ""


def _trees(model: Model, random: Random, share: float) -> Iterator[Tree]:
    yield model.as_it_is()
    plain = 0
    for tree, way in model.after_power_loss(random, _SAMPLES, _ROOM):
        plain += way == "plain"
        if (way == "plain" and plain <= share * _PLAIN) or random.random() < share:
            yield tree


def _digest(tree: Tree, span: str) -> bytes:
    found = blake2b(span.encode(), digest_size=16)
    for path, stored in tree.items():
        content = b"/" if stored is None else stored.content
        found.update(f"{path}\0{len(content)}\0".encode() + content)
    return found.digest()


class _Full(Disk):
    """A disk with space for this many bytes."""

    def __init__(self, room: int) -> None:
        self.room = room

    def write(self, fd: int, data: bytes | memoryview) -> int:
        """Write as much as there is space for."""
        part = data[: self.room]
        if data and not part:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.room -= len(part)
        return super().write(fd, part)


def _fill_up(root: Path, span: Span, gone: str, stage: Path, random: Random, done: Done) -> str:
    """Make the first backup of the journal, and the next one, on a disk that is full."""
    for _ in range(12):
        shutil.rmtree(stage)
        shutil.copytree(root / JOURNAL, stage / JOURNAL)
        room = random.randrange(6000)
        done.full += 1
        with patch.object(disk, "in_use", _Full(room)):
            try:
                span.act(stage)
            except BackupFailed as error:
                if "No space left" not in str(error):
                    return f"full after {room} bytes: {error}"
        over = Span(span.name, 0, 0, (None, span.backup[-1]), (None,), span.act)
        if wrong := look(stage, over, gone, is_over=False):
            return f"full after {room} bytes: {wrong}"
    return ""


@contextmanager
def _quiet_syncs() -> Iterator[None]:
    """Leave out the syncs of files that are made only for a check: a model has their effect."""
    with patch.object(Disk, "fsync", lambda *_: None):
        yield


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the scenes; return the exit code."""
    parser = step_parser(__doc__)
    _AMOUNT.add_to(parser)
    parser.add_argument(
        "--lie",
        action="append",
        default=[],
        choices=get_args(Lie),
        help="a disk that does not do this kind of sync: the step must then fail",
    )
    given = parser.parse_args(arguments)
    done, began = Done(), time.monotonic()
    share = _SHARE_OF_SAMPLE if given.sample else _SHARE
    for seed in _AMOUNT.budget(given).seeds():
        with _quiet_syncs():
            one(seed, done, share, given.lie)
    for seed, wrong in done.failed.items():
        print(
            f"FAILED seed {seed}: {wrong}\n  again: {again('backup.interrupted', seed, 'scenes')}"
        )
    print(
        f"backups: {done.scenes} scenes, {done.disks:,} distinct disks after a crash,"
        f" {done.full:,} full disks, {len(done.failed)} failed;"
        f" seed {given.seed}, {time.monotonic() - began:.0f} s"
    )
    return int(bool(done.failed))


if __name__ == "__main__":
    sys.exit(main())
