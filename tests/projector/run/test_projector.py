"""The projector continues whatever the lanes contain, and records what it could not apply."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from zlib import crc32

import orjson
import pytest

import projector.run.projector as project_module
from journal.errors import ReadError
from journal.format.event import Event
from journal.fs import disk
from journal.fs.disk import Disk
from journal.segments.blocks import read_chunk
from journal.segments.listing import list_segments
from projector.db.digest import digest
from projector.run.projector import Projector
from projector.run.watermark import Progress
from projector.views.messages import messages
from tests.support.made_up import WORDS
from tests.support.model import content
from tests.support.projections import (
    Fact,
    catch_up,
    counters,
    facts,
    header,
    line,
    message,
    scratch,
    write_lane,
    write_segment,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import apsw


@pytest.fixture
def lanes(tmp_path: Path) -> Path:
    """A folder for lanes."""
    path = tmp_path / "lanes"
    path.mkdir()
    return path


@pytest.fixture
def db(tmp_path: Path, lanes: Path) -> Iterator[apsw.Connection]:
    """An empty projection; at the end of the test it must equal one that is built in one pass."""
    with scratch(tmp_path / "1.db") as db:
        yield db
        expected = content(db, WORDS)
        with scratch(tmp_path / "again.db") as again:
            catch_up(again, lanes)
            assert content(again, WORDS) == expected


THREE = facts(message("m1", "alpha"), message("m2", "beta"), message("m3", "gamma"))
LINES = [line(fact) for fact in THREE]
HEAD = header("L1")

Quarantined = list[tuple[str, int, int, int, str]]


def _ids(db: apsw.Connection) -> set[str]:
    return {key for (key,) in db.execute("SELECT event_id FROM _events")}


def _quarantine(db: apsw.Connection) -> Quarantined:
    found = db.execute(
        "SELECT lane_folder, number, offset, length, reason FROM _quarantine ORDER BY 1, 2, 3"
    )
    rows = [(str(f), int(n), int(o), int(size), str(why)) for f, n, o, size, why in found]
    assert counters(db)["quarantined"] == len(rows)
    return rows


def _forged(fields: dict[str, Any] | bytes) -> bytes:
    """Return a line whose checksum holds although no writer of ours would write it."""
    body = fields if isinstance(fields, bytes) else orjson.dumps(fields)
    return b'{"crc":"%08x",%b\n' % (crc32(body[1:]), body[1:])


def _event(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    fields = {"seq": 4, "id": "m4", "type": "message.appended", "session": "s", "time": 10**15}
    return {**fields, "data": {"role": "user", "content": "delta"}, **changes}


def test_an_unfinished_last_line_is_left_to_its_writer(lanes: Path, db: apsw.Connection) -> None:
    """A line without a newline is neither applied nor damage; once complete, it is applied."""
    write_segment(lanes, "1", 1, HEAD + LINES[0] + LINES[1][:40])
    catch_up(db, lanes)
    assert _ids(db) == {"m1"}
    assert not _quarantine(db)
    write_segment(lanes, "1", 1, LINES[1][40:])
    catch_up(db, lanes)
    assert _ids(db) == {"m1", "m2"}
    assert not _quarantine(db)


class _Busy(Disk):
    """A disk on which a writer appends a record during each sync of its segment."""

    def __init__(self, segment: Path, lines: list[bytes]) -> None:
        self.segment, self.lines = segment, lines

    def fdatasync(self, fd: int) -> None:
        """Sync, and append the next line."""
        super().fdatasync(fd)
        if self.lines:
            with self.segment.open("ab") as file:
                file.write(self.lines.pop(0))


def test_a_writer_that_never_pauses_does_not_delay_a_commit(
    lanes: Path, db: apsw.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transaction ends at the sizes that were listed; later records are in later ones."""
    segment = write_segment(lanes, "1", 1, HEAD + LINES[0])
    seen: list[set[str]] = []
    with monkeypatch.context() as patch:
        patch.setattr(disk, "in_use", _Busy(segment, LINES[1:]))
        for _ in THREE:
            Projector(db, lanes).catch_up(on_commit=lambda _progress: seen.append(_ids(db)))
    assert seen == [{"m1"}, {"m1", "m2"}, {"m1", "m2", "m3"}]


def test_a_torn_tail_of_a_final_segment_is_quarantined(lanes: Path, db: apsw.Connection) -> None:
    """An unfinished line in a final segment is torn, and is quarantined."""
    write_segment(lanes, "1", 1, HEAD + LINES[0] + LINES[1][:40])
    catch_up(db, lanes)
    write_segment(lanes, "1", 2, header("L1", 2, seq=2) + LINES[1] + LINES[2])
    catch_up(db, lanes)
    assert _ids(db) == {"m1", "m2", "m3"}
    at = len(HEAD + LINES[0])
    assert _quarantine(db) == [("1", 1, at, 40, "unfinished record")]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (LINES[1].replace(b"beta", b"bexa"), "checksum mismatch"),
        (LINES[1][:-1].replace(b'"crc"', b'"crx"') + b"\n", "bad start"),
        (b"\0" * len(LINES[1][:-1]) + b"\n", "NUL bytes"),
        (b"\n", "empty line"),
        (b"\xff\xfe\x80\n", "bad start"),
        (_forged(b'{"seq":4,"id":"m4"}'), "has no"),
        (_forged(b'{"seq":4,'), "not JSON"),
        (_forged(_event(seq="4")), "wrong type"),
        (_forged(_event(seq=2**53)), "a number cannot be: seq 9007199254740992"),
        (_forged(_event(seq=-1)), "a number cannot be: seq -1"),
        (_forged(_event(order=2**53)), "a number cannot be"),
        (_forged(_event(order="1")), "wrong type"),
        (_forged(orjson.dumps(_event()).replace(b":4,", b":-9223372036854775809,")), "wrong type"),
        (_forged(_event(time=2**53)), "a number cannot be"),
        (_forged(_event(data=[1])), "wrong type"),
        (_forged(_event(type="")), "type is no text of 1 to 1,024 characters"),
        (_forged(_event(id="x" * 1025)), "id is no text of 1 to 1,024 characters"),
        (_forged(_event(session=["s"])), "session is no text of 1 to 1,024 characters"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_damage_costs_no_intact_record(
    lanes: Path, db: apsw.Connection, damage: bytes, reason: str
) -> None:
    """Damage is recorded with lane, segment, offset, length and reason; the rest is applied."""
    write_segment(lanes, "1", 1, HEAD + LINES[0] + damage + LINES[2])
    catch_up(db, lanes)
    assert _ids(db) == {"m1", "m3"}
    ((folder, number, offset, length, why),) = _quarantine(db)
    assert (folder, number, offset, length) == ("1", 1, len(HEAD + LINES[0]), len(damage))
    assert reason in why


def test_records_inside_a_damaged_line_are_found(lanes: Path, db: apsw.Connection) -> None:
    """A line within another, a lost newline, NULs before a record: intact records are applied."""
    spliced = LINES[0][:30] + LINES[1]
    glued = LINES[2][:-1] + line(Fact("L1", 4, message("m4", "delta", time=10**15 + 4)))
    write_segment(lanes, "1", 1, HEAD + spliced + glued)
    zeros = line(Fact("L2", 1, message("m5", "x", time=10**15)))
    write_segment(lanes, "2", 1, header("L2") + b"\0" * 99 + zeros)
    catch_up(db, lanes)
    assert _ids(db) == {"m2", "m3", "m4", "m5"}
    places = [(folder, offset, length) for folder, _, offset, length, _ in _quarantine(db)]
    assert places == [("1", len(HEAD), 30), ("2", len(header("L2")), 99)]


@pytest.mark.slow
def test_any_flipped_bit_costs_one_record_at_most(lanes: Path, tmp_path: Path) -> None:
    """Wherever one bit flips, all other lines are applied, and the damage is recorded."""
    whole = HEAD + b"".join(LINES)
    path = write_segment(lanes, "1", 1, whole)
    for at in range(0, len(whole), 7):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :])
        with scratch(tmp_path / f"{at}.db") as db:
            catch_up(db, lanes)
            lost = {"m1", "m2", "m3"} - _ids(db)
            # without its last newline a line is unfinished, and its writer may still complete it
            assert len(lost) <= 1, f"bit flipped in byte {at}"
            assert _quarantine(db) or lost == {"m3"} or at == len(whole) - 1, f"byte {at}"


def test_a_newer_format_is_noted_and_left_alone(lanes: Path, db: apsw.Connection) -> None:
    """A segment of a newer format is quarantined; other lanes and segments are applied."""
    write_segment(lanes, "1", 1, header("L1", format=3) + LINES[0])
    write_segment(lanes, "1", 2, header("L1", 2) + LINES[1])
    write_segment(lanes, "2", 1, _forged({"format": 4, "shape": "unheard of"}) + LINES[0])
    write_segment(lanes, "3", 1, header("L3") + LINES[2])
    catch_up(db, lanes)
    catch_up(db, lanes)
    assert _ids(db) == {"m2", "m3"}
    assert [(f, n, o) for f, n, o, _, _ in _quarantine(db)] == [("1", 1, 0), ("2", 1, 0)]
    assert all("this program reads up to 2" in why for *_, why in _quarantine(db))


def test_records_without_a_header_count(lanes: Path, db: apsw.Connection) -> None:
    """Records after a missing or damaged header are applied."""
    write_segment(lanes, "1", 1, LINES[0])
    write_segment(lanes, "2", 1, b"x" + header("L2") + LINES[1] + LINES[2])
    catch_up(db, lanes)
    assert _ids(db) == {"m1", "m2", "m3"}
    reasons = [why for *_, why in _quarantine(db)]
    assert any("bad start" in why for why in reasons)


def test_a_header_in_the_middle_is_noted(lanes: Path, db: apsw.Connection) -> None:
    """A second header is recorded; the records behind it belong to the segment's lane."""
    write_segment(lanes, "1", 1, HEAD + LINES[0] + header("L9", 2) + LINES[1])
    catch_up(db, lanes)
    assert _ids(db) == {"m1", "m2"}
    ((_, _, offset, _, reason),) = _quarantine(db)
    assert offset == len(HEAD + LINES[0])
    assert reason == "a header in the middle of a segment"
    assert db.execute("SELECT count(*) FROM _lanes").get == 1


def test_empty_segments_and_other_files_are_skipped(lanes: Path, db: apsw.Connection) -> None:
    """Empty segments, other files, links and folders among the lanes are skipped."""
    write_segment(lanes, "1", 1, b"")
    write_segment(lanes, "1", 2, header("L1", 2) + LINES[0])
    write_segment(lanes, "2", 1, b"")
    (lanes / "1" / "notes.txt").write_text("mine")
    (lanes / "1" / "000003.jsonl").mkdir()
    (lanes / "1" / "000004.jsonl").symlink_to(lanes / "1" / "000002.jsonl")
    (lanes / "link").symlink_to(lanes / "1")
    (lanes / "file").write_text("x")
    catch_up(db, lanes)
    assert _ids(db) == {"m1"}
    assert not _quarantine(db)


def _nested(depth: int, inner: bytes = b"1") -> bytes:
    return b"[" * depth + inner + b"]" * depth


@pytest.mark.slow
@pytest.mark.parametrize("depth", [100, 250, 251, 252, 253, 254, 255, 256, 300, 1000, 1025, 5000])
@pytest.mark.parametrize("field", ["content", "extra"])
@pytest.mark.parametrize("type", ["message.appended", "message.revised", "tool.used"])
def test_nesting_of_any_depth_stops_nothing(
    lanes: Path, db: apsw.Connection, depth: int, field: str, type: str
) -> None:
    """Data nested to any depth is applied or quarantined, also in conflicts and in the digest."""
    write_segment(lanes, "1", 1, HEAD + LINES[0] + LINES[1])
    for number, inner in enumerate((b"1", b"2", b"1"), 2):
        data = b'{"role":"user","message":"m1","%b":%b}' % (field.encode(), _nested(depth, inner))
        body = b'{"seq":1,"id":"deep","type":"%b","session":"s","time":%d,"data":%b}'
        forged = _forged(body % (type.encode(), 10**15 - number, data))
        write_segment(lanes, str(number), 1, header(f"L{number}") + forged)
    catch_up(db, lanes)
    kept = "deep" in _ids(db)
    assert kept == (not _quarantine(db))
    assert {"m1", "m2"} <= _ids(db)
    assert len(digest(db)) == 64
    assert {view.id for view in messages(db, "s")} >= {"m1", "m2"}


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "session.created", "data": {"started": 2**64 - 1, "title": 7, "extra": [1]}},
        {
            "type": "session.created",
            "data": {"started": -(2**63), "extra": {"a": {"b": 2**64 - 1}}},
        },
        {"type": "session.ended", "data": {"ended": 2**64 - 1, "reason": 3}},
        {"type": "session.ended", "data": {"ended": True}},
        {"type": "message.revised", "data": {"message": ["m1"]}},
        {"type": "message.revised", "data": {"message": "m1", "role": None, "content": {"a": 1}}},
        {"type": "message.revised", "data": {"message": "m1", "timestamp": 2**64 - 1}},
        {"data": {"role": ["x"], "content": 7, "source": {}, "parent": 3, "timestamp": "now"}},
        {"data": {"role": "user", "timestamp": -5, "token_count": 2**64 - 1, "content": None}},
        {"data": {"role": "user", "timestamp": True, "tool_call_id": [1], "tool_calls": {"a": 1}}},
        {"data": {"role": "user", "tool_calls": [1, None, {"function": 3, "id": []}]}},
        {"data": {}},
        {"id": "x" * 1024, "session": "y\0z" * 341},
        {"session": "\U0001f600\u2028\x01", "id": "../../etc/passwd"},
    ],
    ids=str,
)
def test_odd_values_stop_nothing(lanes: Path, db: apsw.Connection, fields: dict[str, Any]) -> None:
    """Values that our writers refuse are stored unchanged, and can be read."""
    write_lane(lanes, "1", THREE)
    write_segment(lanes, "2", 1, header("L2") + _forged(_event(**fields)))
    catch_up(db, lanes)
    assert {"m1", "m2", "m3"} < _ids(db)
    assert not _quarantine(db)
    names = [str(name) for (name,) in db.execute("SELECT session FROM _sessions")]
    assert sum(len(messages(db, name)) for name in names) == counters(db)["messages"]


@pytest.mark.slow
def test_a_line_of_the_largest_size_is_applied(lanes: Path, db: apsw.Connection) -> None:
    """A record that is larger than a block is read whole."""
    big = Fact("L1", 1, message("big", "alpha " * 500_000, time=10**15))
    write_lane(lanes, "1", [big, *facts(message("m2", "beta"))])
    catch_up(db, lanes)
    assert _ids(db) == {"big", "m2"}


def test_a_line_beyond_the_limit_is_skipped(lanes: Path, db: apsw.Connection) -> None:
    """Overlong lines are noted, and the records after them are applied."""
    write_segment(lanes, "1", 1, HEAD + b"x" * (17 * 1024 * 1024) + b"\n" + LINES[0])
    catch_up(db, lanes)
    assert _ids(db) == {"m1"}
    assert sum(length for _, _, _, length, _ in _quarantine(db)) == 17 * 1024 * 1024 + 1


def test_damage_is_noted_once_however_often_it_is_met(
    lanes: Path, db: apsw.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that fails behind damage does not record the damage again when it is repeated."""
    write_segment(lanes, "1", 1, HEAD + b"damage\n" + LINES[0])
    running = Projector(db, lanes)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", _refuse)
        with pytest.raises(ReadError):
            running.catch_up()
    running.catch_up()
    catch_up(db, lanes)
    assert len(_quarantine(db)) == 1


def _refuse(_fd: int) -> None:
    raise OSError(5, "Input/output error")


def test_a_lane_that_cannot_be_read_is_named(lanes: Path, db: apsw.Connection) -> None:
    """A segment that cannot be opened raises an error with its path."""
    path = write_lane(lanes, "1", THREE)
    running = Projector(db, lanes)
    pending = running._pending(list_segments(lanes), {("1", 1): path.stat().st_size})
    path.rename(path.with_name("gone"))
    with pytest.raises(ReadError, match=r"cannot open .*000001\.jsonl"):
        running._intake.take_block(pending[0][0])
    path.with_name("gone").rename(path)
    running.catch_up()
    assert _ids(db) == {"m1", "m2", "m3"}


def test_progress_counts_events_bytes_and_commits(
    lanes: Path, db: apsw.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reported progress matches the applied events, bytes and commits."""
    monkeypatch.setattr(project_module, "_TRANSACTION", 1)
    monkeypatch.setitem(read_chunk.__kwdefaults__ or {}, "limit", 100)
    path = write_lane(lanes, "1", THREE)
    reports: list[Progress] = []
    progress = Projector(db, lanes).catch_up(on_commit=reports.append)
    assert progress.events == 3
    assert progress.bytes == path.stat().st_size
    assert progress.commits == len(reports) > 1
    assert reports[-1] == progress
    assert Projector(db, lanes).catch_up() == Progress()


@pytest.mark.slow
def test_many_small_segments_are_few_transactions(lanes: Path, db: apsw.Connection) -> None:
    """A lane of many segments is not listed again for each of them."""
    for number in range(1, 101):
        (fact,) = facts(message(f"m{number}", "alpha", time=10**15 + number))
        write_segment(lanes, "1", number, header("L1", number, seq=number) + line(fact))
    assert Projector(db, lanes).catch_up().commits == 1
    assert counters(db)["events"] == 100


def test_stop_ends_between_two_blocks(
    lanes: Path, db: apsw.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stopped projector commits what it has applied, and continues from there later."""
    monkeypatch.setitem(read_chunk.__kwdefaults__ or {}, "limit", 100)
    write_lane(lanes, "1", THREE)
    running = Projector(db, lanes)
    asked = iter([False, False, True])
    progress = running.catch_up(stop=lambda: next(asked, True))
    assert 0 < progress.events < 3
    assert counters(db)["events"] == progress.events
    running.catch_up()
    assert counters(db)["events"] == 3


def test_unknown_types_are_stored_and_counted(lanes: Path, db: apsw.Connection) -> None:
    """An event of an unknown type is stored and counted, and is no error."""
    write_lane(
        lanes, "1", facts(Event("s", "e1", "tool.used", 0, 0, {"a": 1}), message("m1", "alpha"))
    )
    catch_up(db, lanes)
    assert counters(db)["unknown"] == 1
    assert _ids(db) == {"e1", "m1"}
