"""Times that a journal cannot store are counted, and their text is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from journal.importers.parsing.source_time import OUTSIDE, UNREADABLE, ZONELESS, read_time
from journal.importers.run.driver import Importer
from journal.writer import Journal
from tests.importers.feed import journal_events, line

if TYPE_CHECKING:
    from pathlib import Path

    from journal.importers.run.report import Report

HUGE = 10**25
"""A number that no float represents: the decoder makes a text of it."""
BAD = [
    ("0001-01-01T00:00:00Z", None, OUTSIDE),
    ("0001-01-01T00:00:00+14:00", None, OUTSIDE),
    ("9999-12-31T23:59:59Z", None, OUTSIDE),
    ("1969-12-31T23:59:59Z", None, OUTSIDE),
    (0, None, OUTSIDE),
    (-5, None, OUTSIDE),
    (HUGE, None, OUTSIDE),
    ("yesterday", None, UNREADABLE),
    (True, None, UNREADABLE),
    ({"at": 1}, None, UNREADABLE),
    ("2025-06-14T11:03:30", 1749899010_000000, ZONELESS),
]


def message(format: str, timestamp: object) -> bytes:
    """Write one message with a time in the form of a format."""
    message_fields: dict[str, Any] = {"role": "user", "content": "x"}
    if format == "claude-code":
        return line(
            type="user", sessionId="s", uuid="u", timestamp=timestamp, message=message_fields
        )
    if format == "codex":
        payload = {"type": "message", **message_fields}
        return line(type="response_item", timestamp=timestamp, payload=payload)
    if format == "codex-bare":
        return line(type="message", timestamp=timestamp, **message_fields)
    return line(timestamp=timestamp, **message_fields)


def run(tmp_path: Path, raw: bytes, format: str) -> tuple[Report, list[dict[str, Any]]]:
    """Import one file; return the report and the new events."""
    source = tmp_path / "a.jsonl"
    source.write_bytes(raw + b"\n")
    with Journal.open(tmp_path / "j", fsync="never") as journal:
        importer = Importer(journal, format.removesuffix("-bare"))
        report = importer.run(importer.sources([source]))
    return report, [data for *_, data in journal_events(tmp_path / "j")]


@pytest.mark.parametrize(("value", "micros", "reason"), [bad for bad in BAD if bad[0] != HUGE])
@pytest.mark.parametrize("format", ["claude-code", "codex", "codex-bare", "openai"])
def test_a_bad_time_is_counted_and_its_text_is_kept(
    tmp_path: Path, format: str, value: object, micros: int | None, reason: str
) -> None:
    """The report warns that the order may be wrong, and the original text is stored."""
    report, events = run(tmp_path, message(format, value), format)
    (found,) = [data for data in events if "role" in data]
    assert found.get("timestamp") == micros
    assert found["extra"]["timestamp"] == value
    assert report.repaired == {reason: 1}


@pytest.mark.parametrize("value", [None, "", "2025-06-14T11:03:30Z", 1749899010.5])
@pytest.mark.parametrize("format", ["claude-code", "codex", "openai"])
def test_a_valid_or_missing_time_is_not_counted(tmp_path: Path, format: str, value: object) -> None:
    """A message without a time is no error."""
    report, events = run(tmp_path, message(format, value), format)
    (found,) = [data for data in events if "role" in data]
    assert report.repaired == {}
    assert "timestamp" not in found.get("extra", {})


def test_a_time_under_another_name_keeps_its_name(tmp_path: Path) -> None:
    """The text is stored under the name that the source has for it."""
    raw = line(role="user", content="x", created_at="never", time="2025-06-14T11:03:30")
    report, (_, found) = run(tmp_path, raw, "openai")
    assert found["extra"] == {"created_at": "never", "time": "2025-06-14T11:03:30"}
    assert found["timestamp"] == 1749899010_000000
    assert report.repaired == {ZONELESS: 1}


@pytest.mark.parametrize("value", ["0001-01-01T00:00:00Z", "2025-06-14T11:03:30"])
def test_the_text_of_a_sessions_start_is_kept_too(tmp_path: Path, value: str) -> None:
    """A session's start is handled like a message's time."""
    meta = line(type="session_meta", timestamp=value, payload={"id": "s", "timestamp": value})
    report, (found,) = run(tmp_path, meta, "codex")
    assert found["extra"]["timestamp"] == value
    assert report.repaired.total() == 1
    talk = line(created_at=value, messages=[{"role": "user", "content": "x"}])
    report, events = run(tmp_path, talk, "openai")
    (session_data,) = [data for data in events if "created_at" in data.get("extra", {})]
    assert session_data["extra"] == {"created_at": value}
    assert report.repaired.total() == 1


def test_each_kind_of_bad_time_has_a_reason() -> None:
    """Each kind of bad time has its own reason."""
    for value, micros, reason in BAD:
        assert (read_time(value).micros, read_time(value).repair) == (micros, reason)
    assert read_time(float("nan")).repair == UNREADABLE
    assert read_time("2025-06-14").repair == ZONELESS
