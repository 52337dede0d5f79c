"""Counts of what a search found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal import Journal
from projector.projection import Projection
from projector.search.filters import Filters
from projector.search.matches import matches
from projector.text.query import parse
from projector.views.browsing.counts import counts
from projector.views.browsing.local_time import local_hour

if TYPE_CHECKING:
    from pathlib import Path

    import apsw

    from projector.views.browsing.counts import Counts


def test_only_what_was_found_is_counted(journal_dir: Path) -> None:
    """By source, project, model, role, tool and hour; a call of two tools counts for both."""
    hour = 3_600_000_000
    time = 1_700_000_000_000_000 // hour * hour
    with Journal.open(journal_dir) as journal:
        data = {"source": "cli", "cwd": "/home/me/web", "model": "m-1"}
        journal.append(session="s1", type="session.created", data=data)
        calls = [{"id": n, "function": {"name": n, "arguments": "{}"}} for n in ("Bash", "Read")]
        journal.append_message("s1", "user", "a zebra", timestamp=time)
        journal.append_message("s1", "assistant", "zebra", timestamp=time + hour, tool_calls=calls)
        journal.append_message("s1", "tool", "zebra", timestamp=time + hour, tool_name="Bash")
        journal.append_message("s1", "user", "a horse", timestamp=time)
        journal.append_message("s2", "user", "zebra", timestamp=time, model="m-2", source="web")

    def ask(db: apsw.Connection) -> Counts:
        found = matches(db, parse("zebra"), Filters(), sort="newest", offset=0, seconds=None)
        return counts(db, (row for row, _ in found.rows))

    with Projection.open(journal_dir) as projection:
        found, _ = projection.read(ask)
    assert found.values == {
        "source": (("cli", 3), ("web", 1)),
        "project": (("/home/me/web", 3),),
        "model": (("m-1", 3), ("m-2", 1)),
        "role": (("user", 2), ("assistant", 1), ("tool", 1)),
        "tool": (("Bash", 2), ("Read", 1)),
    }
    first = local_hour(time // hour * 4)
    assert found.hours == {first: 2, first + 1: 2}
