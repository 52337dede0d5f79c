"""The SQL views for other programs: their content, and that docs/sql.md describes them."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from journal import Journal, Redacted
from journal.format.redacted import mark
from projector import Projection
from projector.db.connections import create_in_memory
from projector.db.public_views import VIEWS
from projector.db.schema import SCHEMA
from tests.support.projections import write_segment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import ExpectedProblems

ROOT = Path(__file__).parents[3]
DOCS = (ROOT / "docs" / "sql.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```sql\n(.*?)```", DOCS, re.DOTALL)
ORDER = "ORDER BY order_time, order_depth, event_order, lane, seq, transcript_index"
T = 1_700_000_000_000_000
REDACTED = Redacted("0a1b2c3d", "5" * 32, "rules 1", {"token": 1})
CALL = {"id": "c1", "type": "function", "function": {"name": "run", "arguments": "{}"}}


def _fill(journal: Journal) -> None:
    """Append events for everything that a view shows."""
    created = {"title": "Docker", "source": "cli", "model": "m", "config": {"effort": 1}}
    journal.append(type="session.created", session="s1", data=created)
    journal.append_message("s1", "user", "docker compose fails", id="m1", timestamp=T)
    journal.append_message(
        "s1", "assistant", [{"type": "text", "text": "why"}], id="m2", parent="m1"
    )
    journal.append_message("s1", "assistant", None, id="m3", tool_calls=[CALL], token_count=7)
    journal.append_message("s1", "user", "颐和园", id="m4", source="web")
    for id in ("a1", "r1"):
        journal.append_message("s1", "user", f"out of it: {id}", id=id)
    edits = {"archived": ["a1"], "removed": ["r1"]}
    for type, ids in edits.items():
        journal.append(type=f"message.{type}", session="s1", data={"messages": ids, "reason": "x"})
    revised = {"message": "m4", "reasoning": "because"}
    journal.append(type="message.revised", session="s1", data=revised)
    journal.append_message("s1", "user", "another content", id="m1")
    tool = {"output": f"the key {mark('token', '1f3a9c')}"}
    journal._append([("s1", "e1", "tool.used", tool, REDACTED, None)])
    journal.append(type="tool.used", session="s1", id="e1", data={"output": "the key sk-1"})
    for id in ("u1", "u2"):
        used = {"output_tokens": 5, "estimated_cost": 0.25, "api_calls": 1}
        journal.append(type="usage.added", session="s1", id=id, data=used)
    for key in ("theme", "gone"):
        data = {"key": key, "value": {"dark": True}}
        journal.append(type="key.set", session="@settings", data=data)
    journal.append(type="key.deleted", session="@settings", data={"key": "gone"})
    journal.append_message("dead", "user", "deleted with its session", id="d1")
    journal.append(type="session.deleted", session="dead", data={})


@pytest.fixture
def stock(journal_dir: Path, expect_problems: ExpectedProblems) -> Iterator[sqlite3.Connection]:
    """A connection of the standard library to a projection that has rows in each view."""
    with Journal.open(journal_dir) as journal:
        _fill(journal)
    expect_problems("damage", "header")
    write_segment(journal_dir / "lanes", "9", 1, b"no record\n")
    with Projection.open(journal_dir) as projection:
        projection.sessions()
    db = sqlite3.connect(f"file:{journal_dir / 'projection' / '1.db'}?mode=ro", uri=True)
    db.row_factory = sqlite3.Row
    try:
        yield db
    finally:
        db.close()


def _rows(db: sqlite3.Connection, query: str) -> list[dict[str, Any]]:
    return [dict(row) for row in db.execute(query)]


def test_the_reference_has_all_views_and_columns() -> None:
    """docs/sql.md, which `make docs` writes, has each view and each of its columns."""
    check = [sys.executable, "-m", "tools.sql_reference", "--check"]
    result = subprocess.run(
        check, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_the_stock_sqlite_reads_each_view(stock: sqlite3.Connection, view: Any) -> None:  # noqa: ANN401 - mypy knows no type of a parameter
    """Each view has the declared columns, and shows rows of the journal."""
    rows = stock.execute(f"SELECT * FROM {view.name}")
    assert [name for name, *_ in rows.description] == [column.name for column in view.columns]
    assert rows.fetchall()


@pytest.mark.parametrize("query", EXAMPLES)
def test_each_example_of_the_reference_finds_something(
    stock: sqlite3.Connection, query: str
) -> None:
    """The queries of docs/sql.md run in the standard library's SQLite and return rows."""
    assert stock.execute(query).fetchall()


@pytest.mark.usefixtures("stock")
def test_the_program_of_the_reference_runs(journal_dir: Path) -> None:
    """The Python of docs/sql.md finds the database of the journal and prints a transcript."""
    [program] = re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL)
    env = {**os.environ, "JOURNAL_DIR": str(journal_dir)}
    run = [sys.executable, "-c", program]
    result = subprocess.run(run, env=env, capture_output=True, text=True, check=True, timeout=60)
    assert "user docker compose fails\n" in result.stdout


def test_messages_are_those_of_the_transcript_in_its_order(stock: sqlite3.Connection) -> None:
    """`messages` has what `Projection.messages` returns; `all_messages` has the others, too."""
    query = f"SELECT id, state FROM {{}} WHERE session = 's1' {ORDER}"
    there = [tuple(row) for row in stock.execute(query.format("messages"))]
    assert there == [(f"m{n}", "transcript") for n in range(1, 5)]
    everything = dict(stock.execute("SELECT id, state FROM all_messages").fetchall())
    out = {"a1": "archived", "r1": "removed", "d1": "deleted"}
    assert everything == dict(there) | out


def test_a_message_is_shown_with_its_fields(stock: sqlite3.Connection) -> None:
    """Each field has a column: it is parsed, with its own date and source, and its revisions."""
    first, parts, calls, last = _rows(stock, f"SELECT * FROM messages {ORDER}")
    assert (first["time"], first["timestamp"], first["source"]) == (T, T, "cli")
    assert (first["own_source"], last["own_source"], last["source"]) == (None, "web", "web")
    assert (parts["content"], parts["content_is_json"]) == ('[{"type":"text","text":"why"}]', 1)
    assert (parts["parent"], parts["timestamp"], parts["time"]) == ("m1", None, parts["appended"])
    assert (calls["content"], calls["token_count"]) == (None, 7)
    assert '"name":"run"' in calls["tool_calls"]
    assert (last["reasoning"], last["revised"], last["content"]) == ("because", 1, "颐和园")
    assert last["original"] == '{"content":"颐和园","role":"user","source":"web"}'


def test_a_session_is_shown_with_its_usage(stock: sqlite3.Connection) -> None:
    """A session is shown with fields, counts and sums; a deleted session is not shown."""
    (row,) = _rows(stock, "SELECT * FROM sessions")
    shown = ("session", "title", "source", "config", "message_count", "tool_call_count")
    assert [row[name] for name in shown] == ["s1", "Docker", "cli", '{"effort":1}', 4, 1]
    assert (row["output_tokens"], row["api_calls"], row["estimated_cost"]) == (10, 2, 0.5)
    assert (row["started"], row["first_message"], row["input_tokens"]) == (T, T, None)
    used = {(r["name"], r["total"], r["unit"]) for r in _rows(stock, "SELECT * FROM usage")}
    assert used == {
        ("output_tokens", 10, "tokens"),
        ("api_calls", 2, "calls"),
        ("estimated_cost", 0.5, "US dollars"),
    }


def test_views_name_conflicts_and_damage_and_lanes(stock: sqlite3.Connection) -> None:
    """Views show conflicts, quarantine, and how far each lane is applied."""
    (conflict,) = _rows(stock, "SELECT * FROM conflicts")
    assert (conflict["id"], conflict["type"]) == ("m1", "message.appended")
    assert conflict["redacted"] is None
    (damage,) = _rows(stock, "SELECT * FROM quarantine")
    found = [damage[name] for name in ("lane_folder", "segment_number", "offset", "length")]
    assert found == ["9", 1, 0, len(b"no record\n")]
    (lane,) = _rows(stock, "SELECT * FROM lanes")
    assert (lane["lane"], lane["segment_count"]) == (conflict["lane"], 1)
    (last,) = _rows(stock, "SELECT max(seq) AS seq FROM events")
    assert lane["applied"] == last["seq"]
    assert _rows(stock, "SELECT namespace, key, value FROM keys") == [
        {"namespace": "@settings", "key": "theme", "value": '{"dark":true}'}
    ]


def test_views_show_what_was_redacted(stock: sqlite3.Connection) -> None:
    """`redacted` is an object; the same event in clear text is no conflict and is not shown."""
    rows = _rows(stock, "SELECT id, data, redacted FROM events WHERE redacted IS NOT NULL")
    [(id, data, redacted)] = [row.values() for row in rows]
    assert (id, json.loads(redacted)) == ("e1", REDACTED.fields())
    assert "[redacted:token:1f3a9c]" in data
    assert _rows(stock, "SELECT 1 FROM conflicts WHERE id = 'e1'") == []
    kinds = "SELECT value FROM events, json_each(redacted, '$.counts') WHERE key = 'token'"
    assert _rows(stock, kinds) == [{"value": 1}]


@pytest.mark.parametrize("page", ["sql.md", "upgrade.md"])
def test_the_documents_name_the_folder_of_this_version(page: str) -> None:
    """docs/upgrade.md names the folder of the projection that follows from the schema number."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert set(re.findall(r"projection/(\d+)/", text)) == {str(SCHEMA)}


def test_everything_else_is_marked_as_internal(stock: sqlite3.Connection) -> None:
    """The name of every internal table begins with an underscore."""
    names = [
        row["name"] for row in stock.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
    ]
    assert [name for name in names if not name.startswith(("_", "fts", "sqlite_"))] == []


@pytest.mark.parametrize(
    "query",
    [
        f"SELECT content FROM messages WHERE session = 's1' {ORDER}",
        "SELECT content FROM messages WHERE session = 's1' AND id = 'm1'",
        "SELECT m.content FROM fts JOIN messages m ON m.rowid = fts.rowid WHERE fts MATCH 'x'",
        "SELECT title, output_tokens FROM sessions WHERE session = 's1'",
        "SELECT session FROM sessions WHERE parent = 's0'",
        "SELECT value FROM keys WHERE namespace = '@settings' AND key = 'theme'",
        "SELECT type FROM message_changes WHERE session = 's1'",
        "SELECT seq FROM copies WHERE session = 's1' AND id = 'm1'",
    ],
)
def test_a_condition_on_a_key_is_served_by_an_index(query: str) -> None:
    """SQLite flattens each view into the query, so only a full-text match scans a table."""
    db = create_in_memory()
    plan = [str(step) for *_, step in db.execute(f"EXPLAIN QUERY PLAN {query}")]
    db.close()
    assert [step for step in plan if re.match("SCAN (?!fts )|MATERIALIZE|CO-ROUTINE", step)] == []
