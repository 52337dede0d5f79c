"""The small workloads that are killed or get errors; they cover every path of the code."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar
from unittest.mock import patch

import journal.cli
import journal.lanes.background
import journal.lanes.lane
import journal.lanes.writer
import projector.cli
import projector.db.connections
import projector.run.projector
import projector.run.wal
import projector.run.watch
from journal.erasure.compact import compact
from journal.erasure.eraser import erase
from journal.erasure.files import joining
from journal.errors import JournalError, SyncError
from journal.fs.directory import open_directory
from journal.importers.registry import installed
from journal.importers.run.driver import Importer
from journal.writer import Journal
from projector.db.generations import generations
from projector.db.process_lock import ProcessLock
from projector.errors import ProjectorError
from projector.forgetting.finish import finish_forgetting
from projector.run.lock_holder import open_current
from projector.run.watch import Watch
from tests.support.erasing import named
from tests.support.forgetting.requests import ask
from tests.torture.faults import traced

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType

    from journal.lanes.group_commit import Fsync
    from tests.support.erasing import Named
    from tests.torture.faults.traced import Shared

T = TypeVar("T")

# late imports happen here, so that a fault occurs in the work and not in an import
_LOADED = [
    *journal.cli.cli.commands.values(),
    *projector.cli.cli.commands.values(),
    *installed().formats,
    *map(import_module, ("hashlib", "journal.lanes.edit_order", "projector.db.digest", "shlex")),
    import_module("watchdog.observers"),
]

PLAN: tuple[tuple[Fsync, tuple[int, ...]], ...] = (
    ("always", (1, 1, 3, 1, 2, 1, 4, 1)),
    ("interval", (1, 2, 1, 3, 1)),
    ("never", (1, 2, 1, 3)),
)
"""The writer's work: a handle of each level, and the sizes of its appends."""
EVENTS = sum(sum(sizes) for _, sizes in PLAN)
_ROLL = 700
_TRIES = 3
SESSION = "s1"


@dataclass(slots=True)
class Settings:
    """Settings that tests of the sweep change: with `eager` the writer acknowledges too early."""

    eager: bool = False


settings = Settings()


def small() -> None:
    """Make segments and transactions so small that a few events fill several; in this process."""
    put(journal.lanes.lane, "ROLL_SIZE", _ROLL)
    put(journal.lanes.writer, "ROLL_SIZE", _ROLL)
    put(journal.lanes.background, "GATHER", 0.002)  # the wait is not under test
    put(projector.run.projector, "_TRANSACTION", 4 * 1024)
    put(projector.db.connections, "BUSY_MS", 50)
    put(projector.run.wal, "BUSY_MS", 50)
    put(projector.run.watch, "_GONE", 2)


def put(module: ModuleType, name: str, value: float) -> None:
    """Replace a module's constant by another value.

    Raises:
        AttributeError: the module has no such name, so the sweep would test less.
    """
    getattr(module, name)
    setattr(module, name, value)


def event(number: int) -> dict[str, object]:
    """Return the n-th event of the writer."""
    content = f"word{number} alpha 北京 " + "x" * (number * 37 % 200)
    data = {"role": "user", "content": content}
    return {"session": SESSION, "id": f"e{number}", "type": "message.appended", "data": data}


def write(folder: Path, shared: Shared) -> int:
    """Open, append, roll, sync and close at every level; continue after every error.

    Returns:
        0, or 9 if a handle did not serve again once the fault was gone.
    """
    small()
    number = 0
    for fsync, sizes in PLAN:
        handle = _retry(shared, partial(Journal.open, folder, fsync=fsync))
        if handle is None:
            return 9
        for size in sizes:
            numbers = list(range(number, number + size))
            number += size
            if settings.eager:
                _acknowledge(shared, numbers)
            if _retry(shared, partial(_append, handle, numbers)) is None:
                return 9
            _acknowledge(shared, numbers)
            if fsync == "interval":
                time.sleep(0.006)  # gives the background thread time to run
        all_of_it = list(range(number - sum(sizes), number))
        if fsync != "always" and _retry(shared, partial(_sync, handle, all_of_it)) is None:
            return 9
        try:
            handle.close()
        except JournalError as error:
            traced.noted.append(f"{type(error).__name__}: {error}")
    return 0


def _acknowledge(shared: Shared, numbers: list[int]) -> None:
    for one in numbers:
        shared.acknowledge(one)


def _append(handle: Journal, numbers: list[int]) -> bool:
    if len(numbers) == 1:
        handle.append(**event(numbers[0]))  # type: ignore[arg-type] # its keys are the arguments
    else:
        handle.append_many(map(event, numbers))
    return True


def _sync(handle: Journal, numbers: list[int]) -> bool:
    try:
        handle.sync()
    except SyncError as error:
        if not error.ids:  # nothing was kept: append them again, as the error says
            _append(handle, numbers)
        raise
    return True


def _retry(shared: Shared, action: Callable[[], T]) -> T | None:
    """Try a few times, then once more without the fault; return None if that fails, too."""
    for _ in range(_TRIES):
        try:
            return action()
        except JournalError as error:
            traced.noted.append(f"{type(error).__name__}: {error}")
    shared.set(traced.ASK)
    shared.wait(traced.LIFTED)
    for _ in range(2):  # the first call may still report an earlier error
        try:
            return action()
        except JournalError as error:
            traced.noted.append(f"although the cause is gone: {type(error).__name__}: {error}")
    return None


def again(folder: Path) -> None:
    """Repeat the writer's work with the same ids."""
    with Journal.open(folder, fsync="always") as handle:
        handle.append_many(map(event, range(EVENTS)))


def import_(folder: Path, _shared: Shared) -> int:
    """Import a transcript with the command."""
    source = str(_source(folder))
    return _command(
        journal.cli.main, ["journal", "--journal", str(folder), "import", "openai", source]
    )


def sync(folder: Path, _shared: Shared) -> int:
    """Apply new events with the command."""
    return _command(projector.cli.main, ["projector", "--journal", str(folder), "sync"])


def rebuild(folder: Path, _shared: Shared) -> int:
    """Rebuild with the command."""
    return _command(projector.cli.main, ["projector", "--journal", str(folder), "rebuild"])


def run(folder: Path, _shared: Shared) -> int:
    """Run the projector until it has caught up, then stop it as an operator does."""
    # the tested calls come before it waits for new events
    with patch.object(Watch, "_wait", lambda *_: os.kill(os.getpid(), signal.SIGTERM)):
        return _command(projector.cli.main, ["projector", "--journal", str(folder), "run"])


def _command(main: Callable[[], None], arguments: list[str]) -> int:
    small()
    sys.argv = arguments
    main()
    return 0


def erase_(folder: Path, shared: Shared) -> int:
    """Erase events from final and active segments; all others stay."""
    small()
    _acknowledge(shared, [number for number in range(_BACKLOG) if number not in _ERASED])
    try:
        report = erase(open_directory(folder, create=False), _forgotten(), patience=0)
    except JournalError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 7
    return 9 if report.pending else 0


def compact_(folder: Path, shared: Shared) -> int:
    """Join the segments of each lane, and remove the files of those that were joined."""
    small()
    put(joining, "GRACE", float("-inf"))
    _acknowledge(shared, list(range(_BACKLOG)))
    try:
        found = compact(folder)
    except JournalError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 7
    return 9 if found.waiting else 0


def _compact_again(folder: Path) -> None:
    with patch.object(joining, "GRACE", float("-inf")):
        compact(folder)


def _forgotten() -> Named:
    return named(*(f"e{number}" for number in _ERASED))


def _erase_again(folder: Path) -> None:
    erase(open_directory(folder, create=False), _forgotten(), patience=0)


def forget_(folder: Path, _shared: Shared) -> int:
    """Carry out a request: build a generation, erase, remove the old one, write the receipt."""
    small()
    try:
        outcome = finish_forgetting(folder)
    except (JournalError, ProjectorError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 7
    return 9 if outcome.pending else 0


def _finish(folder: Path) -> None:
    finish_forgetting(folder)


def _asked(folder: Path) -> None:
    _in_small_segments(folder, _FEW)
    catch_up(folder)
    ask(folder, "request", events=[(SESSION, f"e{number}") for number in _ASKED])


_ERASED = (1, 2, 3, 10, 12, 30, 39)
"""Numbers of the events that are erased."""
_FEW, _ASKED = 12, (1, 3, 10)
"""Number of messages, and numbers of those that a request names."""
_LINES = 24
"""Number of messages in the imported transcript."""
_BACKLOG = 40
"""Number of messages that the projector applies."""


def _source(folder: Path) -> Path:
    return folder.parent / "source.jsonl"


def _transcript(folder: Path, lines: int) -> None:
    messages = (
        {"role": "user", "content": f"line {n} 手机 " + "y" * n * 9, "timestamp": 1_770_000_000 + n}
        for n in range(lines)
    )
    text = "".join(json.dumps(one) + "\n" for one in messages)
    _source(folder).write_text(text, encoding="utf-8")


def _import(folder: Path) -> None:
    with Journal.open(folder, fsync="always") as handle:
        importer = Importer(handle, "openai")
        importer.run(importer.sources([_source(folder)]))


def _new_transcript(folder: Path) -> None:
    _transcript(folder, _LINES)


def _grown_transcript(folder: Path) -> None:
    _transcript(folder, _LINES // 3)
    _import(folder)
    _transcript(folder, _LINES)


def _fill(folder: Path, first: int, count: int) -> None:
    with Journal.open(folder, fsync="never") as one, Journal.open(folder, fsync="never") as two:
        for number in range(first, first + count):
            (one, two)[number % 2].append(**event(number))  # type: ignore[arg-type] # its keys are the arguments


def _backlog(folder: Path) -> None:
    _fill(folder, 0, _BACKLOG)


def _small_backlog(folder: Path) -> None:
    _in_small_segments(folder, _BACKLOG)


def _in_small_segments(folder: Path, count: int) -> None:
    with (
        patch.object(journal.lanes.lane, "ROLL_SIZE", _ROLL),
        patch.object(journal.lanes.writer, "ROLL_SIZE", _ROLL),
    ):
        _fill(folder, 0, count)


def _behind(folder: Path) -> None:
    _fill(folder, 0, _BACKLOG // 2)
    catch_up(folder)
    _fill(folder, _BACKLOG // 2, _BACKLOG // 2)


def _projected(folder: Path) -> None:
    _backlog(folder)
    catch_up(folder)


def catch_up(folder: Path) -> None:
    """Apply new events in this process."""
    directory = open_directory(folder, create=False)
    lock = ProcessLock(generations(directory.path).lock)
    if not lock.acquire():
        raise lock.busy()
    try:
        _, open_projector = open_current(directory)
        try:
            open_projector.catch_up()
        finally:
            open_projector.close()
    finally:
        lock.release()


def _more(folder: Path) -> None:
    _fill(folder, _BACKLOG, 2)


@dataclass(frozen=True, slots=True)
class Workload:
    """A workload.

    Attributes:
        name: its name in reports.
        work: does the work.
        prepare: prepares its folder.
        redo: repeats the work as a user would after a failure, in this process.
        events: number of distinct events in the journal after that.
        others: number of these that are no messages.
        writes: whether it changes the lanes; otherwise it must not touch them.
        erased: ids of events that it erases: they may exist until it has ended.
        varies: whether the data of its events differ from run to run, as those of a receipt do.
    """

    name: str
    work: Callable[[Path, Shared], int]
    prepare: Callable[[Path], None]
    redo: Callable[[Path], None]
    events: int
    others: int
    writes: bool
    erased: frozenset[str] = frozenset()
    varies: bool = False


def _nothing(_folder: Path) -> None:
    pass


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("write", write, _nothing, again, EVENTS, 0, writes=True),
        Workload("import", import_, _new_transcript, _import, _LINES + 1, 1, writes=True),
        Workload("import-more", import_, _grown_transcript, _import, _LINES + 1, 1, writes=True),
        Workload(
            "erase",
            erase_,
            _small_backlog,
            _erase_again,
            _BACKLOG - len(_ERASED),
            0,
            writes=True,
            erased=_forgotten().gone,
        ),
        Workload(
            "forget",
            forget_,
            _asked,
            _finish,
            _FEW - len(_ASKED) + 2,
            2,
            writes=True,
            erased=frozenset(f"e{number}" for number in _ASKED),
            varies=True,
        ),
        Workload("compact", compact_, _small_backlog, _compact_again, _BACKLOG, 0, writes=True),
        Workload("sync-new", sync, _backlog, _more, _BACKLOG + 2, 0, writes=False),
        Workload("sync", sync, _behind, _more, _BACKLOG + 2, 0, writes=False),
        Workload("rebuild", rebuild, _projected, _more, _BACKLOG + 2, 0, writes=False),
        Workload("run", run, _behind, _more, _BACKLOG + 2, 0, writes=False),
    )
}
