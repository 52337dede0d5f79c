"""Caches results of reading the lanes of a journal, by the bytes that were read.

The states of a workload differ in a few bytes of one or two files. The result of a function that
reads a segment, or lists a lane, depends only on these bytes or names. So the function runs when
they occur for the first time, and the cache has its result when they occur again. Everything above
these functions (the order of events, the checks of `verify`) runs each time.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar
from unittest.mock import patch

from journal.segments import blocks, listing, reader
from journal.segments.listing import SegmentRef
from journal.segments.progress import Progress
from journal.segments.segment import segment_name
from journal.verify import foreign, verification
from tests.torture.crash.workloads import JOURNAL, content

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator
    from pathlib import Path

    from journal.format.record import Record
    from journal.format.scan import Damage, Found
    from journal.verify.checks import Problem
    from tests.torture.crash.model import Key
    from tests.torture.crash.stage import Bytes

_LANES = f"{JOURNAL}/lanes/"

_T = TypeVar("_T")


def _no_sleep(_seconds: float) -> None:
    """Return at once."""


class Memory:
    """Caches the functions that read the lanes of a journal."""

    def __init__(self) -> None:
        self._answers: dict[Hashable, Any] = {}
        self._contents: dict[int, tuple[Record, tuple[Key, bytes]]] = {}
        self._same: dict[Any, Any] = {}
        self._lanes: dict[str, dict[str, bytes]] | None = None
        self._read_segment = reader.read_segment
        self._list_lanes = listing.list_lanes
        self._list_lane = listing.list_lane
        self._read_lane_uuid = reader.read_lane_uuid
        self._beside_lanes = foreign.foreign_beside_lanes
        self._in_lane = foreign.foreign_in_lane
        self._size = verification._size

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Let the journal's functions for reading use this cache."""
        with ExitStack() as stack:
            stack.enter_context(patch.object(reader, "read_segment", self._items))
            for module in (listing, verification):
                stack.enter_context(patch.object(module, "list_lanes", self._names))
                stack.enter_context(patch.object(module, "list_lane", self._segments))
            stack.enter_context(patch.object(reader, "read_lane_uuid", self._uuid))
            stack.enter_context(patch.object(verification, "foreign_beside_lanes", self._beside))
            stack.enter_context(patch.object(verification, "foreign_in_lane", self._within))
            stack.enter_context(patch.object(verification, "_size", self._length))
            # no process writes to the journal during `verify`, so it need not wait
            stack.enter_context(
                patch.object(verification, "time", SimpleNamespace(sleep=_no_sleep))
            )
            yield

    @contextmanager
    def knowing(self, disk: Bytes) -> Iterator[None]:
        """Use the cache while only `disk` is at the journal's path."""
        lanes: dict[str, dict[str, bytes]] = {}
        for path, held in disk.items():
            if not path.startswith(_LANES):
                continue
            lane, _, name = path[len(_LANES) :].partition("/")
            if (held is None) != (name == ""):
                yield  # a file among the lanes, or a folder in a lane: never cached
                return
            if held is None:
                lanes[lane] = {}
            else:
                lanes[lane][name] = held
        self._lanes = lanes
        try:
            yield
        finally:
            self._lanes = None

    def _recall(self, key: Hashable, ask: Callable[[], _T]) -> _T:
        if key not in self._answers:
            self._answers[key] = ask()
        answer: _T = self._answers[key]
        return answer

    def key_and_content(self, record: Record) -> tuple[Key, bytes]:
        """Return the key of an event, and its content."""
        kept = self._contents.get(id(record))
        if kept is None:
            event = record.event
            key_and_content = (event.session, event.id), content(event.type, event.data)
            # keeps the record alive, so that no other object gets its id
            kept = self._contents[id(record)] = (record, key_and_content)
        return kept[1]

    def same(self, value: _T) -> _T:
        """Return the first value that was equal to this one."""
        same: _T = self._same.setdefault(value, value)
        return same

    def _names(self, lanes: Path) -> list[str]:
        if self._lanes is None:
            return self._list_lanes(lanes)
        return self._recall(("names", *self._lanes), lambda: self._list_lanes(lanes))

    def _segments(self, lane: Path) -> list[SegmentRef]:
        if self._lanes is None:
            return self._list_lane(lane)
        files = self._lanes[lane.name]
        refs = self._recall(("segments", lane.name, *files), lambda: self._list_lane(lane))
        # the sizes are the current ones
        return [
            SegmentRef(
                ref.folder, ref.lane, ref.number, len(files[segment_name(ref.number)]), ref.final
            )
            for ref in refs
        ]

    def _items(
        self, ref: SegmentRef, progress: Progress | None = None, limit: int = blocks.BLOCK
    ) -> list[Found | Damage]:
        progress = progress or Progress()
        if self._lanes is None:
            return list(self._read_segment(ref, progress, limit))
        held = self._lanes[ref.lane][segment_name(ref.number)]
        before = progress.offset

        def read() -> tuple[list[Found | Damage], int]:
            return list(self._read_segment(ref, progress, limit)), progress.offset

        items, progress.offset = self._recall((held, before, ref.final, limit), read)
        return items

    def _uuid(self, ref: SegmentRef) -> str:
        if self._lanes is None:
            return self._read_lane_uuid(ref)
        files = self._lanes[ref.lane].items()
        return self._recall(("uuid", ref.number, *files), lambda: self._read_lane_uuid(ref))

    def _beside(self, lanes: Path) -> list[Problem]:
        if self._lanes is None:
            return list(self._beside_lanes(lanes))
        return self._recall(("beside", *self._lanes), lambda: list(self._beside_lanes(lanes)))

    def _within(self, lane: Path) -> list[Problem]:
        if self._lanes is None:
            return list(self._in_lane(lane))
        key = ("within", lane.name, *self._lanes[lane.name])
        return self._recall(key, lambda: list(self._in_lane(lane)))

    def _length(self, path: Path) -> int:
        if self._lanes is None:
            return self._size(path)
        return len(self._lanes[path.parent.name][path.name])
