"""Outputs of tools in Claude Code, of which a result holds only the beginning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from projector import Projection
from tests.importers.feed import journal_events
from tests.importers.source_lines import claude, take, write

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = "The heron stands\n" * 300
KEPT = "<persisted-output>\nOutput too large. Full output saved to: {}\n\nPreview:\nx\n"
NAMED = KEPT.format("/home/ada/x/tool-results/a1.txt")


def result(given: object, shown: object, uuid: str = "r1", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Return a line with one result, and what the user interface shows of it."""
    part = {"type": "tool_result", "tool_use_id": "t1", "content": given}
    return claude(uuid, None, [part], 1, toolUseResult=shown, **more)


def texts(journal: Path, session: str = "cc") -> list[tuple[str, Any]]:
    """Return id and content of the messages of a transcript."""
    with Projection.open(journal) as projection:
        return [(message.id, message.content) for message in projection.messages(session)]


SHAPES = {
    "a command": {"stdout": WHOLE, "stderr": "", "interrupted": False, "isImage": False},
    "a search": {"mode": "content", "numFiles": 1, "filenames": [], "content": WHOLE},
    "a page": {"bytes": 9, "code": 200, "result": WHOLE, "url": "https://example.invalid"},
    "a file": {"type": "text", "file": {"filePath": "/w/a", "content": WHOLE}},
    "an agent": {"status": "completed", "content": [{"type": "text", "text": WHOLE}]},
    "a task": {"retrieval_status": "success", "task": {"task_id": "b", "output": WHOLE}},
    "a text": f"Error: {WHOLE}",
    "parts": [{"type": "text", "text": WHOLE}],
}


@pytest.mark.parametrize("shown", SHAPES.values(), ids=SHAPES)
def test_an_output_that_a_line_shows_whole_is_a_message(
    tmp_path: Path, journal_dir: Path, shown: object
) -> None:
    """Its result is cut; the whole text follows it under an id of its own, for the same call."""
    write(tmp_path / "s.jsonl", [result("The heron stands ... [cut]", shown)])
    report = take(journal_dir, tmp_path / "s.jsonl")
    assert (report.messages, report.skipped) == (2, {})
    assert texts(journal_dir)[1] == ("r1:output", WHOLE.strip())
    (message,) = [data for _, id, _, data in journal_events(journal_dir) if id == "r1:output"]
    assert (message["role"], message["tool_call_id"], message["parent"]) == ("tool", "t1", "r1")


NOTHING_MORE = {
    "the same": {"stdout": "short", "stderr": ""},
    "an image": {"stdout": "iVBO" * 99, "stderr": "", "isImage": True},
    "an edit": {"filePath": "/w/a", "originalFile": WHOLE, "structuredPatch": []},
    "another kind": {"unknown": WHOLE},
    "an error": "Error: short",
}


@pytest.mark.parametrize("shown", NOTHING_MORE.values(), ids=NOTHING_MORE)
def test_what_a_result_has_already_is_no_further_message(
    tmp_path: Path, journal_dir: Path, shown: object
) -> None:
    """Neither is what a tool was given, nor what is no text."""
    write(tmp_path / "s.jsonl", [result("short", shown)])
    assert take(journal_dir, tmp_path / "s.jsonl").messages == 1


def test_what_a_line_shows_takes_the_place_of_a_missing_file(
    tmp_path: Path, journal_dir: Path
) -> None:
    """The file corrects it when it is there; without it nothing changes again."""
    folder, file = tmp_path / "box", tmp_path / "box" / "s" / "tool-results" / "a1.txt"
    write(folder / "s.jsonl", [result(NAMED, {"stdout": WHOLE[:900], "stderr": ""})])
    report = take(journal_dir, folder)
    assert report.passed_over == {
        "rest of a tool output: the file is not there": ["cc/tool-results/a1.txt"]
    }
    assert texts(journal_dir)[1] == ("tool-results/a1.txt", WHOLE[:900].strip())
    assert take(journal_dir, folder).messages == 0, "it is not appended again"
    write(file, [WHOLE.encode()])
    report = take(journal_dir, folder)
    assert (report.conflicts, report.events) == (0, 1)
    assert texts(journal_dir)[1:] == [("tool-results/a1.txt", f"{WHOLE}\n")]
    before = journal_events(journal_dir)
    for _ in range(2):
        report = take(journal_dir, folder, reread=True)
        assert report.conflicts == 0
        assert texts(journal_dir)[1:] == [("tool-results/a1.txt", f"{WHOLE}\n")]
        file.unlink(missing_ok=True)
    assert {id for _, id, *_ in before} == {id for _, id, *_ in journal_events(journal_dir)}


def test_a_sub_agent_in_progress_lines_and_in_its_file_has_an_output_once(
    tmp_path: Path, journal_dir: Path
) -> None:
    """The outputs have the same ids in both."""
    uuid = "0a000000-0000-4000-8000-000000000001"
    inner = result("The heron", {"stdout": WHOLE, "stderr": ""}, uuid, agentId="a1b2c3d")
    data = {"type": "agent_progress", "agentId": "a1b2c3d", "message": inner}
    line = {**claude("p1", None, "", 1), "type": "progress", "data": data}
    del line["message"]
    write(tmp_path / "box" / "s.jsonl", [line])
    write(tmp_path / "box" / "agent-a1b2c3d.jsonl", [{**inner, "isSidechain": True}])
    report = take(journal_dir, tmp_path / "box")
    assert report.conflicts == 0
    with Projection.open(journal_dir) as projection:
        assert len(projection.search("heron stands").hits) == 1


def test_forks_show_an_output_once_in_searches(tmp_path: Path, journal_dir: Path) -> None:
    """The output of a copied line is a replay, as the line is."""
    uuid = "0a000000-0000-4000-8000-000000000001"
    line = result("The heron", {"stdout": WHOLE, "stderr": ""}, uuid)
    write(tmp_path / "box" / "one.jsonl", [line])
    write(tmp_path / "box" / "two.jsonl", [{**line, "sessionId": "fork"}])
    take(journal_dir, tmp_path / "box")
    with Projection.open(journal_dir) as projection:
        assert len(projection.search("heron stands").hits) == 1
        assert len(projection.messages("fork")) == 2
