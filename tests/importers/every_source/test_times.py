"""Messages without a time get that of their neighbours, file or name, and never the import's."""

from __future__ import annotations

import os
import re
import sqlite3
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from projector import Projection
from tests.importers.every_source.samples import SAMPLES
from tests.importers.feed import journal_events
from tests.support.transcripts import import_all

if TYPE_CHECKING:
    from pathlib import Path

FILE_TIME = 1_700_000_000
"""When the files of the samples were changed last, in seconds since 1970."""
_TIME = re.compile(r"time|date|created|updated|^ts$|At$|^_?at$", re.IGNORECASE)


def untimed(value: Any, *, within: bool = False) -> Any:  # noqa: ANN401 - any JSON
    """Return JSON whose times are null."""
    if isinstance(value, dict):
        return {k: untimed(v, within=within or bool(_TIME.search(k))) for k, v in value.items()}
    if isinstance(value, list):
        return [untimed(item, within=within) for item in value]
    return None if within and isinstance(value, str | int | float) else value


def _without_times(file: Path) -> None:
    raw = file.read_bytes()
    if raw.startswith(b"SQLite format 3"):
        _untimed_rows(file)
    elif file.suffix in (".json", ".jsonl"):
        try:
            whole = orjson.dumps(untimed(orjson.loads(raw)))
        except orjson.JSONDecodeError:
            lines = raw.splitlines()
            whole = b"".join(map(_untimed_line, lines))
        file.write_bytes(whole)
    os.utime(file, (FILE_TIME, FILE_TIME))


def _untimed_line(line: bytes) -> bytes:
    try:
        return orjson.dumps(untimed(orjson.loads(line))) + b"\n"
    except orjson.JSONDecodeError:
        return line + b"\n"


def _untimed_rows(file: Path) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        for (table,) in db.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        ).fetchall():
            columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
            for column in columns:
                if _TIME.search(column):
                    for none in ("NULL", "'soon'"):  # a column may need a value
                        with suppress(sqlite3.IntegrityError):
                            db.execute(f"UPDATE {table} SET {column} = {none}")
                            break
                    continue
                for rowid, cell in db.execute(f"SELECT rowid, {column} FROM {table}").fetchall():
                    if isinstance(cell, str) and cell[:1] in ("{", "["):
                        plain = orjson.dumps(untimed(orjson.loads(cell))).decode()
                        db.execute(
                            f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (plain, rowid)
                        )


@pytest.mark.slow
@pytest.mark.parametrize("source", SAMPLES)
def test_no_message_has_the_time_of_its_import(tmp_path: Path, source: str) -> None:
    """In a sample without any time each message is dated by its file or name, and marked so."""
    box = tmp_path / "box"
    box.mkdir()
    SAMPLES[source](box)
    for file in [path for path in box.rglob("*") if path.is_file()]:
        if file.suffix == ".zst":
            file.unlink()
        else:
            _without_times(file)
    began = time.time_ns() // 1000
    report = import_all(tmp_path / "j", box)
    assert (report.errors, report.conflicts) == ({}, 0)
    found = 0
    with Projection.open(tmp_path / "j") as projection:
        for session in projection.sessions():
            for message in projection.messages(session.session):
                found += 1
                assert not began <= message.time <= time.time_ns() // 1000, message
                assert message.fields.get("extra", {}).get("estimated_time") is True, message
    assert found
    before = journal_events(tmp_path / "j")
    import_all(tmp_path / "j", box)
    assert journal_events(tmp_path / "j") == before
