"""A newer importer corrects what an older one wrote, and quarrels with nothing."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from journal import Journal
from journal.events import read
from projector import Projection
from tests.importers.feed import journal_set, line
from tests.support.transcripts import import_all

if TYPE_CHECKING:
    from pathlib import Path

SESSION = "5e000000-0000-4000-8000-000000000001"
NOTICE = "<task-notification>the build is done</task-notification>"


def _line(number: int, text: str, **more: Any) -> bytes:  # noqa: ANN401 - any JSON
    return line(
        type="user",
        uuid=f"0a000000-0000-4000-8000-00000000000{number}",
        parentUuid=None,
        sessionId=SESSION,
        timestamp=f"2026-01-01T10:00:0{number}Z",
        message={"role": "user", "content": text},
        **more,
    )


def _old(number: int, text: str) -> dict[str, Any]:
    """Return the event of `_line` as version 0.1.0 wrote it."""
    data = {
        "role": "user",
        "content": text,
        "timestamp": 1_767_261_600_000_000 + number * 1_000_000,
        "source": "claude-code",
    }
    id = f"0a000000-0000-4000-8000-00000000000{number}"
    return {"session": SESSION, "id": id, "type": "message.appended", "data": data}


def test_a_newer_importer_corrects_what_an_older_one_wrote(tmp_path: Path) -> None:
    """The events of 0.1.0 are revised where the values differ; nothing is doubled or a conflict."""
    folder, file = tmp_path / "j", tmp_path / f"{SESSION}.jsonl"
    file.write_bytes(_line(1, "Build it.") + b"\n" + _line(2, NOTICE) + b"\n")
    with Journal.open(folder) as journal:
        journal.append_many([_old(1, "Build it."), _old(2, NOTICE)])
    report = import_all(folder, file)
    assert (report.conflicts, report.errors) == (0, {})
    events = journal_set(folder)
    with Projection.open(folder) as projection:
        found = [(m.content, m.fields.get("meta")) for m in projection.messages(SESSION)]
        assert found == [("Build it.", None), (NOTICE, "notification")]
    shutil.rmtree(folder / "imports")
    again = import_all(folder, file)
    assert again.conflicts == 0
    assert journal_set(folder) == events, "it corrects nothing again"


def test_imported_events_carry_the_name_and_version_of_their_importer(tmp_path: Path) -> None:
    """Events that a program appends itself have none."""
    folder, file = tmp_path / "j", tmp_path / f"{SESSION}.jsonl"
    file.write_bytes(_line(1, "Build it.") + b"\n")
    import_all(folder, file)
    with Journal.open(folder) as journal:
        journal.append_message("other", "user", "hello")
    found = {at.event.session: at.event.importer for at in read(folder)}
    assert found["other"] is None
    assert (found[SESSION] or "").rpartition(" ")[0] == "claude-code"


def test_a_message_that_another_program_wrote_under_the_same_id_is_not_corrected(
    tmp_path: Path,
) -> None:
    """Two contents of one version of an importer are a conflict, as before."""
    folder, file = tmp_path / "j", tmp_path / f"{SESSION}.jsonl"
    file.write_bytes(_line(1, "Build it.") + b"\n")
    import_all(folder, file)
    file.write_bytes(_line(1, "Burn it.") + b"\n")
    assert import_all(folder, file).conflicts == 1
    with Projection.open(folder) as projection:
        assert [m.content for m in projection.messages(SESSION)] == ["Build it."]
