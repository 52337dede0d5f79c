"""Listing costs the active segments, and shows each change of a folder."""

from __future__ import annotations

import os
from collections import Counter
from time import monotonic_ns, sleep, time_ns
from typing import TYPE_CHECKING, Any

import pytest

from journal.segments.listing import LaneFolder, list_folders, list_segments
from journal.segments.segment import segment_name
from journal.segments.settled import Settled

if TYPE_CHECKING:
    from pathlib import Path


def fill(lanes: Path, name: str, count: int) -> Path:
    """Make a lane folder of that many segments."""
    folder = lanes / name
    folder.mkdir(mode=0o700, parents=True)
    for number in range(1, count + 1):
        (folder / segment_name(number)).write_bytes(b"x" * number)
    return folder


def settled(lanes: Path) -> list[LaneFolder]:
    """List folders until the lists are kept: their time of change was seen well before."""
    list_folders(lanes)
    sleep(0.03)
    return list_folders(lanes)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """System calls of the listing from now on, by name."""
    counts: Counter[str] = Counter()
    for name in ("lstat", "stat", "scandir"):
        real = getattr(os, name)

        def counted(*args: Any, real: Any = real, name: str = name, **options: Any) -> Any:  # noqa: ANN401
            counts[name] += 1
            return real(*args, **options)

        monkeypatch.setattr(f"os.{name}", counted)
    return counts


@pytest.mark.parametrize("count", [2, 300])
def test_a_list_costs_two_calls_for_each_lane(
    tmp_path: Path, calls: Counter[str], count: int
) -> None:
    """It costs as much for a lane of 300 segments as for one of two, and reads no folder."""
    for name in ("1", "2", "m-0190a2f0-0000-7000-8000-000000000000-1"):
        fill(tmp_path, name, count)
    before = settled(tmp_path)
    calls.clear()
    after = list_folders(tmp_path)
    assert calls == {"stat": 1, "lstat": 2 * 3}
    assert all(one is two for one, two in zip(before, after, strict=True))
    assert len(list_segments(tmp_path)) == 3 * count


def test_a_list_among_lanes_looks_at_no_other(tmp_path: Path, calls: Counter[str]) -> None:
    """Others are as they were listed before; what is new is listed in any case."""
    one, two = fill(tmp_path, "1", 2), fill(tmp_path, "2", 2)
    before = settled(tmp_path)
    for folder in (one, two):
        with (folder / segment_name(2)).open("ab") as file:
            file.write(b"more")
    calls.clear()
    after = list_folders(tmp_path, {"1"})
    assert calls == {"stat": 1, "lstat": 2}
    assert after[0] is not before[0]
    assert after[1] is before[1]
    fill(tmp_path, "3", 1)
    assert [folder.name for folder in list_folders(tmp_path, set())] == ["1", "2", "3"]
    assert [folder.active.size for folder in list_folders(tmp_path) if folder.active] == [6, 6, 1]


def test_a_list_shows_a_segment_that_comes_within_the_tick_of_the_list_before(
    tmp_path: Path,
) -> None:
    """A folder's times may be those of the list although a segment came after it."""
    folder = fill(tmp_path, "1", 1)
    for number in range(2, 60):
        assert len(list_segments(tmp_path)) == number - 1
        (folder / segment_name(number)).write_bytes(b"x")
    assert len(list_segments(tmp_path)) == 59


@pytest.mark.parametrize("is_back", [False, True])
def test_a_list_is_kept_at_once_if_something_else_was_changed_later(
    tmp_path: Path, calls: Counter[str], monkeypatch: pytest.MonkeyPatch, *, is_back: bool
) -> None:
    """A process that starts lists old lanes once; not where the clock may have gone back."""
    for name in ("1", "2"):
        fill(tmp_path, name, 1)
    sleep(0.03)
    fill(tmp_path, "3", 1)
    if is_back:
        hour = 3_600_000_000_000
        monkeypatch.setattr("journal.segments.unchanged.time_ns", lambda: time_ns() - hour)
    list_folders(tmp_path)
    calls.clear()
    assert [len(folder.segments) for folder in list_folders(tmp_path)] == [1, 1, 1]
    # of the lanes, and of those that may still get an entry at the same time
    assert calls["scandir"] == (4 if is_back else 2)


def test_a_list_shows_a_change_whose_time_a_copy_has_put_back(tmp_path: Path) -> None:
    """A tool that copies sets the times of a folder to those of its source."""
    folder = fill(tmp_path, "1", 2)
    assert len(settled(tmp_path)[0].segments) == 2
    times = folder.stat().st_atime_ns, folder.stat().st_mtime_ns
    (folder / segment_name(3)).write_bytes(b"x")
    os.utime(folder, ns=times)
    assert [ref.final for ref in list_segments(tmp_path)] == [True, True, False]


def test_a_list_shows_a_final_segment_that_was_replaced_or_removed(tmp_path: Path) -> None:
    """An eraser renames a new file over a final segment, and removes joined ones."""
    folder = fill(tmp_path, "1", 3)
    (before,) = settled(tmp_path)
    draft = folder / ".000001.jsonl.1"
    draft.write_bytes(b"shorter")
    draft.replace(folder / segment_name(1))
    (after,) = list_folders(tmp_path)
    assert after.final[0].size == 7
    assert after.final[1] == before.final[1]
    (folder / segment_name(2)).unlink()
    assert [ref.number for ref in list_segments(tmp_path)] == [1, 3]


def test_a_list_shows_within_30_s_what_leaves_the_folder_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program may cut off a final segment in place: only the file changes by that."""
    folder = fill(tmp_path, "1", 3)
    settled(tmp_path)
    os.truncate(folder / segment_name(2), 0)
    later = monotonic_ns() + 31_000_000_000
    monkeypatch.setattr("journal.segments.listing.monotonic_ns", lambda: later)
    assert [ref.size for ref in list_segments(tmp_path)] == [1, 0, 3]


def test_a_list_shows_new_and_removed_lanes(tmp_path: Path) -> None:
    """A lane's folder may come, go, or be another one of the same name."""
    fill(tmp_path, "1", 2)
    settled(tmp_path)
    fill(tmp_path, "2", 1)
    assert [folder.name for folder in list_folders(tmp_path)] == ["1", "2"]
    (tmp_path / "1").rename(tmp_path.parent / "elsewhere")
    fill(tmp_path, "1", 1)
    assert [ref.lane for ref in settled(tmp_path)[0].segments] == ["1"]
    assert len(list_segments(tmp_path)) == 2


def test_a_reader_looks_again_at_what_changed(tmp_path: Path) -> None:
    """Of a folder whose active segment grew, its final segments are passed over."""
    fill(tmp_path, "1", 3)
    fill(tmp_path, "2", 3)
    done = Settled()
    folders = settled(tmp_path)
    assert len(done.rest(folders)) == 6
    done.add(folders, but={"2"})
    assert [ref.lane for ref in done.rest(folders)] == ["2", "2", "2"]
    with (tmp_path / "1" / segment_name(3)).open("ab") as file:
        file.write(b"more")
    assert [(ref.lane, ref.number) for ref in done.rest(list_folders(tmp_path))] == [
        ("1", 3),
        ("2", 1),
        ("2", 2),
        ("2", 3),
    ]
