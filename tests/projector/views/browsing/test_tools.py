"""Tools, their calls and errors; and when messages were written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal import Journal
from projector.projection import Projection
from projector.views.browsing.activity import HOUR, messages_by_hour
from projector.views.browsing.tools import ToolUse, tool_uses

if TYPE_CHECKING:
    from pathlib import Path

_BEGIN = 1_700_000_000_000_000 // HOUR * HOUR


def test_results_count_for_the_calls_that_they_answer(journal_dir: Path) -> None:
    """By the id of the call where the result has no name; errors as facets know them."""
    with Journal.open(journal_dir) as journal:
        calls = [
            {"id": id, "type": "function", "function": {"name": name, "arguments": "{}"}}
            for id, name in (("c1", "Bash"), ("c2", "Bash"), ("c3", "Read"))
        ]
        journal.append_message("s1", "assistant", "x", tool_calls=calls, timestamp=_BEGIN)
        late = _BEGIN + 2 * HOUR
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
        whole, _ = projection.read(tool_uses)
        since, _ = projection.read(lambda db: tool_uses(db, _BEGIN + HOUR))
        hours, _ = projection.read(messages_by_hour)
        later, _ = projection.read(lambda db: messages_by_hour(db, _BEGIN + HOUR))
    assert whole == [ToolUse("Bash", 2, 2, 1), ToolUse("Grep", 0, 1, 0), ToolUse("Read", 1, 1, 1)]
    assert since == [ToolUse("Grep", 0, 1, 0)]
    assert hours == {_BEGIN // HOUR: 1, _BEGIN // HOUR + 2: 4}
    assert later == {_BEGIN // HOUR + 2: 4}
