"""Finds the problems of the segments of one lane. Pure: records and damage in, problems out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from journal.format.record import FORMAT, Erased
from journal.format.scan import MISPLACED, UNFINISHED
from journal.format.sequence import Seen, Sequence
from journal.process.clock import MAX_ORDER
from journal.segments.mirrors import is_mirror

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.format.record import Header, Record
    from journal.format.scan import Damage

Kind = Literal[
    "damage",  # bytes that are no valid record
    "newline",  # a valid record without the newline that ends it
    "torn",  # an unfinished last line
    "empty",  # a segment without a byte
    "header",  # no header, or one that does not fit
    "version",  # a newer format
    "gap",  # sequence numbers that no record has
    "sequence",  # a sequence number or order that is not above the one before it
    "duplicate",  # a uuid that two segments of a folder, or two lanes, have
    "behind",  # a mirror's last segment, of which the rest has not arrived
    "copy",  # a segment that is in two folders, as far as the shorter one goes
    "fork",  # a segment that went on differently in two folders
    "foreign",  # a file, folder or link that the journal did not make
    "unreadable",  # the file system refused to read it
]

NOTES: frozenset[Kind] = frozenset({"behind", "copy", "fork"})
"""What is no damage: it comes from several machines, or copies, of one journal."""

DEATH: frozenset[Kind] = frozenset({"torn", "newline", "empty"})
"""Problems that a killed writer may leave. No acknowledged event is lost by them."""

TORN = (
    "unfinished last record: its write was cut short by the death of its writer, an error such as a"
    " full disk, or a power failure. It was not acknowledged, unless the power failed before it was"
    " synced"
)
_EMPTY = "empty: its writer died before its first write to the file, or that failed"


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem in a lane.

    Attributes:
        kind: the kind of problem, one word.
        lane: name of the lane's folder; empty for something beside the lanes.
        segment: number of the segment; None if the problem concerns the lane.
        offset: bytes from the segment's start; None if the problem concerns a whole file.
        length: bytes that are affected; 0 for a place between two records.
        reason: what is wrong, in words.
    """

    kind: Kind
    lane: str
    segment: int | None
    offset: int | None
    length: int
    reason: str


class LaneCheck:
    """Checks the items of a lane's segments, in order, and collects the problems.

    Attributes:
        lane: name of the lane's folder.
        events: valid events; one that was written again counts once.
        problems: what was found so far.
        headers: the header of each segment that has one.
    """

    def __init__(self, lane: str) -> None:
        self.lane = lane
        self.events = 0
        self.problems: list[Problem] = []
        self.headers: dict[int, Header] = {}
        self._sequences: dict[str, Sequence] = {}
        self._jumps: dict[tuple[str, int], tuple[int, int]] = {}
        self._formats: dict[str, int] = {}
        self._uuid = ""
        self._number = 0
        self._header_checked = True
        self._opening = True
        self._damaged = False
        self._last: Record | None = None

    def begin(self, number: int) -> None:
        """Begin the next segment."""
        self._number = number
        self._header_checked, self._opening, self._last = False, True, None
        self._damaged = False

    def damage(self, damage: Damage) -> None:
        """Report a stretch of bytes that holds no valid record."""
        if damage.reason == MISPLACED:
            self._add("header", damage.offset, damage.length, damage.reason)
            return
        self._damaged = True
        torn = damage.reason == UNFINISHED
        if torn and damage.offset == 0:
            self._header_checked = True  # the torn line is the header
        kind: Kind = "torn" if torn else "damage"
        self._add(kind, damage.offset, damage.length, TORN if torn else damage.reason)

    def header(self, header: Header, end: int, *, closed: bool) -> None:
        """Check the segment's header.

        Args:
            header: the header.
            end: offset behind it.
            closed: whether the newline that ends it is there.
        """
        self._header_checked = True
        self.headers[self._number] = header
        if header.format <= FORMAT:
            is_first, self._uuid = not self._uuid, header.lane
            if is_first and header.seq > 1:
                self._adopt()
            self._pass_over(header)
            self._formats[header.lane] = header.format
        else:
            reason = f"format {header.format}; this program knows format {FORMAT}: install a newer"
            self._add("version", 0, end, reason)
        self._check_newline(end, closed=closed)

    def record(self, record: Record | Erased, start: int, end: int, *, closed: bool) -> None:
        """Check a record or a run of erased events.

        Args:
            record: the next one of the segment.
            start: offset of its first byte.
            end: offset behind it.
            closed: whether the newline that ends it is there.
        """
        self._check_opening(record.seq, start, end)
        if isinstance(record, Erased):
            self._jumps.setdefault((self._uuid, record.seq), (self._number, start))
            self._sequences.setdefault(self._uuid, Sequence()).skip(record.seq, record.count)
        else:
            self._check_record(record, start, end)
        self._check_newline(end, closed=closed)

    def _check_newline(self, end: int, *, closed: bool) -> None:
        if not closed:
            self._add("newline", end, 0, "a valid record lacks the newline that ends it")

    def finish_segment(self, end: int) -> None:
        """Note that nothing follows in the segment, which has `end` bytes."""
        if end == 0:
            self._add("empty", 0, 0, _EMPTY)
        elif not self._header_checked:
            self._no_header()

    def finish(self) -> None:
        """Report the numbers that are missing in the lanes of the folder."""
        restored = {
            h.lane for h in self.headers.values() if 1 < h.format <= FORMAT and not h.folder
        }
        for lane, sequence in self._sequences.items():
            # a lane that was restored may begin at any number
            for first, last in sequence.missing(sequence.first if lane in restored else 1):
                number, offset = self._jumps[lane, last + 1]
                count = last - first + 1
                what = f"{first:,} is" if count == 1 else f"{first:,} to {last:,} are"
                reason = f"{count:,} missing: sequence number {what} nowhere in the lane"
                self.problems.append(Problem("gap", self.lane, number, offset, 0, reason))

    def _add(self, kind: Kind, offset: int, length: int, reason: str) -> None:
        self.problems.append(Problem(kind, self.lane, self._number, offset, length, reason))

    def _no_header(self) -> None:
        self._header_checked = True
        self._add("header", 0, 0, "the segment does not begin with a valid header")

    def _check_record(self, record: Record, start: int, end: int) -> None:
        last, length = self._last, end - start
        self._last = record
        seen = self._note(record.seq, record.event.order, start)
        self.events += seen != "again"
        if seen == "other":
            reason = f"sequence number {record.seq:,} belongs to two different events"
            self._add("sequence", start, length, reason)
            return
        if last is not None and record.seq <= last.seq:
            reason = f"sequence number {record.seq:,} comes after {last.seq:,}"
            self._add("sequence", start, length, reason)
        elif last is not None and record.event.order <= last.event.order < MAX_ORDER:
            reason = f"order {record.event.order} is not above {last.event.order} before it"
            self._add("sequence", start, length, reason)

    def _adopt(self) -> None:
        """Assign the records before the first header to the lane that the header names."""
        early = self._sequences.pop("", None)
        if early is not None:
            self._sequences[self._uuid] = early
            for (lane, seq), place in list(self._jumps.items()):
                if not lane:
                    self._jumps[self._uuid, seq] = place

    def _pass_over(self, header: Header) -> None:
        """Count as used the numbers that version 1 skips in a lane that version 2 began.

        A writer of version 1 continues under the uuid of the newest header, but numbers its
        records from the highest number of all segments before, those of other lanes among them.
        """
        if not header.format < FORMAT == self._formats.get(header.lane):
            return
        sequence = self._sequences.setdefault(header.lane, Sequence())
        others = max(known.next for known in self._sequences.values())
        if sequence.next < header.seq <= others:
            sequence.skip(sequence.next, header.seq - sequence.next)

    def _note(self, seq: int, order: int, start: int) -> Seen:
        found = self._sequences.setdefault(self._uuid, Sequence()).add(seq, order)
        if found == "jump":
            self._jumps[self._uuid, seq] = self._number, start
        return found

    def _check_opening(self, seq: int, start: int, end: int) -> None:
        """Compare the segment's first record with its header."""
        if not self._header_checked:
            self._no_header()
        header = self.headers.get(self._number)
        opening, self._opening = self._opening, False
        if not opening or header is None or header.format > FORMAT:
            return
        if seq < header.seq or (seq > header.seq and not self._damaged):
            reason = f"the header gives {header.seq:,} as the first number, here is {seq:,}"
            self._add("header", start, end - start, reason)


def duplicates(lanes: list[LaneCheck]) -> Iterator[Problem]:
    """Yield a problem for each uuid that two segments of a folder, or two lanes, have.

    A segment that is in several folders is no problem here, and neither are their lanes.
    """
    segments: dict[str, tuple[str, int]] = {}
    folders: dict[str, str] = {}
    by_name = {check.lane: check for check in lanes}
    several = shared(lanes)
    of_copies = {by_name[lane].headers[at].lane for places in several for lane, at in places}
    for check in lanes:
        for number, header in check.headers.items():
            if header.format > FORMAT:
                continue
            # a restored lane is in a folder of its own, beside what is left of the original
            is_restored = header.format > 1 and not header.folder
            lane, other = segments.setdefault(header.segment, (check.lane, number))
            if lane == check.lane and other != number:
                reason = f"segment {other} of lane {lane} has the same uuid {header.segment}"
                yield Problem("duplicate", check.lane, number, 0, 0, reason)
            if is_restored or header.lane in of_copies or is_mirror(check.lane):
                continue
            folder = folders.setdefault(header.lane, check.lane)
            if folder != check.lane:
                folders[header.lane] = check.lane  # each folder is reported once
                # headers of version 1 do not name their folder
                is_original = header.format > 1 and str(header.folder) == check.lane
                copy = by_name[folder] if is_original else check
                what = _copy(copy, header.lane)
                reason = f"lane {folder} has the same uuid {header.lane}: {what}"
                yield Problem("duplicate", check.lane, number, 0, 0, reason)


def shared(lanes: list[LaneCheck]) -> list[list[tuple[str, int]]]:
    """Return the folders and numbers of each segment that is in several folders."""
    found: dict[str, list[tuple[str, int]]] = {}
    for check in lanes:
        for number, header in check.headers.items():
            places = found.setdefault(header.segment, [])
            if header.format <= FORMAT and check.lane not in {lane for lane, _ in places}:
                places.append((check.lane, number))
    return [places for places in found.values() if len(places) > 1]


def _copy(copy: LaneCheck, uuid: str) -> str:
    """Return what a user can do about a copy of a lane beside its original."""
    numbers = [number for number, header in copy.headers.items() if header.lane == uuid]
    named = ", ".join(map(str, sorted(numbers)))
    return (
        "one was copied. Records that both have count once, so the copy can stay; else move the"
        f" segments {named} out of lanes/{copy.lane}, and no other file"
    )
