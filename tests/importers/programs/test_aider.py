"""The Markdown of Aider becomes messages, whenever and in whatever pieces it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from journal import Journal
from journal.importers.run.driver import Importer
from projector import Projection
from tests.importers.feed import journal_events, journal_set
from tests.importers.source_lines import take

if TYPE_CHECKING:
    from pathlib import Path

HISTORY = """
# aider chat started at 2026-07-17 09:00:00

> Aider v0.86.1
> Main model: gpt-5 with diff edit format

#### show the query
#### <blank>
#### and explain it

Here it is:

```sql
#### not a prompt
> nor printed
```

It misses the tenant.

> Tokens: 2.1k sent, 1,024 cache hit, 300 received. Cost: $0.01 message, $0.02 session.

#### thanks

# aider chat started at 2026-07-18 09:00:00

#### ship it

Shipped.
"""
NAME = ".aider.chat.history.md"


def texts(journal: Path) -> list[list[tuple[str, str, str | None]]]:
    """Return role, content and meta of the messages of each session, in order."""
    with Projection.open(journal) as projection:
        sessions = sorted(session.session for session in projection.sessions())
        return [
            [
                (str(it.role), str(it.content), it.fields.get("meta"))
                for it in projection.messages(id)
            ]
            for id in sessions
        ]


def test_a_history_is_split_into_chats_and_messages(tmp_path: Path) -> None:
    """Marks within a code fence are text of the answer."""
    path = tmp_path / NAME
    path.write_text(HISTORY)
    report = take(tmp_path / "j", tmp_path)
    assert (report.files, report.errors, report.unknown) == (1, {}, [])
    first, second = texts(tmp_path / "j")
    assert [(role, meta) for role, _, meta in first] == [
        ("system", "notification"),
        ("user", None),
        ("assistant", None),
        ("system", "notification"),
        ("user", None),
    ]
    assert first[1][1] == "show the query\n\nand explain it"
    assert first[2][1].startswith("Here it is:\n\n```sql\n#### not a prompt\n> nor printed\n```")
    assert first[2][1].endswith("It misses the tenant.")
    assert second == [("user", "ship it", None), ("assistant", "Shipped.", None)]


def test_the_printed_figures_are_usage_and_the_times_are_estimates(tmp_path: Path) -> None:
    """The chat has a time, and its messages have none of their own."""
    (tmp_path / NAME).write_text(HISTORY)
    take(tmp_path / "j", tmp_path)
    events = journal_events(tmp_path / "j")
    [used] = [data for *_, type, data in events if type == "usage.added"]
    assert (used["input_tokens"], used["cache_read_tokens"], used["output_tokens"]) == (
        2100,
        1024,
        300,
    )
    assert used["actual_cost"] == 0.01
    models = [data["model"] for *_, type, data in events if "model" in data and "call" not in data]
    assert models == ["gpt-5"]
    with Projection.open(tmp_path / "j") as projection:
        for session in projection.sessions():
            times = {message.time for message in projection.messages(session.session)}
            assert times == {session.started}


@pytest.mark.parametrize("cut", range(1, 24, 4))
def test_a_history_that_grows_gives_the_events_of_the_whole(tmp_path: Path, cut: int) -> None:
    """Also if the import ended in between without its last message, as a killed one does."""
    path = tmp_path / "w" / NAME
    path.parent.mkdir()
    path.write_text(HISTORY)
    take(tmp_path / "whole", path)
    lines = HISTORY.splitlines(keepends=True)
    path.write_text("".join(lines[:cut]))
    with Journal.open(tmp_path / "parts", fsync="never") as handle:
        importer = Importer(handle, "auto")
        for source in importer.sources([path]):
            importer.take(source, last=False)
        importer.finish()
    path.write_text(HISTORY)
    take(tmp_path / "parts", path)
    assert journal_set(tmp_path / "parts") == journal_set(tmp_path / "whole")
    again = take(tmp_path / "parts", path)
    assert (again.messages, again.events, again.conflicts) == (0, 0, 0)


def test_bytes_that_are_no_text_and_unknown_headings_stop_nothing(tmp_path: Path) -> None:
    """Drift: they are part of the answer."""
    path = tmp_path / NAME
    path.write_bytes(HISTORY.encode() + b"\n#### go\n\n##### deeper\n\xff\xfe done\n")
    take(tmp_path / "j", path)
    assert texts(tmp_path / "j")[1][-1] == ("assistant", "##### deeper\n\ufffd\ufffd done", None)
