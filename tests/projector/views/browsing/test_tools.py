"""Tools, their calls and errors; and when messages were written."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from journal import Journal
from projector.db.tags import DAY
from projector.projection import Projection
from projector.views.browsing.census import ToolUse, census, count_block
from projector.views.browsing.local_time import HOUR, _offset
from projector.web.charts.buckets import buckets, heat

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BEGIN = 1_700_000_000_000_000 // DAY * DAY
_DAY = 719_163 + _BEGIN // DAY
"""The day of `_BEGIN` in UTC, as `datetime.date.toordinal` counts."""


@pytest.fixture(params=["UTC", "Asia/Kolkata", "America/New_York"])
def ahead(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Minutes by which the zone of this machine is ahead of UTC: none, five hours and a half."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    _offset.cache_clear()
    yield {"UTC": 0, "Asia/Kolkata": 330, "America/New_York": -300}[request.param]
    monkeypatch.undo()
    time.tzset()
    _offset.cache_clear()


def test_results_count_for_the_calls_that_they_answer(journal_dir: Path, ahead: int) -> None:
    """By the id of the call where the result has no name; errors as facets know them.

    Tools and messages are counted by the days and hours of one zone.
    """
    with Journal.open(journal_dir) as journal:
        calls = [
            {"id": id, "type": "function", "function": {"name": name, "arguments": "{}"}}
            for id, name in (("c1", "Bash"), ("c2", "Bash"), ("c3", "Read"))
        ]
        journal.append_message("s1", "assistant", "x", tool_calls=calls, timestamp=_BEGIN)
        late = _BEGIN + DAY + 2 * HOUR
        for id, extra in (
            ("c1", {"exit_code": 1}),
            ("c2", {"exit_code": 0}),
            ("c3", {"is_error": True}),
        ):
            journal.append_message(
                "s1", "tool", "y", id=id, tool_call_id=id, extra=extra, timestamp=late
            )
        journal.append_message("s1", "tool", "y", tool_name="Grep", timestamp=late)
    with Projection.open(journal_dir) as projection:
        counts, _ = projection.read(lambda db: count_block(db, 0))
    first, second = ((60 * 24 * _DAY + ahead + 60 * hours) // 60 for hours in (0, 26))
    since = second // 24
    assert since == first // 24 + 1
    whole, later = (census({0: counts}).report("day", each) for each in (None, since))
    assert whole.tools == (
        ToolUse("Bash", 2, 2, 1),
        ToolUse("Grep", 0, 1, 0),
        ToolUse("Read", 1, 1, 1),
    )
    assert later.tools == (
        ToolUse("Bash", 0, 2, 1),
        ToolUse("Grep", 0, 1, 0),
        ToolUse("Read", 0, 1, 1),
    )
    assert whole.hours == {first: 1, second: 4}
    assert later.hours == {second: 4}
    assert sum(map(sum, heat(whole.hours))) == 5
    assert [bucket.count for bucket in buckets(whole.hours)] == [1, 4]
