"""Workloads of programs on a journal, which cover every path that makes data durable."""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
from random import Random
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from journal.erasure.compact import compact
from journal.erasure.eraser import erase
from journal.errors import JournalError, SyncError
from journal.format.new_event import Encoded
from journal.fs.directory import open_directory
from journal.importers.run.driver import Importer
from journal.writer import Journal
from projector.projection import Projection
from projector.run.build import rebuild
from tests.support.erasing import named
from tests.support.skewed import SkewedClock
from tests.torture.crash.recorder import Killed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from journal.lanes.group_commit import Fsync
    from tests.torture.crash.model import Key
    from tests.torture.crash.recorder import Recorder

JOURNAL = "new/folders/journal"
"""The path of the journal below the root; none of its folders exists."""


def content(type: str, data: object) -> bytes:
    """Return the content of an event, as equal bytes for equal events."""
    return json.dumps([type, data], sort_keys=True).encode()


class Author:
    """A handle on the journal whose promises are recorded in the log."""

    def __init__(self, scene: Scene, fsync: Fsync) -> None:
        self._recorder = scene.recorder
        self._scene = scene
        self._fsync = fsync
        self._appended: set[Key] = set()
        self._journal = Journal.open(scene.path, fsync=fsync)

    def say(self, count: int = 1) -> None:
        """Append messages, each with its own call."""
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
            if error.ids:  # they are written, and the next sync must make them durable
                self._appended.update(key for key in keys if key[1] in error.ids)
            else:  # they must be appended again
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
        """Sync the events that were appended."""
        with self._refusals():
            self._journal.sync()
        self._recorder.acknowledged(self._appended, durable=True)

    def settle(self) -> None:
        """Wait for the handle's own sync, which must come within 200 ms."""
        self._recorder.wait_until_settled()
        self._recorder.acknowledged(self._appended, durable=True)

    def close(self) -> None:
        """Close the handle."""
        self._journal.close()
        self._recorder.acknowledged(self._appended, durable=self._fsync != "never")

    def die(self) -> None:
        """End like a killed process: files are closed, and nothing else is done."""
        self._journal.after_fork_in_child()

    @property
    def journal(self) -> Journal:
        """The handle itself."""
        return self._journal


class Scene:
    """An empty disk and its operations, with another wall clock for each handle."""

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
        """Return the time of the wall clock, in nanoseconds since 1970."""
        return self._clock()

    def author(self, fsync: Fsync) -> Author:
        """Open a handle with another clock; the first handle's clock is right."""
        if self._authors:
            is_right = self._wrong.random() < _RIGHT
            self._clock = self._right if is_right else SkewedClock(self._wrong, self._right)
        author = Author(self, fsync)
        self._authors.append(author)
        return author

    def message(self) -> dict[str, Any]:
        """Return a new message."""
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
    """Nothing is synced except by `sync`."""
    author = scene.author("never")
    author.say(2)
    author.sync()
    author.say_many(3)
    author.say()
    author.sync()
    author.say(2)
    author.close()


def interval(scene: Scene) -> None:
    """The background sync, and `close`, make events durable."""
    author = scene.author("interval")
    author.say(2)
    author.settle()
    author.say_many(2)
    author.settle()
    author.say()
    author.close()


def several_lanes(scene: Scene) -> None:
    """Handles of each level at the same time; then other handles continue their lanes."""
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
    """Segments are full after a few events."""
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
    """A process is killed with unsynced bytes, and the next one continues its lane."""
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
    """A process dies at one of its file operations; the next one makes everything durable.

    With the `last` number of operations it must survive, so that each of them was tried.
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
    """The disk gets full during a write; later there is space, and the handle continues."""

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
    """Syncs of files fail; events that may be lost are written again."""
    author = scene.author(fsync)
    author.say(2)
    author.sync()
    scene.recorder.refusals = times
    batches = [[scene.message()], [scene.message(), scene.message()]]
    unsure = []
    for events in batches:
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
    """Append until it is durable: the first call may report an error of the background sync."""
    for _ in range(_TRIES):
        with contextlib.suppress(JournalError):
            author.append(events)
            author.sync()
            return
    raise AssertionError("the disk works again, and the handle does not")


def folder_refused(scene: Scene) -> None:
    """Syncs of folders fail, at the beginning and when a segment is created."""
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
    """A thread appends during another thread's sync, which does not cover its event."""
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
    """A transcript is imported, grows, and is imported again with the import hint."""
    source = scene.outside / "transcript.jsonl"
    line = {"type": "user", "sessionId": "talk", "cwd": "/home/me"}
    for count in (2, 3):
        with source.open("a", encoding="utf-8") as file:
            for _ in range(count):
                message = {"role": "user", "content": scene.message()["data"]["content"]}
                number = next(scene.numbers)
                # without its own time a message would have that of the file, which changes
                own = {"uuid": f"u{number}", "timestamp": f"2026-01-01T00:00:{number:02}Z"}
                file.write(json.dumps({**line, **own, "message": message}) + "\n")
        author = scene.author("interval")
        with _observed(author.journal, scene.recorder):
            importer = Importer(author.journal, "auto")
            importer.run(importer.sources([source]))
        author.close()


@contextlib.contextmanager
def _observed(journal: Journal, recorder: Recorder) -> Iterator[None]:
    """Record what another program appends through a handle."""
    real = journal.append_many

    def append_many(events: Iterable[Mapping[str, Any] | Encoded]) -> object:
        given = list(events)
        tried = list(map(_key_and_content, given))
        recorder.tried(tried)
        positions = real(given)
        recorder.acknowledged([key for key, _ in tried], durable=False)
        return positions

    with patch.object(journal, "append_many", append_many):
        yield


def _key_and_content(event: Mapping[str, Any] | Encoded) -> tuple[tuple[str, str], bytes]:
    if isinstance(event, Encoded):
        return (event.session, event.id), content(event.type, event.data())
    return (event["session"], event["id"]), content(event["type"], event["data"])


def published(scene: Scene) -> None:
    """Generations are built and published while the journal grows."""
    author = scene.author("always")
    author.say(2)
    rebuild(open_directory(scene.path))
    author.say()
    rebuild(open_directory(scene.path))
    author.close()


def projected(scene: Scene) -> None:
    """Unsynced events are projected: afterwards they must never be lost."""
    author = scene.author("never")
    for _ in range(3):
        author.say(2)
        with Projection.open(scene.path) as projection:
            messages = [m for name in ("s0", "s1") for m in projection.messages(name)]
        seen = {(message.session, message.id) for message in messages}
        scene.recorder.acknowledged(seen, durable=True)
    author.close()


def erased(scene: Scene) -> None:
    """Events are erased from a final and an active segment that were not synced."""
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
    """Events are erased from final segments that their lessee has not synced."""
    with _small_segments():
        author = scene.author(fsync)
        author.say(7)
        _erase(scene, 1, 3)
        author.say(2)
        author.sync()
        author.close()


def eraser_killed_at(scene: Scene, life: int, *, last: bool) -> None:
    """An eraser dies at one of its file operations, and the next one finishes.

    With the `last` number of operations it must survive, so that each of them was tried.
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


def compacted(scene: Scene, fsync: Fsync) -> None:
    """Final segments are joined while their lessee has them unsynced, and again later."""
    with _small_segments():
        author = scene.author(fsync)
        author.say(7)
        _compact(scene)
        author.say(6)
        author.sync()
        _compact(scene)
        author.close()


def compactor_killed_at(scene: Scene, life: int, *, last: bool) -> None:
    """A compaction dies at any of its file operations, and the next one finishes.

    With the `last` number of operations it must live on, so that each of them was looked at.
    """
    with _small_segments():
        author = scene.author("always")
        for _ in range(4):
            author.say_many(3)
        author.close()
        scene.recorder.life = life
        with contextlib.suppress(Killed):
            _compact(scene)
            last = False
        if last:
            raise AssertionError("the compaction has more operations than were looked at")
        scene.recorder.life = None
        _compact(scene)


def _compact(scene: Scene) -> None:
    # the files of joined segments are removed at once: the crash may come anywhere
    with patch("journal.erasure.files.joining.GRACE", float("-inf")):
        found = compact(scene.path)
    if found.waiting:
        raise AssertionError(f"files of joined segments are left: {found}")


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
"""Probability that a handle's clock is right, so that it continues the previous lane."""
_ROLL = 700
"""Size limit of a segment in bytes: about four messages."""
