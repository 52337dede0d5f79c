"""Gives our own lanes back what they lack or have damaged, from the server or another journal.

What is only here is never overwritten: a file that is replaced is kept in `relay/damaged/`, and
records that others do not have stay in their place, or the segment is left as it is.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from journal.erasure.files.swap import swap
from journal.erasure.lock import erasing
from journal.fs import disk
from journal.fs.files import make_folder, sync_folder
from journal.lanes.lane import try_lease
from journal.segments.segment import open_segment, segment_name, segment_numbers
from projector.relay.audit import DAMAGED
from projector.relay.carrier import NOTHING
from projector.relay.chunk import header_of, name_in_folder, name_of
from projector.relay.files.compare import compare
from projector.relay.files.ours import Ours
from projector.relay.files.own import Names, prefix_crc
from projector.relay.identity import RELAY, former_of, machine_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from journal.erasure.lock import EraserLock
    from journal.fs.directory import Directory
    from projector.relay.carrier import Last, Store
    from projector.relay.chunk import Chunk, Place

_PATIENCE = 10.0
"""Seconds to wait for another process that rewrites segments."""

Done = Literal["fetched", "completed", "mended"]


@dataclass(frozen=True, slots=True)
class Repaired:
    """A segment that was repaired.

    Attributes:
        lane: number of the lane's folder.
        segment: its number there.
        done: `fetched` if its file was missing, `completed` if it ended too early, `mended` if
            bytes of it were damaged.
        bytes: of the file now.
        kept: bytes at its end that no other machine has.
    """

    lane: int
    segment: int
    done: Done
    bytes: int
    kept: int


@dataclass(frozen=True, slots=True)
class Repair:
    """What a repair has done.

    Attributes:
        compared: segments of this machine that the others have something of.
        repaired: those that were repaired.
        left: what could not be repaired, and why.
    """

    compared: int
    repaired: tuple[Repaired, ...]
    left: tuple[str, ...]


class _Left(Exception):  # noqa: N818 - it is no error, but why something is left as it is
    """Why a segment is left as it is."""


async def repair(journal: Directory, store: Store) -> Repair:
    """Compare our lanes with what a store has of them; get back what is missing or damaged.

    The caller holds the lock of the relay. A lane whose writer is at work is left as it is.

    Args:
        journal: the journal.
        store: the server, or another journal.

    Raises:
        EraserBusy: another process rewrites segments.
        CarrierError: the server cannot be reached.
        JournalError, OSError: something cannot be read or written.
    """
    work = _Work(journal, store)
    # an `await` has a jump that Python 3.12 leaves without a handler: a signal at that moment ends
    # this command, and the system frees the lock then
    with ExitStack() as stack:
        return await work.run(stack.enter_context(erasing(journal.path, _PATIENCE)))


class _Work:
    def __init__(self, journal: Directory, store: Store) -> None:
        self._journal = journal
        self._store = store
        self._ours = Ours(journal.lanes, Names())
        self._own = machine_of(journal)
        self._repaired: list[Repaired] = []
        self._left: list[str] = []

    async def run(self, lock: EraserLock) -> Repair:
        """Compare all segments, and repair those that need it."""
        self._ours.list()
        missing: dict[Place, bytes] = {}
        compared = 0
        for place in await self._places():
            if self._ours.is_superseded(place.segment):
                continue
            last = await self._store.last(place)
            if last == NOTHING:
                continue
            compared += 1
            path = self._path(place)
            try:
                if not path.exists():
                    missing[place] = await self._fetch(place, last)
                elif prefix_crc(path, last.end) != last.crc:
                    self._mend(place, path, await self._fetch(place, last), lock)
            except _Left as why:
                self._leave(place, str(why))
        self._add(missing, lock)
        return Repair(compared, tuple(self._repaired), tuple(self._left))

    async def _places(self) -> list[Place]:
        """Return our segments that others have, and those of former selves that are still here."""
        found = await self._store.places(self._own)
        for machine in former_of(self._journal):
            found += [p for p in await self._store.places(machine) if self._path(p).exists()]
        return sorted(found, key=lambda place: (place.lane, place.number, place.machine))

    async def _fetch(self, place: Place, last: Last) -> bytes:
        """Return what others have of a segment: whole lines, or all of it."""
        content = _Content()
        async for chunk in self._store.stored(place):
            await self._fill(place, content, chunk.offset)
            content.add(chunk)
        await self._fill(place, content, last.end)
        if content.size < last.end:
            raise _Left(
                f"bytes behind {content.size:,} of {last.end:,} are nowhere: start"
                " `journal relay run` on the other machines, and repeat it"
            )
        found = bytes(content.data)
        return found if last.is_whole else found[: found.rfind(b"\n") + 1]

    async def _fill(self, place: Place, content: _Content, end: int) -> None:
        """Read what running peers have, up to an offset."""
        while content.size < end and content.add(await self._store.read(place, content.size)):
            pass

    def _mend(self, place: Place, path: Path, there: bytes, lock: EraserLock) -> None:
        """Replace a segment by what others have of it, and what is only here."""
        with self._held(place):
            version = _version(path)
            with open_segment(path) as file:
                here = file.readall() or b""
            if header_of(here) is not None and name_of(here) != place.segment:
                raise _Left(
                    f"{name_of(here)} is in the place of {place.segment}: `journal relay run` makes"
                    " this journal another machine, which gets that back as a mirror"
                )
            found = compare(here, there)
            if found.kind == "fork":
                raise _Left(
                    "sound records here differ from those that others have: `journal relay run`"
                    " makes this journal another machine, and both stay"
                )
            if found.kind == "unsound":
                raise _Left("what others have of it is damaged, too")
            if found.kind == "same":
                return
            self._set_aside(place, path)
            if not swap(path, [found.content], lock, lambda: _version(path) == version):
                raise _Left("it was changed meanwhile: repeat it")
        done: Done = "completed" if found.kind == "shorter" else "mended"
        self._note(place, done, found.content, found.kept)

    def _add(self, missing: dict[Place, bytes], lock: EraserLock) -> None:
        """Make the files that are missing, but for those that another one replaces."""
        headers = [header_of(content) for content in missing.values()]
        replaced = {uuid for header in headers if header for uuid in header.supersedes}
        for place, content in missing.items():
            if place.segment in replaced:
                continue  # what was erased does not come back
            path = self._path(place)
            try:
                with self._held(place):
                    if not swap(path, [content], lock, lambda path=path: not path.exists()):  # type: ignore[misc]
                        raise _Left("it was made meanwhile: repeat it")  # noqa: TRY301
            except _Left as why:
                self._leave(place, str(why))
            else:
                self._note(place, "fetched", content, 0)

    @contextmanager
    def _held(self, place: Place) -> Iterator[None]:
        """Keep writers from a segment that one may be at work in: the last one of its lane."""
        folder = self._path(place).parent
        make_folder(folder)
        if place.number < max(segment_numbers(folder), default=0):
            yield  # no writer changes it
            return
        lane = try_lease(folder)
        if lane is None:
            raise _Left("a writer holds the lane: end it, and repeat it")
        try:
            yield
        finally:
            lane.release()

    def _set_aside(self, place: Place, path: Path) -> None:
        """Keep the file under another name: it may have what only a person can read."""
        folder = self._journal.path / RELAY / DAMAGED
        make_folder(folder)
        for number in range(1_000):
            name = name_in_folder(place) + (f".{number}" if number else "")
            with suppress(FileExistsError):
                disk.in_use.link(path, folder / name)
                sync_folder(folder)
                return
        raise _Left(f"{folder} has a thousand copies of it: remove them")

    def _path(self, place: Place) -> Path:
        return self._journal.lanes / str(place.lane) / segment_name(place.number)

    def _note(self, place: Place, done: Done, content: bytes, kept: int) -> None:
        self._repaired.append(Repaired(place.lane, place.number, done, len(content), kept))

    def _leave(self, place: Place, why: str) -> None:
        self._left.append(f"lane {place.lane} segment {place.number}: {why}")


def _version(path: Path) -> tuple[int, int, int]:
    """Return what changes with the bytes of a file, and not with its names."""
    status = path.lstat()
    return status.st_ino, status.st_size, status.st_mtime_ns


class _Content:
    """The bytes of a segment, put together of chunks that fit."""

    def __init__(self) -> None:
        self.data = bytearray()
        self._crc = 0

    @property
    def size(self) -> int:
        return len(self.data)

    def add(self, chunk: Chunk | None) -> bool:
        """Add a chunk; return whether bytes were added by it."""
        if chunk is None or chunk.offset != self.size or chunk.before != self._crc:
            return False
        self.data += chunk.data
        self._crc = chunk.after
        return bool(chunk.data)
