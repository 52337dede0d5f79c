"""An export of Hermes gives the events that its database gives."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from journal.importers.hermes.exported import HermesExport
from projector.projection import Projection
from tests.importers.feed import feed, line, reasons
from tests.importers.hermes.databases import START, Hermes, run
from tests.importers.source_lines import take

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARED = Path(__file__).parents[4] / "shared" / "data" / "hermes" / "made-by-h19"
CALL = {"id": "c1", "type": "function", "function": {"name": "ls", "arguments": "{}"}}
PARTS = [{"type": "text", "text": "\u00e9"}]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Path]:
    """A database with a session of four messages, of which one has no time of its own order."""
    hermes = Hermes(tmp_path / "state.db")
    with closing(hermes.db):
        hermes.session("s1", title="A title", ended_at=START + 9.5, input_tokens=7, message_count=4)
        hermes.say("\0json:" + json.dumps(PARTS))
        hermes.say("", role="assistant", tool_calls=json.dumps([CALL]), reasoning="so")
        hermes.say("done", role="tool", tool_call_id="c1", tool_name="ls", timestamp=START - 5)
        hermes.say("bye", role="assistant", finish_reason="stop")
        yield tmp_path / "state.db"


@pytest.fixture
def export(tmp_path: Path, database: Path) -> Path:
    """An export of it: all columns, with what is JSON decoded, and what Hermes computes."""
    with closing(sqlite3.connect(database)) as db:
        db.row_factory = sqlite3.Row
        (session,) = [dict(row) for row in db.execute("SELECT * FROM sessions")]
        rows: list[dict[str, Any]] = [dict(row) for row in db.execute("SELECT * FROM messages")]
    rows[0]["content"], rows[1]["tool_calls"] = PARTS, [CALL]
    path = tmp_path / "out.jsonl"
    path.write_bytes(line(**session, last_active=START + 8.0, messages=rows) + b"\n")
    return path


@pytest.mark.parametrize("export_first", [False, True])
def test_a_database_and_its_export_are_one(
    journal_dir: Path,
    database: Path,
    export: Path,
    export_first: bool,  # noqa: FBT001 - a case
) -> None:
    """Whichever is imported first, each message is there once, and there is no conflict."""
    reports = []
    for path in (export, database) if export_first else (database, export):
        importing = take if path == export else run
        reports.append(importing(journal_dir, path))
    first, second = reports
    assert (first.messages, first.errors, second.errors) == (4, {}, {})
    assert (second.conflicts, second.skipped) == (0, {})
    with Projection.open(journal_dir) as projection:
        contents = [message.content for message in projection.messages("s1")]
    assert contents == [PARTS, "", "done", "bye"]


def test_what_is_no_session_is_counted() -> None:
    """Drift: a line without messages, and one that is no object."""
    parser = feed(HermesExport, [line(id="s1", source="cli"), b"[7]"])
    assert reasons(parser) == ["no session: it has no id or no messages"] * 2


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.exists(), reason="needs the real database in ../shared/data")
def test_the_real_export_adds_nothing_to_its_database(journal_dir: Path, tmp_path: Path) -> None:
    """140 sessions that hermes-agent 0.19 has written and exported."""
    for name in ("state.db", "state.db-wal"):
        (tmp_path / name).write_bytes((SHARED / name).read_bytes())
    first = run(journal_dir, tmp_path / "state.db")
    second = take(journal_dir, SHARED / "sessions-export.jsonl")
    assert (first.messages, second.messages, second.conflicts) == (3513, 0, 0)
    with Projection.open(journal_dir) as projection:
        assert sum(each.messages for each in projection.sessions(limit=200)) == 3513
