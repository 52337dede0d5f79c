"""Whole transcripts, made up and real: nothing lost or repeated, in order, in any pieces.

The made-up ones are in `transcripts/<source>/`. Their texts are numbered in the order in which a
reader sees them: `#12`, and `#12-gone` if the source removes the message later.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
from collections import Counter
from pathlib import Path

import orjson
import pytest

from journal.importers.files.compressed import open_source
from projector import Projection
from tests.importers.feed import journal_events, journal_set
from tests.importers.shapes import shapes_of
from tests.support.transcripts import DATA, REAL, import_all

MADE_UP = Path(__file__).parent / "transcripts"
NAMED_BY_PATH = {"grok", "openai", "openhands", "swe_agent"}
"""Sources without ids of their conversations: the path gives the id."""
SOURCES = sorted(path.name for path in MADE_UP.iterdir())
FILES = sorted(path for path in MADE_UP.rglob("*.json*") if path.is_file())
GROWING = [path.relative_to(MADE_UP) for path in FILES if path.suffix == ".jsonl"]
NUMBER = re.compile(r"#(\d+)(-gone)?")


def numbers(text: str) -> list[str]:
    """Return the numbers in a text, in order."""
    return [found[0] for found in NUMBER.finditer(text)]


@REAL
@pytest.mark.slow
def test_the_made_up_transcripts_have_every_shape_of_the_real_ones() -> None:
    """They have every record type and every shape of a content part."""
    real = shapes_of(sorted(DATA.rglob("*.json*")))
    made_up = shapes_of(FILES)
    assert {source: sorted(real[source] - made_up[source]) for source in real} == {
        "claude-code": [],
        "codex": [],
        "openai": [],
    }


@pytest.mark.parametrize("source", SOURCES)
def test_every_made_up_text_is_imported_once_and_in_order(tmp_path: Path, source: str) -> None:
    """Texts that the source removed are not in the transcript, and searches find them."""
    journal, folder = tmp_path / "j", MADE_UP / source
    report = import_all(journal, folder)
    assert (report.errors, report.unknown, report.conflicts) == ({}, [], 0)
    assert report.files == sum(folder in path.parents for path in FILES)
    wanted: set[str] = set()
    for path in folder.rglob("*"):
        if path.is_file():
            with open_source(path) as stream:
                wanted.update(numbers(stream.read().decode()))
    events = journal_events(journal)
    # a line that repeats a queued prompt replaces it
    gone = {id for *_, type, data in events if type == "message.removed" for id in data["messages"]}
    appended = [
        data for _, id, type, data in events if type == "message.appended" and id not in gone
    ]
    found = Counter(number for data in appended for number in numbers(json.dumps(data)))
    assert found == dict.fromkeys(wanted, 1)
    read: list[str] = []
    with Projection.open(journal) as projection:
        for session in projection.sessions():
            messages = projection.messages(session.session)
            texts = [str((it.content, it.fields)) for it in messages]
            shown = [number for text in texts for number in numbers(text)]
            assert shown == sorted(shown, key=lambda number: int(number[1:].removesuffix("-gone")))
            read += shown
        assert set(read) == {number for number in wanted if not number.endswith("-gone")}
        for data in appended:
            words = str(data.get("content")).partition(" #")
            if words[2].endswith("-gone"):
                assert projection.search(f'"{words[0]}"').hits


@pytest.mark.parametrize("source", SOURCES)
def test_the_files_of_a_made_up_source_give_one_digest_in_any_order(
    tmp_path: Path, source: str
) -> None:
    """The files are imported together, and one by one in reverse order."""
    files = [path for path in FILES if path.is_relative_to(MADE_UP / source)]
    import_all(tmp_path / "together", *files)
    for path in reversed(files):
        import_all(tmp_path / "backwards", path)
    assert journal_set(tmp_path / "backwards") == journal_set(tmp_path / "together")
    digests = set()
    for name in ("backwards", "together"):
        with Projection.open(tmp_path / name) as projection:
            digests.add(projection.digest())
    assert len(digests) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", GROWING, ids=str)
def test_a_growing_made_up_file_gives_the_events_of_the_whole_file(
    tmp_path: Path, name: Path
) -> None:
    """Four prefixes, imported as they grow or in reverse order, give the same set of events."""
    shutil.copytree(MADE_UP, tmp_path / "box")
    file = tmp_path / "box" / name
    lines = file.read_bytes().splitlines(keepends=True)
    cuts = [len(lines) * part // 5 for part in range(1, 6)]
    for journal, order in (("alone", cuts[-1:]), ("forwards", cuts), ("backwards", cuts[::-1])):
        for cut in order:
            file.write_bytes(b"".join(lines[:cut]))
            os.utime(file, (0, 1_770_000_000))  # messages without any time get that of the file
            assert import_all(tmp_path / journal, file).conflicts == 0
    alone = journal_set(tmp_path / "alone")
    assert journal_set(tmp_path / "forwards") == alone
    assert journal_set(tmp_path / "backwards") == alone


@pytest.mark.slow
def test_parts_of_a_made_up_session_in_any_order_give_the_same_events(tmp_path: Path) -> None:
    """Each line alone determines its events, except for lines that take other lines back."""
    box = tmp_path / "box"
    shutil.copytree(MADE_UP / "claude_code" / "-home-ada-lighthouse", box)
    whole = min(box.glob("*.jsonl"))
    lines = whole.read_bytes().splitlines(keepends=True)
    parts = [box / f"part-{number}.jsonl" for number in range(4)]
    for number, part in enumerate(parts):
        start, end = number * 6, None if number == 3 else number * 6 + 6
        part.write_bytes(b"".join(lines[start:end]))
    import_all(tmp_path / "whole", whole)
    wanted = journal_set(tmp_path / "whole")
    for number, order in enumerate(itertools.islice(itertools.permutations(parts), 0, 24, 5)):
        for part in order:
            import_all(tmp_path / str(number), part)
        assert journal_set(tmp_path / str(number)) == wanted


@REAL
@pytest.mark.slow
def test_every_real_transcript_is_imported_once(tmp_path: Path) -> None:
    """No file fails or is unknown, and a second import appends nothing."""
    folders = [DATA / name for name in ("claude-code", "codex", "openai-messages")]
    first = import_all(tmp_path / "j", *folders)
    assert (first.errors, first.unknown, first.repaired) == ({}, [], {})
    assert first.files == sum(1 for folder in folders for _ in folder.rglob("*.json*"))
    assert first.messages > 14_000
    again = import_all(tmp_path / "j", *folders)
    assert (again.messages, again.events) == (0, 0)
    # those that name side files are read: a side file may have come
    assert 0 < again.files < 10
    assert again.files + again.unchanged == first.files


@pytest.mark.parametrize("source", SOURCES)
def test_a_second_import_of_made_up_transcripts_appends_nothing(
    tmp_path: Path, source: str
) -> None:
    """This holds with the ledger, if the ledger was lost, and in another folder."""
    import_all(tmp_path / "j", MADE_UP / source)
    before = journal_events(tmp_path / "j")
    again = import_all(tmp_path / "j", MADE_UP / source)
    assert (again.messages, again.events, again.conflicts) == (0, 0, 0)
    assert journal_events(tmp_path / "j") == before
    shutil.rmtree(tmp_path / "j" / "imports")
    lost = import_all(tmp_path / "j", MADE_UP / source)
    assert (lost.messages, lost.events, lost.conflicts) == (0, 0, 0)
    assert journal_events(tmp_path / "j") == before
    if source in NAMED_BY_PATH:
        return
    shutil.copytree(MADE_UP / source, tmp_path / "moved" / source)
    moved = import_all(tmp_path / "j", tmp_path / "moved" / source)
    assert (moved.messages, moved.conflicts) == (0, 0)


@pytest.mark.slow
@REAL
@pytest.mark.parametrize(
    "folder", sorted(path.relative_to(DATA).as_posix() for path in DATA.glob("*/*-growth/*"))
)
def test_growing_real_snapshots_give_the_events_of_the_last_one(
    tmp_path: Path, folder: str
) -> None:
    """In order, in reverse order, or only the last one: the set of events is the same."""
    paths = sorted((DATA / folder).iterdir())
    for path in paths:
        import_all(tmp_path / "forwards", path)
    for path in reversed(paths):
        import_all(tmp_path / "backwards", path)
    import_all(tmp_path / "alone", paths[-1])
    # a file without a session gets its stem as session: none of these is such a file
    alone = journal_set(tmp_path / "alone")
    assert journal_set(tmp_path / "forwards") == alone
    assert journal_set(tmp_path / "backwards") == alone


@REAL
@pytest.mark.slow
def test_slices_of_a_real_session_in_any_order_give_the_same_events(tmp_path: Path) -> None:
    """The four disjoint parts of one session give one set of events."""
    slices = sorted((DATA / "claude-code").glob("slices-*/*"))
    sets = []
    for number, order in enumerate(itertools.islice(itertools.permutations(slices), 0, 24, 5)):
        for path in order:
            import_all(tmp_path / str(number), path)
        sets.append(journal_set(tmp_path / str(number)))
    assert len(sets) == 5
    assert all(found == sets[0] for found in sets)
    facts: dict[tuple[str, str], object] = {}
    for (session, _), data in sets[0].items():
        if data["type"].startswith("session."):
            for name, value in data.items():
                if name != "type":
                    assert facts.setdefault((session, name), value) == value


@REAL
@pytest.mark.slow
def test_no_text_of_a_real_rollout_is_missing_or_repeated(tmp_path: Path) -> None:
    """A plain reading of the file has each text as often as the import does."""
    for path in sorted((DATA / "codex" / "agentv").iterdir())[:3]:
        wanted: Counter[str] = Counter()
        for raw in path.read_bytes().splitlines():
            payload = orjson.loads(raw)["payload"]
            if payload.get("type") in ("user_message", "agent_message"):
                wanted[payload["message"].strip()] += 1
        import_all(tmp_path / path.name, path)
        found: Counter[str] = Counter()
        for *_, data in journal_events(tmp_path / path.name):
            content = data.get("content", "")
            parts = [{"text": content}] if isinstance(content, str) else content
            found.update(part.get("text", "").strip() for part in parts)
        assert {text: found[text] for text in wanted} == wanted


@REAL
@pytest.mark.slow
def test_real_files_that_are_no_conversation_are_reported(tmp_path: Path) -> None:
    """Data sets, and files about sessions beside them, are named in the report."""
    report = import_all(tmp_path / "j", DATA / "chat", DATA / "format-samples")
    assert report.errors == {}
    unknown = {Path(path).name for path in report.unknown}
    assert "en_100_tree.jsonl" in unknown
    beside = {
        Path(path).name
        for why, at in report.passed_over.items()
        for path in at
        if "index or" in why
    }
    assert {"taskHistory.json", "summary.json", "state.json", "sessions.json"} <= beside
    assert not unknown & beside
    assert not unknown & {"wire.jsonl", "api_conversation_history.json", "transcript.jsonl"}
    assert report.messages > 100
