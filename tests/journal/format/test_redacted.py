"""An event carries what was redacted in it, and a mark covers any text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from journal import AppendError, EventError, Journal
from journal.format.event import Event
from journal.format.event_types import MESSAGE_APPENDED
from journal.format.frame import frame
from journal.format.record import Record, decode, encode_event
from journal.format.redacted import MARK, Redacted, covers, mark
from journal.fs.directory import open_directory
from journal.lanes.restore import Lost, restore
from tests.support.disks.faulty import faulty_disk
from tests.support.journals import events

if TYPE_CHECKING:
    from pathlib import Path

REDACTED = Redacted("0a1b2c3d", "5" * 32, "rules 1", {"password": 2, "jwt": 1})
DATA = {"role": "user", "content": "my [redacted:password:1f3a9c]"}
FIELDS = {"key": "0a1b2c3d", "original": "5" * 32, "rules": "rules 1", "counts": {"jwt": 1}}


def _event(redacted: Redacted | None, order: int = 7) -> Event:
    return Event("s", "m1", MESSAGE_APPENDED, 7, order, DATA, redacted)


@pytest.mark.parametrize("order", [7, 9])
def test_a_record_has_it(order: int) -> None:
    """`redacted` is decoded with its event; in the record it is in front of `data`."""
    event = _event(REDACTED, order)
    line = encode_event(3, event)
    assert decode(line[:-1]) == Record(3, event)
    assert line.index(b'"redacted":{"key":"0a1b2c3d","original":') < line.index(b'"data":')


def test_an_event_without_it_has_no_such_key() -> None:
    """The record of an event in which nothing was redacted has no key `redacted`."""
    assert b"redacted" not in encode_event(3, Event("s", "m1", "x", 7, 7, {}))


@pytest.mark.parametrize(
    "damaged",
    [
        None,
        [],
        "text",
        *({name: FIELDS[name] for name in FIELDS if name != missing} for missing in FIELDS),
        FIELDS | {"key": 1},
        FIELDS | {"original": None},
        FIELDS | {"rules": ["1"]},
        FIELDS | {"counts": [1]},
        FIELDS | {"counts": {"jwt": "1"}},
        FIELDS | {"counts": {"jwt": -1}},
        FIELDS | {"counts": {"jwt": True}},
    ],
)
def test_an_invalid_value_counts_as_absent(damaged: object) -> None:
    """An event with an invalid `redacted` is read without it."""
    assert _decoded({"redacted": damaged}).redacted is None


def test_unknown_keys_of_it_are_ignored() -> None:
    """Keys that a newer writer added are ignored."""
    read = _decoded({"redacted": FIELDS | {"newer": [1]}}).redacted
    assert read == Redacted("0a1b2c3d", "5" * 32, "rules 1", {"jwt": 1})


def _decoded(more: dict[str, Any]) -> Event:
    fields = {"seq": 1, "id": "m1", "type": "x", "session": "s", "time": 7, "data": {}}
    record = decode(frame(orjson.dumps(fields | more))[:-1])
    assert isinstance(record, Record)
    return record.event


def test_a_value_that_json_cannot_represent_is_refused() -> None:
    """The error names the part of `redacted`."""
    with pytest.raises(EventError, match=re.escape("redacted.rules has a lone surrogate")):
        encode_event(1, _event(Redacted("k", "o", "\udc80", {})))


def _append(journal: Journal, redacted: Redacted | None = REDACTED) -> None:
    journal._append([("s", "m1", MESSAGE_APPENDED, DATA, redacted, None)])


def test_a_journal_writes_it(journal_dir: Path) -> None:
    """An event that a redacting writer appends is read with its `redacted`."""
    with Journal.open(journal_dir) as journal:
        _append(journal)
    [record] = events(journal_dir)
    assert (record.event.redacted, record.event.data) == (REDACTED, DATA)


def test_it_survives_a_lane_that_vanished(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event that was not durable is written again, to the next lane, with it."""
    monkeypatch.setattr("journal.lanes.recovery.LOOK_EVERY", -1.0)
    monkeypatch.setattr("journal.lanes.background.GATHER", 1000.0)
    journal = Journal.open(journal_dir, fsync="interval")
    _append(journal)
    journal_dir.rename(journal_dir.with_name("moved"))
    Journal.open(journal_dir).close()
    with pytest.raises(AppendError, match="vanished"):
        journal.append(session="s", id="m2", type="x", data={})
    journal.append(session="s", id="m2", type="x", data={})
    journal.close()
    assert {r.event.id: r.event.redacted for r in events(journal_dir)} == {
        "m1": REDACTED,
        "m2": None,
    }


def test_it_survives_a_failed_sync(journal_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event that is written again after a failed sync has it."""
    disk = faulty_disk(monkeypatch)
    with Journal.open(journal_dir, fsync="always") as journal:
        disk.refusals = 1
        _append(journal)
    assert {record.event.redacted == REDACTED for record in events(journal_dir)} == {True}


def test_a_restored_record_has_it(journal_dir: Path) -> None:
    """A record that is written back has the same `redacted` as the original."""
    Journal.open(journal_dir).close()
    directory = open_directory(journal_dir)
    restore(directory, [Lost("0190aaaa-0000-7000-8000-00000000000a", 4, _event(REDACTED, 9))])
    assert [record.event for record in events(journal_dir)] == [_event(REDACTED, 9)]


# marks


@given(
    st.from_regex(re.compile(r"[a-z0-9-]{1,64}"), fullmatch=True),
    st.from_regex(re.compile(r"[0-9a-f]{6}"), fullmatch=True),
)
def test_a_mark_is_found(kind: str, digits: str) -> None:
    """A mark in a text is found with its kind and its digits."""
    found = MARK.search(f"[redacted: [{mark(kind, digits)}]")
    assert found is not None
    assert found.groups() == (kind, digits)


@pytest.mark.parametrize(
    ("kind", "digits"), [("", "123456"), ("a" * 65, "123456"), ("A", "123456"), ("a", "12345g")]
)
def test_an_invalid_mark_is_refused(kind: str, digits: str) -> None:
    """A kind or digits that no reader would accept are refused."""
    with pytest.raises(ValueError, match="is no mark"):
        mark(kind, digits)


# covers

M, N = mark("jwt", "000001"), mark("password", "00000a")


@pytest.mark.parametrize(
    ("redacted", "other", "expected"),
    [
        (M, "x", True),
        (M, "any\ntext", True),
        (M, "", False),
        (M, N, True),
        (f"a {M} b", "a secret b", True),
        (f"a {M} b", "a  b", False),
        (f"a {M} b", "a x c", False),
        (f"{M}{N}", "ab", True),
        (f"{M}{N}", "a", False),
        (f"{M}, {N}", "a, b, c", True),
        (f"{M}ab{N}", "abab", False),
        (f"{M}ab{N}", "xababx", True),
        (f"{M}aba{N}a", "xabaa", False),
        (f"{M}北{N}", "x北x", True),
        ("plain", "plain", True),
        ("plain", "other", False),
        ("secret", M, False),
        ({"a": M}, {"a": "x"}, True),
        ({"a": M}, {"b": "x"}, False),
        ({"a": M}, {"a": "x", "b": 1}, False),
        ({M: 1}, {"x": 1}, False),
        ({"a": M}, {"a": ["x"]}, False),
        ({"a": M}, {"a": 1}, False),
        ([M, 1], ["x", 1], True),
        ([M, 1], ["x", 1.0], False),
        ([M, 1], ["x", True], False),
        ([M, 0.0], ["x", -0.0], False),
        ([M], ["x", "y"], False),
        ([{"a": [M]}], [{"a": ["x"]}], True),
    ],
)
def test_marks_cover_text(redacted: object, other: object, *, expected: bool) -> None:
    """A mark covers one or more characters of a string, and nothing else."""
    assert covers(redacted, other) is expected


_piece = st.text("ab", max_size=3)
_masked = st.lists(_piece, min_size=1, max_size=5).map(M.join)


@given(_masked, st.text("ab", max_size=14) | _masked)
@example(f"{M}ab{M}b", "aabb")
def test_covering_agrees_with_a_regular_expression(redacted: str, other: str) -> None:
    """The fast match gives the results of the simple one, which is too slow for large texts."""
    pattern = ".+".join(map(re.escape, redacted.split(M)))
    expected = re.fullmatch(pattern, other, re.DOTALL) is not None
    assert covers(redacted, other) is expected


class _Counted(str):
    """A text that counts the characters that its searches may read."""

    __slots__ = ("looked",)
    looked: int

    def find(self, sub: str, start: int = 0, end: int | None = None, /) -> int:  # type: ignore[override]
        """Search, and count the characters that the search may read."""
        at = super().find(sub, start, end)
        self.looked += (len(self) if at < 0 else at + len(sub)) - start
        return at


@pytest.mark.parametrize("tail", ["", "c"])
def test_no_text_is_searched_twice(tail: str) -> None:
    """With any number of marks, whether they cover the text or not, the text is read once."""
    other = _Counted("ab" * 5_000)
    other.looked = 0
    redacted = f"{M}b" * 2_000 + tail + M
    assert covers([redacted], [other]) is (not tail)
    assert 0 < other.looked <= 2 * len(other)
