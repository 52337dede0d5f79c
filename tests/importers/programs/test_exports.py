"""The data exports of ChatGPT and claude.ai: conversations with branches, also in zip files."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from journal.importers.parsing.parser import Location
from projector import Projection
from tests.importers.feed import facts, messages, read_document, reasons
from tests.importers.source_lines import take, transcript

if TYPE_CHECKING:
    from pathlib import Path

    from journal.importers.parsing.parser import Item


def said(id: str, text: str, time: float, role: str = "user", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Return a message of ChatGPT."""
    content = {"content_type": "text", "parts": [text]}
    return {"id": id, "author": {"role": role}, "create_time": time, "content": content, **more}


def talk(
    leaf: str, *nodes: tuple[str, str | None, dict[str, Any]], id: str = "s"
) -> dict[str, Any]:
    """Return a conversation of ChatGPT: each node is its id, its parent and its message."""
    mapping = {name: {"id": name, "parent": up, "message": body} for name, up, body in nodes}
    return {"conversation_id": id, "create_time": 1, "current_node": leaf, "mapping": mapping}


def read(*conversations: object) -> list[Item]:
    """Read conversations as one export."""
    return read_document(json.dumps(conversations).encode(), Location("file", (), "0badcafe"))


def pack(path: Path, **members: object) -> Path:
    """Write a zip file with JSON documents, each named after its argument."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, value in members.items():
            archive.writestr(f"export/{name}.json", json.dumps(value))
    return path


ONE = ("1", None, said("1", "one", 1767258001))
TWO = ("2", "1", said("2", "two", 1767258002, "assistant"))
THREE = ("3", "1", said("3", "three", 1767258003, "assistant"))
FOUR = ("4", "2", said("4", "four", 1767258004))


def test_a_branch_that_is_shown_again_is_the_transcript_again(tmp_path: Path) -> None:
    """Three exports of one conversation; each time another branch is live."""
    path = tmp_path / "conversations.json"
    for leaf, nodes, wanted in (
        ("2", (ONE, TWO), ["one", "two"]),
        ("3", (ONE, TWO, THREE), ["one", "three"]),
        ("4", (ONE, TWO, THREE, FOUR), ["one", "two", "four"]),
    ):
        path.write_text(json.dumps([talk(leaf, *nodes)]))
        take(tmp_path / "j", path)
        assert transcript(tmp_path / "j", "s") == wanted
    with Projection.open(tmp_path / "j") as projection:
        assert len(projection.search("three").hits) == 1


def test_a_conversation_without_branches_changes_no_state() -> None:
    """Nothing is archived or restored."""
    items = read(talk("2", ONE, TWO))
    assert facts(items, "message.archived") == facts(items, "message.restored") == []


def test_a_cycle_or_an_unknown_leaf_loses_no_message() -> None:
    """Drift: a tree that is none."""
    odd = talk("gone", ("1", "2", said("1", "one", 1)), ("2", "1", said("2", "two", 2)))
    assert sorted(m["content"] for m in messages(read(odd))) == ["one", "two"]


def test_unknown_content_is_kept_and_empty_content_counted() -> None:
    """Drift: a part of an unknown kind, a role of an unknown name, no text at all."""
    odd = {"content_type": "hologram", "parts": [{"content_type": "beam", "text": "light"}]}
    nodes = (
        ("1", None, said("1", "", 1, content=odd)),
        ("2", "1", said("2", "psst", 2, "ghost")),
        ("3", "2", said("3", "", 3, "assistant")),
    )
    items = read(talk("3", *nodes))
    assert [(m["role"], m["content"]) for m in messages(items)] == [
        ("user", odd["parts"]),
        ("ghost", "psst"),
    ]
    assert reasons(items) == ["assistant message without text (text)"]


def test_a_tool_and_its_result_are_a_call_and_a_result() -> None:
    """A message to a tool is a call, whose id is the message's."""
    code = {"content_type": "code", "text": "print(1)"}
    asks = said("1", "", 1, "assistant", content=code, recipient="python")
    gives = said("2", "1", 2, "tool")
    gives["author"]["name"] = "python"
    call, result = messages(read(talk("2", ("1", None, asks), ("2", "1", gives))))
    assert call["tool_calls"] == [
        {
            "id": "1",
            "type": "function",
            "function": {"name": "python", "arguments": '{"input":"print(1)"}'},
        }
    ]
    assert (result["role"], result["tool_name"], result["tool_call_id"]) == ("tool", "python", "1")


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_a_zip_file_is_read_as_its_conversations(tmp_path: Path, parts: int) -> None:
    """One document, or several numbered ones, of which one may be empty."""
    lists: list[list[object]] = [[talk("1", ONE, id=f"s{n}")] for n in range(parts)]
    if parts == 1:
        members: dict[str, object] = {"conversations": lists[0], "user": {}}
    else:
        members = {f"conversations-{n:03}": found for n, found in enumerate([*lists, []])}
    path = pack(tmp_path / "export.zip", **members)
    report = take(tmp_path / "j", tmp_path)
    assert (report.messages, report.errors, report.unknown) == (parts, {}, [])
    again = take(tmp_path / "j", path, reread=True)
    assert (again.conflicts, again.files) == (0, 1)


def test_a_zip_file_without_conversations_is_passed_over(tmp_path: Path) -> None:
    """In a folder it is named by its kind; given by its own path it is an error."""
    path = pack(tmp_path / "photos.zip", index=[])
    report = take(tmp_path / "j", tmp_path)
    assert report.errors == {}
    assert list(report.passed_over.values()) == [[str(path)]]
    named = take(tmp_path / "j", path)
    assert named.errors == {str(path): "a zip file without conversations.json"}


def test_a_damaged_zip_file_keeps_what_is_before_the_damage(tmp_path: Path) -> None:
    """The error names the damage."""
    path = pack(
        tmp_path / "export.zip", conversations=[talk("1", ONE, id=f"s{n}") for n in range(9)]
    )
    raw = bytearray(path.read_bytes())
    raw[120:130] = bytes(10)
    path.write_bytes(raw)
    report = take(tmp_path / "j", path)
    assert list(report.errors) == [str(path)]


def test_a_whole_conversation_alone_is_read(tmp_path: Path) -> None:
    """A document that is one conversation, and not a list of them."""
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps(talk("2", ONE, TWO)))
    assert take(tmp_path / "j", path).messages == 2


def test_the_branch_of_the_latest_message_of_claude_ai_is_live(tmp_path: Path) -> None:
    """An export that names no parents has no branches."""
    said = [
        {"uuid": id, "sender": "human", "text": id, "created_at": f"2026-01-05T09:00:0{n}Z"}
        for n, id in enumerate("abc")
    ]
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps([{"uuid": "s", "chat_messages": said}]))
    take(tmp_path / "j", path)
    assert transcript(tmp_path / "j", "s") == ["a", "b", "c"]
    for message in said[1:]:
        message["parent_message_uuid"] = "a"
    path.write_text(json.dumps([{"uuid": "t", "chat_messages": said}]))
    take(tmp_path / "j", path)
    assert transcript(tmp_path / "j", "t") == ["a", "c"]
