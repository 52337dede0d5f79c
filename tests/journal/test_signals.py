"""Signal handlers and finalizers that run in the middle of a call of their own thread."""

from __future__ import annotations

import gc
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from journal import Journal
from journal.errors import Reentered
from journal.segments.reader import read_events
from journal.verify import verify
from projector import SessionStore
from tests.conftest import assert_function_of_the_events
from tests.projector.store.test_forks import in_child
from tests.support.disks.faulty import faulty_disk, once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import FrameType

LEVELS = ["never", "interval", "always"]


def _ids(path: Path) -> list[str]:
    return [at.record.event.id for at in read_events(path / "lanes", lambda *_: None)]


@contextmanager
def ticking(handler: Callable[[], None], seconds: float) -> Iterator[None]:
    """Run a handler repeatedly, this long after its last end."""

    def run(_number: int, _frame: FrameType | None) -> None:
        handler()
        signal.setitimer(signal.ITIMER_REAL, seconds)

    before = signal.signal(signal.SIGALRM, run)
    timer = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("fsync", LEVELS)
@pytest.mark.slow
def test_a_handler_appends_in_the_middle_of_an_append(
    journal_dir: Path,
    fsync: Any,  # noqa: ANN401 - one of the three levels
) -> None:
    """The handler appends to another lane, and needs no lock that its own thread holds."""
    appended: list[str] = []
    handled: list[str] = []
    with Journal.open(journal_dir, fsync=fsync) as journal:

        def append(ids: list[str], kind: str) -> None:
            id = f"{kind}{len(ids)}"
            journal.append_message("s", "user", "hello", id=id)
            ids.append(id)

        with ticking(lambda: append(handled, "handler"), 0.0011):
            while len(handled) < 100:
                append(appended, "main")
        journal.sync()
    assert {*appended, *handled} <= set(_ids(journal_dir))


class _Cycle:
    """Appends when the garbage collector finds it, wherever its thread is."""

    def __init__(self, journal: Journal, done: list[str]) -> None:
        self._me, self._journal, self._done = self, journal, done

    def __del__(self) -> None:
        id = f"gone{len(self._done)}"
        self._journal.append_message("s", "user", "gone", id=id)
        self._done.append(id)


def test_a_finalizer_appends_in_the_middle_of_an_append(journal_dir: Path) -> None:
    """The garbage collector may run between any two steps."""
    done: list[str] = []
    before = gc.get_threshold()
    with Journal.open(journal_dir) as journal:
        gc.set_threshold(3, 1, 1)
        try:
            for number in range(200):
                _Cycle(journal, done)
                journal.append_message("s", "user", "hello", id=f"m{number}")
        finally:
            gc.set_threshold(*before)
        gc.collect()
    assert len(done) == 200
    assert set(done) <= set(_ids(journal_dir))


@pytest.mark.parametrize("moment", ["in_write", "in_sync"])
def test_sync_and_close_in_a_handler_fail_at_once(
    journal_dir: Path, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would wait for their own thread's write or sync; the handle stays usable."""
    disk = faulty_disk(monkeypatch)
    refused: list[object] = []

    def handler() -> None:
        for call in (journal.sync, journal.close):
            with pytest.raises(Reentered, match="nothing was done"):
                call()
            refused.append(call)

    with Journal.open(journal_dir, fsync="always") as journal:
        once(disk, moment, handler)
        journal.append_message("s", "user", "hello", id="m1")
        journal.append_message("s", "user", "hello", id="m2")
        journal.sync()
    assert len(refused) == 2
    assert _ids(journal_dir) == ["m1", "m2"]


def test_a_read_in_a_handler_during_a_read_fails_at_once(
    journal_dir: Path,
) -> None:
    """Another handle answers in the handler; this one is usable after its own read returns."""
    with SessionStore.open(journal_dir) as store:
        store.append("s", "user", "hello")

        def query(_db: object) -> int:
            with pytest.raises(Reentered, match="nothing was done"):
                store.messages("s")
            with SessionStore.open(journal_dir) as other:
                return len(other.messages("s"))

        assert store.read(query)[0] == 1
        assert len(store.messages("s")) == 1


class _Stop(BaseException):
    """The exception that a time limit raises."""


class _Stopper:
    """Raises out of a signal handler, at most once for each `arm`."""

    def __init__(self) -> None:
        self.is_armed = False

    def arm(self, seconds: float) -> None:
        self.is_armed = True
        signal.setitimer(signal.ITIMER_REAL, seconds)

    def __call__(self) -> None:
        if self.is_armed:
            self.is_armed = False
            raise _Stop


def _append_and_be_stopped(path: Path, fsync: Any) -> None:  # noqa: ANN401 - one of the three levels
    acknowledged: list[str] = []
    stops = number = 0
    stopper = _Stopper()
    with Journal.open(path, fsync=fsync) as journal:
        # its own function: what is raised at a loop's jump back skips a `try` around the loop, see
        # `tests.source.test_interrupts`
        def append_on() -> None:
            nonlocal number
            # Python prints an exception of a finalizer, and continues
            while stopper.is_armed:
                number += 1
                journal.append_message("s", "user", "hello", id=f"m{number}")
                acknowledged.append(f"m{number}")
                if number % 7 == 0:
                    journal.sync()

        with ticking(stopper, 1.0):
            while stops < 400:
                try:
                    stopper.arm(0.0003 + number % 97 / 1e5)
                    append_on()
                except _Stop:
                    stops += 1
        journal.append_message("s", "user", "hello", id="last")
        assert journal._lane is not None
        assert journal._lane.path.name == "1"
    assert {*acknowledged, "last"} <= set(_ids(path))
    with Journal.open(path) as again:  # its lane is free
        assert again._lane is not None
        assert again._lane.path.name == "1"


@pytest.mark.slow
@pytest.mark.parametrize("fsync", LEVELS)
def test_an_exception_in_the_middle_loses_nothing_acknowledged(
    tmp_path: Path,
    fsync: Any,  # noqa: ANN401 - one of the three levels
) -> None:
    """An exception out of a handler ends the call; the handle is usable, and no lock stays held."""
    path = tmp_path / "journal"
    in_child(lambda: _append_and_be_stopped(path, fsync))
    # a segment may have been created without the record that was to be written to it
    assert {problem.kind for problem in verify(path / "lanes").problems} <= {"empty"}
    assert_function_of_the_events(path)
