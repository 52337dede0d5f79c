"""Tools, their calls and errors; and when messages were written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal import Journal
from projector.db.tags import DAY
from projector.projection import Projection
from projector.views.browsing.activity import HOUR
from projector.views.browsing.census import ToolUse, census, count_block

if TYPE_CHECKING:
    from pathlib import Path

_BEGIN = 1_700_000_000_000_000 // DAY * DAY
_DAY = 719_163 + _BEGIN // DAY
"""The day of `_BEGIN`, as `datetime.date.toordinal` counts."""


def test_results_count_for_the_calls_that_they_answer(journal_dir: Path) -> None:
    """By the id of the call where the result has no name; errors as facets know them."""
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
    whole, later = (census({0: counts}).report("day", since) for since in (None, _DAY + 1))
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
    assert whole.hours == {_BEGIN // HOUR: 1, _BEGIN // HOUR + 26: 4}
    assert later.hours == {_BEGIN // HOUR + 26: 4}
