"""Let an eraser remove joined segments at every moment of a read, and compare what is read.

::

    python -m tests.torture.steps.erasure.removed                 every moment of every reader
    python -m tests.torture.steps.erasure.removed --seconds 60    as many as fit, at random
    python -m tests.torture.steps.erasure.removed --sample        a few, as `make test` does

The lanes of a journal were compacted, and the files of the joined segments are still there: readers
may have listed them. Each reader is run again and again. Before one of its looks at a lane's folder
or file, another process forgets events that are in such files, so that they are removed at once:
first before the first look, then before the second one, until there are no more looks.

No reader may fail, and none may report a problem. Each of them has all that is not forgotten, once.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Self
from unittest.mock import patch

import journal
from journal import Journal, compact, make_backup, restore_backup
from journal.erasure.eraser import erase
from journal.erasure.requests import read_requests
from journal.fs.directory import open_directory
from journal.leaks import find_leaks
from journal.redact.setup import own_rules
from journal.segments.follow import Follower
from journal.status import read_status
from journal.verify import verify
from projector import Projection, SessionStore
from projector.forgetting.erasures import erasures
from projector.forgetting.files.check import check_erased
from projector.upkeep.verify import verify as verify_projection
from tests.support.disks.in_memory import MEMORY
from tests.support.erasing import named
from tests.torture.arguments import Amount, step_parser

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import TracebackType

_AMOUNT = Amount(10_000, sample=40, unit="moments")
_LANES, _EVENTS, _LATER = 2, 8, 2
_GONE = frozenset(f"{lane}-{number}" for lane in range(_LANES) for number in range(1, _EVENTS, 2))
"""Ids of the events that are forgotten."""
_ALL = [f"{lane}-{number}" for lane in range(_LANES) for number in range(_EVENTS + _LATER)]
_LAST = f"word{_EVENTS + _LATER - 1}"
_MOST_LOOKS = 2_000


class Wrong(Exception):  # noqa: N818 - an outcome, and no error of the program
    """A reader reported something that is not so."""


def fill(path: Path) -> None:
    """Make a journal whose lanes are compacted, with the files of the joined segments."""
    with patch("journal.lanes.writer.ROLL_SIZE", 1):
        handles = [Journal.open(path, fsync="never") for _ in range(_LANES)]
        for number in range(_EVENTS):
            for lane, handle in enumerate(handles):
                handle.append_message("s", "user", f"word{number}", id=f"{lane}-{number}")
    for handle in handles:
        handle.close()
    with Projection.open(path) as projection:
        projection.sessions()
    compact(path)
    handles = [Journal.open(path, fsync="never") for _ in range(_LANES)]
    for number in range(_EVENTS, _EVENTS + _LATER):
        for lane, handle in enumerate(handles):
            handle.append_message("s", "user", f"word{number}", id=f"{lane}-{number}")
    for handle in handles:
        handle.close()


@dataclass(slots=True)
class Moment:
    """Removes files before one of the looks at the lanes, in another process.

    Attributes:
        path: the journal.
        at: before which look, from 0.
        looks: how many there were.
    """

    path: Path
    at: int
    looks: int = 0

    def look(self) -> None:
        """Count a look."""
        self.looks += 1
        if self.looks == self.at + 1:
            child = os.fork()
            if not child:
                try:
                    erase(open_directory(self.path), named(*_GONE), patience=0)
                    os._exit(0)
                except BaseException:  # noqa: BLE001 - the child must not return
                    traceback.print_exc()
                    os._exit(1)
            if os.waitpid(child, 0)[1]:
                raise Wrong("the eraser failed")


_now: Moment | None = None


def _hear(event: str, given: tuple[Any, ...]) -> None:
    moment = _now
    if moment is None or event not in {"open", "os.listdir", "os.scandir"}:
        return
    if isinstance(given[0], (str, os.PathLike)) and str(given[0]).startswith(
        f"{moment.path}/lanes"
    ):
        moment.look()


class _Entries:
    """The entries of a folder, each after a look: a file may be gone when its status is read."""

    def __init__(self, entries: Any) -> None:  # noqa: ANN401 - what `os.scandir` returns
        self._entries = entries
        self._found: Iterator[os.DirEntry[str]] = iter(list(entries))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._entries.close()

    def __iter__(self) -> _Entries:
        return self

    def __next__(self) -> os.DirEntry[str]:
        entry = next(self._found)
        _hear("os.scandir", (entry.path,))
        return entry

    def close(self) -> None:
        """Close the folder."""
        self._entries.close()


@contextmanager
def hearing(moment: Moment) -> Iterator[None]:
    """Count the looks of this process at the lanes of a journal."""
    global _now  # noqa: PLW0603 - a hook of the interpreter cannot be removed
    scandir = os.scandir
    with patch("os.scandir", lambda path: _Entries(scandir(path))):
        _now = moment
        try:
            yield
        finally:
            _now = None


def _check(ids: Iterable[str], *, once: bool = True) -> None:
    """Check what was read: all that is not forgotten, and nothing twice."""
    counts = Counter(ids)
    missing = [id for id in _ALL if id not in _GONE and not counts[id]]
    twice = [id for id, count in counts.items() if count > 1] if once else []
    if missing or twice or counts.keys() - set(_ALL):
        raise Wrong(f"missing: {missing}; twice: {twice}; read: {dict(counts)}")


def _nothing(found: object) -> None:
    if found:
        raise Wrong(f"reported: {found}")


def _read(path: Path) -> None:
    _check(entry.event.id for entry in journal.read(path))


def _follow(path: Path) -> None:
    follower = Follower(path / "lanes", lambda _ref, damage: _nothing(damage))
    ids = [at.record.event.id for at in follower.read()]
    for _ in range(2):
        ids += [at.record.event.id for at in follower.poll()]
    _check(ids)


def _poll(path: Path) -> None:
    follower = Follower(path / "lanes", lambda _ref, damage: _nothing(damage))
    _check(at.record.event.id for _ in range(3) for at in follower.poll())


def _verify(path: Path) -> None:
    _nothing(verify(path / "lanes").problems)


def _status(path: Path) -> None:
    status = read_status(open_directory(path))
    if status.lanes != _LANES or status.first is None or status.last is None:
        raise Wrong(str(status))


def _requests(path: Path) -> None:
    _nothing(read_requests(open_directory(path)).requests)
    _nothing(erasures(path))


def _erased(path: Path) -> None:
    _nothing(check_erased(open_directory(path)).found)


def _leaks(path: Path) -> None:
    directory = open_directory(path)
    _nothing(list(find_leaks(directory, [own_rules()], lambda _ref, damage: _nothing(damage))))


def _backup(path: Path) -> None:
    backup, back = path.with_name("backup"), path.with_name("back")
    make_backup(path, backup)
    restore_backup(backup, back)
    _check(entry.event.id for entry in journal.read(back))
    _nothing(verify(back / "lanes").problems)


def _restore(path: Path) -> None:
    # into the journal itself, which lacks nothing
    with patch("tests.torture.steps.erasure.removed._now", None):
        make_backup(path, path.with_name("backup"))
    restore_backup(path.with_name("backup"), path)
    _read(path)


def _search(path: Path) -> None:
    with Projection.open(path) as projection:
        found = projection.messages("s")
        _check(message.id for message in found)
        hits = projection.search(f"word{_EVENTS}")
        if not hits.fresh or len(hits) != _LANES:
            raise Wrong(f"{len(hits)} hits, fresh: {hits.fresh}")
        _nothing(projection.status().unprojected)


def _build(path: Path) -> None:
    shutil.rmtree(path / "projection")
    _search(path)
    _nothing(verify_projection(open_directory(path)))


def _verify_projection(path: Path) -> None:
    with patch("tests.torture.steps.erasure.removed._now", None):
        _search(path)
    _nothing(verify_projection(open_directory(path)))


def _store(path: Path) -> None:
    with SessionStore.open(path) as store:
        store.claim_title("s", "a title")
        for number in range(3):
            more = {"id": f"more{number}", "role": "user", "content": "more"}
            store.flush("s", [{"id": _ALL[-1], "role": "user", "content": _LAST}, more])
        _check(message.id for message in store.messages("s") if "more" not in message.id)


def _write(path: Path) -> None:
    with Journal.open(path, fsync="always") as handle:
        handle.append_message("s", "user", "more", id="more")
        handle.sync()
    _check(entry.event.id for entry in journal.read(path) if entry.event.id != "more")


READERS: dict[str, Callable[[Path], None]] = {
    reader.__name__.strip("_"): reader
    for reader in (
        *(_read, _follow, _poll, _verify, _status, _requests, _erased, _leaks, _backup, _restore),
        *(_search, _build, _verify_projection, _store, _write),
    )
}


def trouble(template: Path, reader: str, at: int) -> tuple[str | None, int]:
    """Run a reader while files are removed; return what is wrong, and how many looks it took."""
    with tempfile.TemporaryDirectory(prefix="removed-", dir=template.parent) as folder:
        path = Path(folder) / "journal"
        shutil.copytree(template, path)
        moment = Moment(path, at)
        try:
            with hearing(moment):
                READERS[reader](path)
        except Wrong as error:
            return str(error), moment.looks
        except Exception:  # noqa: BLE001 - it is printed with the moment
            return traceback.format_exc(), moment.looks
        return None, moment.looks


def _moments(template: Path, random: Random, *, shuffles: bool) -> Iterator[tuple[str, int]]:
    """Yield each reader with each of its looks."""
    found = []
    for reader in READERS:
        wrong, looks = trouble(template, reader, _MOST_LOOKS)
        if wrong is not None:
            raise RuntimeError(f"{reader} fails although nothing is removed: {wrong}")
        found += [(reader, at) for at in range(looks)]
    if shuffles:
        random.shuffle(found)
    yield from found


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the moments of the command line; return the exit code."""
    parser = step_parser(__doc__)
    parser.add_argument("--reader", choices=READERS, help="only this one; with --at")
    parser.add_argument("--at", type=int, default=0, help="only this look [default: 0]")
    _AMOUNT.add_to(parser)
    given = parser.parse_args(arguments)
    began, count = time.monotonic(), 0
    with tempfile.TemporaryDirectory(prefix="removed-", dir=MEMORY) as folder:
        template = Path(folder) / "template"
        fill(template)
        budget = _AMOUNT.budget(given)
        if given.reader is None:
            limited = given.sample or given.seconds is not None
            moments = _moments(template, Random(given.seed), shuffles=limited)
        else:
            moments = iter([(given.reader, given.at)])
        for _, (reader, at) in zip(budget.seeds(), moments, strict=False):
            wrong, _ = trouble(template, reader, at)
            count += 1
            if wrong is not None:
                print(f"FAILED {reader} before look {at}: {wrong[-3000:]}")
                step = "python -m tests.torture.steps.erasure.removed"
                print(f"again: {step} --reader {reader} --at {at}")
                return 1
    print(
        f"removed: files were removed at {count:,} moments of {len(READERS)} readers, and none"
        f" failed; {time.monotonic() - began:.0f} s"
    )
    return 0


sys.addaudithook(_hear)

if __name__ == "__main__":
    sys.exit(main())
