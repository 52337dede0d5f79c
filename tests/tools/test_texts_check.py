"""The comparison of texts with the raw files finds what an import loses, and only that."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tools.texts_check import __main__ as command
from tools.texts_check import check, imported
from tools.texts_check.compare import Counts, Found, compare
from tools.texts_check.pieces import Piece, beside, call, reasoning, result, text

if TYPE_CHECKING:
    from collections.abc import Sequence

SHARED = Path(__file__).parents[3] / "shared" / "data"
RAW = (text("user", "list them"), call("ls", "c1", {"path": "."}), result("c1", "a.txt", "ls"))


def counted(raw: list[Piece], found: list[Piece], **more: str) -> Counts:
    """Compare two lists of pieces, each with a message of its own."""
    counts = Counts()
    compare("s1", list(enumerate(raw)), Found(list(enumerate(found)), **more), counts)
    return counts


def test_equal_pieces_have_no_fault() -> None:
    """White space around a text, and the order of keys in arguments, make no difference."""
    found = [text("user", "list them\n"), call("ls", "c1", '{ "path":"."}'), RAW[2]]
    counts = counted([*RAW], found)
    assert (counts.compared, counts.equal, counts.examples) == (3, 3, [])


@pytest.mark.parametrize(
    ("raw", "found", "fault"),
    [
        ([RAW[0], text("user", "and again")], [RAW[0]], "lost"),
        ([RAW[0], RAW[0]], [RAW[0]], "lost"),
        ([RAW[0]], [RAW[0], RAW[0]], "doubled"),
        ([RAW[0]], [RAW[0], text("user", "more")], "more"),
        ([*RAW], [RAW[0], RAW[2], RAW[1]], "order"),
        ([RAW[0]], [text("system", "list them")], "roles"),
        ([RAW[1]], [call("dir", "c1", {"path": "."})], "names"),
        ([RAW[2]], [result("c2", "a.txt", "ls")], "ids"),
    ],
)
def test_each_fault_is_counted_as_what_it_is(
    raw: list[Piece], found: list[Piece], fault: str
) -> None:
    """One fault is counted once, with an example."""
    counts = counted(raw, found)
    assert getattr(counts, fault) == 1
    assert [kind for kind, _, _ in counts.examples] == [fault]


def test_equal_texts_are_matched_as_they_are_said() -> None:
    """A piece without a role does not take the text of another, nor one that is said before."""
    raw = [text("", "ok"), text("user", "ok"), text("assistant", "so"), text("assistant", "ok")]
    assert counted(raw, [text("agent", "ok"), *raw[1:]]).examples == []
    assert counted(raw[2:], [text("assistant", "ok"), *raw[2:]]).order == 0


def test_the_order_is_that_of_each_file() -> None:
    """Two files say nothing of the order between them, and each one of its own."""
    raw = [(number, text("user", str(number))) for number in range(4)]
    for order, files, faults in (
        ((2, 0, 3, 1), [{0: 0, 1: 1}, {2: 0, 3: 1}], 0),
        ((2, 0, 3, 1), [{0: 0, 1: 1, 2: 2, 3: 3}], 2),
        ((1, 0, 2, 3), [{0: 0, 1: 1}, {0: 0, 1: 1, 2: 2, 3: 3}], 1),
    ):
        counts = Counts()
        found = Found([(at, raw[number][1]) for at, number in enumerate(order)])
        compare("s1", raw, found, counts, files)
        assert counts.order == faults


def test_texts_within_a_longer_one_are_found_there_once() -> None:
    """Two thoughts that an importer joins are both there, a third one is not."""
    joined = [reasoning("one\n\ntwo")]
    assert counted([reasoning("one"), reasoning("two")], joined).joined == 2
    assert counted([reasoning("one"), reasoning("one")], joined).lost == 1


def test_texts_at_other_places_are_not_lost() -> None:
    """A text can be in another field, or in an event that is not in force."""
    assert counted([text("user", "x")], [], aside="an x").aside == 1
    assert counted([text("user", "x")], [], conflicts="an x").conflicts == 1
    shown = [beside("user", "x", "only shown")]
    assert counted(shown, []).losses == {"only shown": 1}
    assert counted(shown, [], aside="an x").examples == []


def test_a_repetition_needs_no_message_of_its_own() -> None:
    """The text of an event for the user interface is there if any message has it."""
    repeated = Piece("text", "user", "list them", once=False)
    assert counted([RAW[0], repeated], [RAW[0]]).examples == []
    assert counted([repeated], [RAW[0]]).examples == []
    assert counted([repeated], []).lost == 1


def claude_line(id: str, role: str, content: object, **more: object) -> dict[str, object]:
    """Make a line of Claude Code."""
    about = {"type": role, "sessionId": "s1", "uuid": id, "timestamp": "2026-01-01T10:00:00Z"}
    return {**about, "message": {"role": role, "content": content}, **more}


def codex_line(line: str, **payload: object) -> dict[str, object]:
    """Make a line of Codex."""
    return {"timestamp": "2026-01-01T10:00:00Z", "type": line, "payload": payload}


def write(path: Path, lines: Sequence[object]) -> None:
    """Write lines of JSON."""
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")


def made_up(folder: Path) -> None:
    """Write one session of each of three sources, and a file of none."""
    thought = {"type": "thinking", "thinking": "it may be long"}
    use = {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls"}}
    answer = {"type": "tool_result", "tool_use_id": "t1", "content": [{"text": "a.txt"}]}
    claude = [
        claude_line("u1", "user", "list them"),
        claude_line("u2", "assistant", [thought, {"type": "text", "text": "so be it"}, use]),
        claude_line("u3", "user", [answer]),
        {"type": "queue-operation", "operation": "enqueue", "sessionId": "s1", "content": "wait"},
    ]
    write(folder / "s1.jsonl", claude)
    parts = [{"type": "input_text", "text": "count them"}]
    codex = [
        codex_line("session_meta", id="c1", cli_version="0.99.0"),
        codex_line("event_msg", type="user_message", message="count them"),
        codex_line("response_item", type="message", role="user", content=parts),
        codex_line("response_item", type="function_call", call_id="f1", name="wc", arguments="{}"),
        codex_line("response_item", type="function_call_output", call_id="f1", output="three"),
    ]
    write(folder / "c1.jsonl", codex)
    (folder / "state.sql").write_text(
        "CREATE TABLE schema_version (version INTEGER);"
        "INSERT INTO schema_version VALUES (22);"
        "CREATE TABLE sessions (id TEXT, source TEXT, started_at REAL);"
        "CREATE TABLE messages (id INTEGER PRIMARY KEY, session_id TEXT, role TEXT, content TEXT,"
        " tool_call_id TEXT, tool_calls TEXT, tool_name TEXT, timestamp REAL, finish_reason TEXT);"
        "INSERT INTO sessions VALUES ('h1', 'cli', 1767261600.0);"
        "INSERT INTO messages (session_id, role, content, timestamp)"
        " VALUES ('h1', 'user', 'is it here?', 1767261601.0);",
        encoding="utf-8",
    )
    (folder / "notes.txt").write_text("of no source", encoding="utf-8")


@pytest.mark.slow
def test_an_import_of_made_up_files_loses_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each source has a row, and a file of no source is named."""
    made_up(tmp_path)
    assert command.main([str(tmp_path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    rows = {row["name"]: row for row in found["sources"]}
    assert {name: row["counts"]["compared"] for name, row in rows.items()} == {
        "claude-code": 6,
        "codex": 4,
        "hermes": 1,
    }
    for row in rows.values():
        assert row["counts"]["examples"] == []
    assert rows["codex"]["versions"] == ["0.99.0"]
    assert found["no_reader"] == [str(tmp_path / "notes.txt")]


@pytest.mark.slow
def test_a_planted_loss_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """If the journal lacks one text, the exit code is 1 and the table has it."""
    made_up(tmp_path)
    real = imported.imported

    def without_one(paths: Any) -> Any:  # noqa: ANN401 - as of the function that it replaces
        found = real(paths)
        for session in found.sessions.values():
            session.pieces = [each for each in session.pieces if each[1].text != "three"]
        return found

    monkeypatch.setattr(check, "imported", without_one)
    assert command.main([str(tmp_path), "--markdown"]) == 1
    assert "| `codex` | 1 | 1 | 3 | 4 | 1 |  | 0.99.0 |" in capsys.readouterr().out
    assert command.main([str(tmp_path), "--only", "claude-code"]) == 0


def test_a_dump_of_a_database_is_loaded(tmp_path: Path) -> None:
    """A `*.sql` file is checked as the database that it makes."""
    (tmp_path / "a.sql").write_text("CREATE TABLE t (x); INSERT INTO t VALUES (7);", "utf-8")
    (made,) = check.find_files([tmp_path / "a.sql"], tmp_path)
    assert made.tables == {"t"}
    assert list(made.rows("SELECT * FROM t")) == [{"x": 7}]
    with pytest.raises(sqlite3.OperationalError):
        list(made.rows("DELETE FROM t"))


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.exists(), reason="needs the real transcripts in ../shared/data")
def test_every_text_of_the_samples_of_all_formats_is_there_as_it_is() -> None:
    """It is in the journal, once and in order. docs/sources.md has the counts of all real files."""
    assert command.main([str(SHARED / "format-samples")]) == 0
