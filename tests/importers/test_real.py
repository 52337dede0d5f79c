"""Real transcripts: all of them, in pieces and whole, give what a person would look for."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pytest

from journal.importers.run.driver import Importer
from journal.writer import Journal
from tests.importers.feed import journal_events, journal_set

if TYPE_CHECKING:
    from journal.importers.run.report import Report

DATA = Path(__file__).parents[3] / "shared" / "data"

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="the real transcripts are not beside this checkout"
)


def run(journal: Path, *names: str) -> Report:
    """Import folders or files of the transcripts."""
    with Journal.open(journal, fsync="never") as handle:
        importer = Importer(handle, "auto")
        return importer.run(importer.sources([DATA / name for name in names]))


def test_everything_is_imported_once(tmp_path: Path) -> None:
    """No file fails or is unknown, and a second import appends nothing."""
    folders = ("claude-code", "codex", "openai-messages")
    first = run(tmp_path / "j", *folders)
    assert (first.errors, first.unknown, first.repaired) == ({}, [], {})
    assert first.files == sum(1 for name in folders for path in (DATA / name).rglob("*.json*"))
    assert first.messages > 14_000
    again = run(tmp_path / "j", *folders)
    assert (again.messages, again.events) == (0, 0)
    appended = first.messages + first.events + first.conflicts
    assert again.already == first.already + appended


@pytest.mark.parametrize(
    "folder", sorted(path.relative_to(DATA).as_posix() for path in DATA.glob("*/*-growth/*"))
)
def test_growing_snapshots_give_what_the_last_one_gives(tmp_path: Path, folder: str) -> None:
    """In order, the wrong way round, or the last alone: the same set of events."""
    names = sorted(path.relative_to(DATA).as_posix() for path in (DATA / folder).iterdir())
    for name in names:
        run(tmp_path / "forwards", name)
    for name in reversed(names):
        run(tmp_path / "backwards", name)
    run(tmp_path / "alone", names[-1])
    # a file that names no session is named by its stem: none of these is
    alone = journal_set(tmp_path / "alone")
    assert journal_set(tmp_path / "forwards") == alone
    assert journal_set(tmp_path / "backwards") == alone


def test_slices_in_any_order_give_the_same_events(tmp_path: Path) -> None:
    """The four disjoint parts of one session make one set, and no fact is told in two ways."""
    slices = sorted((DATA / "claude-code").glob("slices-*/*"))
    names = [path.relative_to(DATA).as_posix() for path in slices]
    sets = []
    for number, order in enumerate(itertools.islice(itertools.permutations(names), 0, 24, 5)):
        for name in order:
            run(tmp_path / str(number), name)
        sets.append(journal_set(tmp_path / str(number)))
    assert len(sets) == 5
    assert all(found == sets[0] for found in sets)
    told: dict[tuple[str, str], object] = {}
    for (session, _), data in sets[0].items():
        if data["type"].startswith("session."):
            for name, value in data.items():
                if name != "type":
                    assert told.setdefault((session, name), value) == value


def test_no_text_of_a_rollout_is_missing_or_doubled(tmp_path: Path) -> None:
    """Checked against a plain reading of the file: each said text is there as often as it was."""
    names = [path.name for path in sorted((DATA / "codex" / "agentv").iterdir())[:3]]
    for name in names:
        said: list[str] = []
        for raw in (DATA / "codex" / "agentv" / name).read_bytes().splitlines():
            payload = orjson.loads(raw)["payload"]
            if payload.get("type") in ("user_message", "agent_message"):
                said.append(payload["message"].strip())
        run(tmp_path / name, f"codex/agentv/{name}")
        found: list[str] = []
        for *_, data in journal_events(tmp_path / name):
            content = data.get("content", "")
            parts = [{"text": content}] if isinstance(content, str) else content
            found.extend(part.get("text", "").strip() for part in parts)
        for text in set(said):
            assert found.count(text) == said.count(text)


def test_other_programs_files_break_nothing(tmp_path: Path) -> None:
    """Formats that are not known, and deliberately broken files, end in the report."""
    report = run(tmp_path / "j", "multi-agent-fixtures", "swe-agent", "openhands", "opencode")
    assert report.errors == {}
    assert len(report.unknown) > 50
    assert report.messages > 100
