"""What programs do to a journal: small workloads that cover every path which makes data durable."""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
from random import Random
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from journal.erasure.eraser import erase
from journal.errors import JournalError, SyncError
from journal.fs.directory import open_directory
from journal.importers.run.driver import Importer
from journal.writer import Journal
from projector.projection import Projection
from projector.run.build import rebuild
from tests.support.erasing import named
from tests.support.skewed import SkewedClock
from tests.torture.crash.recorder import Killed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from journal.lanes.group_commit import Fsync
    from tests.torture.crash.model import Key
    from tests.torture.crash.recorder import Recorder

JOURNAL = "new/folders/journal"
"""Where the journal is below the root: none of these folders is there."""


def content(type: str, data: object) -> bytes:
    """Return the content of an event in a form in which equal events are equal bytes."""
    return json.dumps([type, data], sort_keys=True).encode()


class Author:
    """A handle on the journal; the log records what it is promised."""

    def __init__(self, scene: Scene, fsync: Fsync) -> None:
        self._recorder = scene.recorder
        self._scene = scene
        self._fsync = fsync
        self._appended: set[Key] = set()
        self._journal = Journal.open(scene.path, fsync=fsync)

    def say(self, count: int = 1) -> None:
        """Append messages, each with a call of its own."""
        for _ in range(count):
            self.append([self._scene.message()])

    def say_many(self, count: int) -> None:
        """Append messages with one call."""
        self.append([self._scene.message() for _ in range(count)])

    def append(self, events: list[dict[str, Any]]) -> None:
        """Append events, and record the promise."""
        keys = [(event["session"], event["id"]) for event in events]
        contents = [content(event["type"], event["data"]) for event in events]
        self._recorder.tried(zip(keys, contents, strict=True))
        with self._refusals(keys):
            if len(events) == 1:
                self._journal.append(**events[0])
            else:
                self._journal.append_many(events)
        self._appended.update(keys)
        self._recorder.acknowledged(keys, durable=self._fsync == "always")

    @contextlib.contextmanager
    def _refusals(self, keys: Sequence[Key] = ()) -> Iterator[None]:
        """Record what the next sync promises after this one has failed."""
        try:
            yield
        except SyncError as error:
            if error.ids:  # they are written, and the next sync is to make them durable
                self._appended.update(key for key in keys if key[1] in error.ids)
            else:  # they are to be appended again
                self._appended.clear()
            raise

    def insist(self, events: list[dict[str, Any]], then: Callable[[], None]) -> bool:
        """Append events; after an error, do something and append them again."""
        try:
            self.append(events)
        except JournalError:
            then()
            self.append(events)
            return True
        then()
        return False

    def sync(self) -> None:
        """Make durable what was appended."""
        with self._refusals():
            self._journal.sync()
        self._recorder.acknowledged(self._appended, durable=True)

    def settle(self) -> None:
        """Wait for the handle's own sync, which it owes within 200 ms."""
        self._recorder.wait_until_settled()
        self._recorder.acknowledged(self._appended, durable=True)

    def close(self) -> None:
        """Close the handle."""
        self._journal.close()
        self._recorder.acknowledged(self._appended, durable=self._fsync != "never")

    def die(self) -> None:
        """End as a killed process does: only files are closed."""
        self._journal.after_fork_in_child()

    @property
    def journal(self) -> Journal:
        """The handle itself."""
        return self._journal


class Scene:
    """An empty disk and its operations, under a wall clock that differs for each handle."""

    def __init__(
        self, recorder: Recorder, random: Random, outside: Path, right: Callable[[], int]
    ) -> None:
        self.recorder = recorder
        self.random = random
        self._clock = self._right = right
        self._wrong = Random(random.random())
        self.outside = outside
        self.path = recorder.root / JOURNAL
        self._authors: list[Author] = []
        self.numbers = itertools.count(1)

    def time(self) -> int:
        """Return what the wall clock shows, in nanoseconds since 1970."""
        return self._clock()

    def author(self, fsync: Fsync) -> Author:
        """Open a handle, under another clock; a machine's first is right."""
        if self._authors:
            is_right = self._wrong.random() < _RIGHT
            self._clock = self._right if is_right else SkewedClock(self._wrong, self._right)
        author = Author(self, fsync)
        self._authors.append(author)
        return author

    def message(self) -> dict[str, Any]:
        """Make up a message."""
        number = next(self.numbers)
        words = "x" * self.random.choice([0, 3, 20, 90])
        data = {"role": "user", "content": f"message {number} {words}"}
        session = f"s{number % 2}"
        return {"session": session, "id": f"m{number}", "type": "message.appended", "data": data}

    def end(self) -> None:
        """Drop every handle."""
        for author in self._authors:
            author.die()


def first_of_all(scene: Scene) -> None:
    """A new journal in folders that do not exist; each append is durable when it returns."""
    author = scene.author("always")
    author.say(2)
    author.say_many(3)
    author.say()
    author.close()


def never(scene: Scene) -> None:
    """Nothing is synced but when it is asked for."""
    author = scene.author("never")
    author.say(2)
    author.sync()
    author.say_many(3)
    author.say()
    author.sync()
    author.say(2)
    author.close()


def interval(scene: Scene) -> None:
    """The background sync does it, and close."""
    author = scene.author("interval")
    author.say(2)
    author.settle()
    author.say_many(2)
    author.settle()
    author.say()
    author.close()


def several_lanes(scene: Scene) -> None:
    """Handles of each level at the same time; then others go on in their lanes."""
    one, two, three = scene.author("always"), scene.author("never"), scene.author("never")
    one.say()
    two.say(2)
    three.say_many(2)
    one.say()
    two.sync()
    two.close()
    three.close()
    one.close()
    again, other = scene.author("never"), scene.author("always")
    again.say()
    other.say(2)
    again.sync()
    again.close()
    other.close()


def rolls(scene: Scene, fsync: Fsync) -> None:
    """Segments are full soon."""
    with _small_segments():
        author = scene.author(fsync)
        for _ in range(3):
            author.say(2)
            author.say_many(3)
        author.sync()
        author.say(3)
        author.close()
        author = scene.author("always")
        author.say()
        author.close()


@contextlib.contextmanager
def _small_segments() -> Iterator[None]:
    with (
        patch("journal.lanes.writer.ROLL_SIZE", _ROLL),
        patch("journal.lanes.lane.ROLL_SIZE", _ROLL),
    ):
        yield


def taken_over(scene: Scene) -> None:
    """A process is killed with bytes unsynced, and the next goes on in its lane."""
    first = scene.author("never")
    first.say(3)
    first.die()
    second = scene.author("always")
    second.say(2)
    second.die()
    third = scene.author("never")
    third.say_many(3)
    third.die()
    fourth = scene.author("always")
    fourth.say()
    fourth.close()


def killed_at(scene: Scene, life: int, *, last: bool) -> None:
    """A process dies at any of its file operations; the next promises that all is durable.

    With the `last` number of operations it must live on, so that each of them was looked at.
    """
    scene.recorder.life = life
    with _small_segments():
        with contextlib.suppress(Killed):
            first = scene.author("never")
            first.say(2)
            first.sync()
            first.say(5)
            last = False
        if last:
            raise AssertionError("the process has more operations than were looked at")
        scene.end()
        scene.recorder.life = None
        second = scene.author("always")
        second.say()
        second.close()


def full_disk(scene: Scene, fsync: Fsync, room: int) -> None:
    """The disk is full in the midst of a write; later there is room, and the handle goes on."""

    def make_room() -> None:
        scene.recorder.room = None

    author = scene.author(fsync)
    author.say(2)
    scene.recorder.room = room
    author.insist([scene.message()], make_room)
    author.say()
    scene.recorder.room = room
    if not author.insist([scene.message() for _ in range(3)], make_room):
        raise AssertionError("the disk was to refuse this")
    author.sync()
    author.say()
    author.close()
    author = scene.author("always")
    author.say()
    author.close()


def refused(scene: Scene, fsync: Fsync, times: int) -> None:
    """Syncs of files fail; what may be lost is written again."""
    author = scene.author(fsync)
    author.say(2)
    author.sync()
    scene.recorder.refusals = times
    said = [[scene.message()], [scene.message(), scene.message()]]
    unsure = []
    for events in said:
        try:
            author.append(events)
            author.sync()
        except JournalError:
            unsure.append(events)
    scene.recorder.refusals = 0
    for events in unsure:
        _persist(author, events)
    _persist(author, [scene.message()])
    author.close()


def _persist(author: Author, events: list[dict[str, Any]]) -> None:
    """Append until it is durable: the background may have an old error to tell first."""
    for _ in range(_TRIES):
        with contextlib.suppress(JournalError):
            author.append(events)
            author.sync()
            return
    raise AssertionError("the disk works again, and the handle does not")


def folder_refused(scene: Scene) -> None:
    """Syncs of folders fail, at the beginning and when a segment is new."""
    author = scene.author("always")
    scene.recorder.folder_refusals = 1
    author.say()
    author.say(2)
    scene.recorder.folder_refusals = 2
    events = [scene.message() for _ in range(4)]
    for event in events:
        try:
            author.append([event])
        except JournalError:
            author.append([event])
    author.close()


def threads(scene: Scene) -> None:
    """A thread appends while another's sync is under way: that sync is not its own."""
    author = scene.author("always")
    author.say()
    others: list[threading.Thread] = []

    def meanwhile() -> None:
        if len(others) < _THREADS:
            noted = len(scene.recorder.log)
            others.append(threading.Thread(target=author.say))
            others[-1].start()
            scene.recorder.wait_for_write(noted)

    scene.recorder.during_sync = meanwhile
    author.say(2)
    for other in others:
        other.join()
    scene.recorder.during_sync = lambda: None
    author.close()


def imported(scene: Scene) -> None:
    """A transcript is imported, grows, and is imported again; the ledger says how far."""
    source = scene.outside / "transcript.jsonl"
    line = {"type": "user", "sessionId": "talk", "cwd": "/home/me"}
    for count in (2, 3):
        with source.open("a", encoding="utf-8") as file:
            for _ in range(count):
                said = {"role": "user", "content": scene.message()["data"]["content"]}
                uuid = f"u{next(scene.numbers)}"
                file.write(json.dumps({**line, "uuid": uuid, "message": said}) + "\n")
        author = scene.author("interval")
        with _observed(author.journal, scene.recorder):
            importer = Importer(author.journal, "auto")
            importer.run(importer.sources([source]))
        author.close()


@contextlib.contextmanager
def _observed(journal: Journal, recorder: Recorder) -> Iterator[None]:
    """Note what somebody else appends through a handle."""
    real = journal.append_many

    def append_many(events: list[dict[str, Any]]) -> object:
        keys = [(event["session"], event["id"]) for event in events]
        contents = [content(event["type"], event["data"]) for event in events]
        recorder.tried(zip(keys, contents, strict=True))
        positions = real(events)
        recorder.acknowledged(keys, durable=False)
        return positions

    with patch.object(journal, "append_many", append_many):
        yield


def published(scene: Scene) -> None:
    """Generations are built and put into use while the journal grows."""
    author = scene.author("always")
    author.say(2)
    rebuild(open_directory(scene.path))
    author.say()
    rebuild(open_directory(scene.path))
    author.close()


def projected(scene: Scene) -> None:
    """What nobody has synced is projected: from then on it must never vanish."""
    author = scene.author("never")
    for _ in range(3):
        author.say(2)
        with Projection.open(scene.path) as projection:
            messages = [m for name in ("s0", "s1") for m in projection.messages(name)]
        seen = {(message.session, message.id) for message in messages}
        scene.recorder.acknowledged(seen, durable=True)
    author.close()


def erased(scene: Scene) -> None:
    """Events are erased from a final and an active segment, which were not synced."""
    with _small_segments():
        first = scene.author("never")
        first.say(3)
        first.sync()
        first.say(4)
        first.close()
        _erase(scene, 2, 3, 6, 7)
        second = scene.author("always")
        second.say(2)
        second.close()


def erased_beside(scene: Scene, fsync: Fsync) -> None:
    """Events are erased from final segments while their lessee has them unsynced."""
    with _small_segments():
        author = scene.author(fsync)
        author.say(7)
        _erase(scene, 1, 3)
        author.say(2)
        author.sync()
        author.close()


def eraser_killed_at(scene: Scene, life: int, *, last: bool) -> None:
    """An eraser dies at any of its file operations, and the next one finishes.

    With the `last` number of operations it must live on, so that each of them was looked at.
    """
    with _small_segments():
        author = scene.author("always")
        author.say_many(3)
        author.say_many(3)
        author.close()
        scene.recorder.life = life
        with contextlib.suppress(Killed):
            _erase(scene, 2, 6)
            last = False
        if last:
            raise AssertionError("the eraser has more operations than were looked at")
        scene.recorder.life = None
        _erase(scene, 2, 6)


def _erase(scene: Scene, *numbers: int) -> None:
    keys = [(f"s{number % 2}", f"m{number}") for number in numbers]
    scene.recorder.erasing(keys)
    decision = named(*(id for _, id in keys))
    report = erase(open_directory(scene.path), decision, patience=0)
    if report.pending:
        raise AssertionError(f"a lane without a lessee is pending: {report.pending}")
    scene.recorder.erased(keys)


_THREADS = 3
_TRIES = 4
_RIGHT = 0.5
"""How often a handle has a clock that is right, and so goes on in the lane before it."""
_ROLL = 700
"""Bytes of a segment: four messages or so."""
