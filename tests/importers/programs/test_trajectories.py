"""Trajectories of SWE-agent, OpenHands and ATIF, and tasks of Cline and its descendants."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from journal.importers.parsing.parser import Location, Repaired
from projector import Projection
from tests.importers.feed import (
    facts,
    journal_events,
    messages,
    read_document,
    reasons,
)
from tests.importers.source_lines import take, transcript
from tests.support.transcripts import DATA, REAL

if TYPE_CHECKING:
    from pathlib import Path

    from journal.importers.parsing.parser import Item

START = 1767225600000  # ms


def read(value: object, **location: Any) -> list[Item]:  # noqa: ANN401 - any field
    """Read a document."""
    return read_document(json.dumps(value).encode(), Location("file", mark="0badcafe", **location))


def dump(path: Path, value: object) -> Path:
    """Write a document."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    return path


def block(text: str) -> list[dict[str, str]]:
    """Return a text as content."""
    return [{"type": "text", "text": text}]


HISTORY = [
    {"role": "user", "content": block("<task>\nfix it\n</task>")},
    {"role": "assistant", "content": block("fixed")},
    {"role": "user", "content": block("<environment_details>\nx\n</environment_details>")},
    {"role": "assistant", "content": block("done")},
]


def request(seconds: int, **used: float) -> dict[str, Any]:
    """Return the entry of a request in the user interface."""
    return {"ts": START + seconds * 1000, "say": "api_req_started", "text": json.dumps(used)}


@pytest.mark.parametrize("numbered", [False, True])
def test_the_times_of_a_task_are_those_of_its_interface(tmp_path: Path, numbered: bool) -> None:  # noqa: FBT001 - a case
    """They are estimates; usage is per request, with the cost that the program states."""
    entries: list[dict[str, Any]] = [
        {"ts": START, "say": "text", "text": "fix it"},
        request(1, tokensIn=5, tokensOut=7, cacheReads=2, cacheWrites=1, cost=0.25),
        {"ts": START + 2000, "say": "text", "text": "fixed"},
        request(3, tokensIn=6, tokensOut=1),
        {"ts": START + 4000, "say": "completion_result", "text": "done"},
    ]
    if numbered:
        for entry, index in zip(entries, (-1, 0, 0, 2, 2), strict=True):
            entry["conversationHistoryIndex"] = index
    task = tmp_path / "rooveterinaryinc.roo-cline" / "tasks" / "abc"
    path = dump(task / "api_conversation_history.json", HISTORY)
    dump(task / "ui_messages.json", entries)
    dump(task / "history_item.json", {"id": "abc", "task": "fix it", "workspace": "/w"})
    report = take(tmp_path / "j", path)
    assert (report.messages, report.errors) == (4, {})
    events = journal_events(tmp_path / "j")
    said = [data for *_, type, data in events if type == "message.appended"]
    first = START if numbered else START + 1000
    assert [data["timestamp"] // 1000 for data in said] == [
        first,
        START + 2000,
        START + 3000,
        START + 4000,
    ]
    assert all(data["extra"]["estimated_time"] is True for data in said)
    [created] = [data for *_, type, data in events if type == "session.created"]
    assert (created["source"], created["cwd"], created["title"]) == ("roo-code", "/w", "fix it")
    used = [data for *_, type, data in events if type == "usage.added"]
    assert [(it["input_tokens"], it.get("actual_cost")) for it in used] == [(5, 0.25), (6, None)]
    assert transcript(tmp_path / "j", "abc")[0] == "fix it"


def test_a_task_that_is_rewound_keeps_both_versions(tmp_path: Path) -> None:
    """A place in the conversation that is written again is another message."""
    path = dump(tmp_path / "tasks" / "1767225600000" / "api_conversation_history.json", HISTORY)
    take(tmp_path / "j", path)
    dump(path, [HISTORY[0], {"role": "assistant", "content": block("mended")}])
    again = take(tmp_path / "j", path)
    assert (again.messages, again.conflicts) == (1, 0)
    with Projection.open(tmp_path / "j") as projection:
        assert len(projection.search("mended").hits) == len(projection.search("fixed").hits) == 1


def test_a_task_is_not_taken_for_a_list_of_messages(tmp_path: Path) -> None:
    """Neither is a session of Cline's command line."""
    task = dump(tmp_path / "tasks" / "1" / "api_conversation_history.json", HISTORY)
    whole = {"version": 1, "agent": "lead", "sessionId": "s", "messages": HISTORY}
    line = dump(tmp_path / "s" / "s.messages.json", whole)
    take(tmp_path / "j", task, line)
    said = [data for *_, type, data in journal_events(tmp_path / "j") if "role" in data]
    assert {data["source"] for data in said} == {"cline"}


def test_unknown_parts_of_a_task_are_kept_or_counted(tmp_path: Path) -> None:
    """Drift: a part of an unknown kind stays; a message without role or content is counted."""
    odd = [{"role": "user", "content": [{"type": "beam", "x": 1}], "hue": 2}, {"content": "x"}, 7]
    path = dump(tmp_path / "tasks" / "1" / "api_conversation_history.json", [*odd, HISTORY[1]])
    report = take(tmp_path / "j", path)
    assert report.messages == 2
    assert report.skipped == {"no message: it has no role": 2}


def test_a_trajectory_of_swe_agent_has_the_time_of_its_file(tmp_path: Path) -> None:
    """What the environment answered is marked, and so are demonstrations."""
    history = [
        {"role": "system", "content": "you fix", "agent": "main"},
        {"role": "user", "content": "look here", "is_demo": True},
        {"role": "user", "content": "fix it"},
        {"role": "assistant", "content": "ls first", "action": "ls"},
        {"role": "user", "content": "a.py"},
    ]
    steps = [
        {"action": "ls", "response": "ls first", "observation": "a.py"},
        {"action": "submit", "response": "submit", "observation": "diff"},
    ]
    stats = {"instance_cost": 0.5, "tokens_sent": 9, "tokens_received": 3, "api_calls": 2}
    info = {"model_stats": stats, "exit_status": "submitted", "submission": "x" * 5000}
    path = dump(tmp_path / "a.traj", {"trajectory": steps, "history": history, "info": info})
    os.utime(path, (1767225600, 1767225600))
    report = take(tmp_path / "j", tmp_path)
    assert report.skipped == {"beside the messages: info.submission": 1}
    events = journal_events(tmp_path / "j")
    said = [data for *_, type, data in events if type == "message.appended"]
    assert [(it["role"], it["content"], it.get("meta")) for it in said] == [
        ("system", "you fix", "instructions"),
        ("user", "look here", "instructions"),
        ("user", "fix it", None),
        ("assistant", "ls first", None),
        ("user", "a.py", "notification"),
        ("assistant", "submit", None),
        ("tool", "diff", None),
    ]
    [used] = [data for *_, type, data in events if type == "usage.added"]
    assert (used["input_tokens"], used["api_calls"], used["actual_cost"]) == (9, 2, 0.5)
    with Projection.open(tmp_path / "j") as projection:
        [session] = projection.sessions()
        times = {message.time for message in projection.messages(session.session)}
    assert times == {1767225600_000000}


def test_unknown_events_of_openhands_are_counted_by_name() -> None:
    """Drift: an unknown kind, an event that is none, and an unknown action, which is a call."""
    shared = {"timestamp": "2026-01-10T09:00:00Z", "source": "agent"}
    items = read(
        [
            {**shared, "id": 1, "action": "levitate", "args": {"height": 3}},
            {**shared, "id": 2, "kind": "AuraEvent"},
            7,
            {**shared, "id": 3, "observation": "null", "content": "", "extras": {}},
        ]
    )
    [found] = messages(items)
    assert found["tool_calls"][0]["function"] == {"name": "levitate", "arguments": '{"height":3}'}
    assert reasons(items) == ["AuraEvent", "no event: it is no object", "observation/null"]


def test_usage_of_openhands_is_without_what_was_cached() -> None:
    """The prompt that it counts contains what was read from the cache and written to it."""
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 9,
        "prompt_tokens_details": {"cached_tokens": 60},
        "cache_creation_input_tokens": 30,
    }
    about = {"tool_call_id": "c", "model_response": {"id": "r", "model": "m", "usage": usage}}
    event = {"id": 1, "timestamp": "2026-01-10T09:00:00Z", "source": "agent", "action": "run"}
    items = read([{**event, "args": {"command": "ls"}, "tool_call_metadata": about}])
    [(_, used)] = facts(items, "usage.added")
    names = ("input", "output", "cache_read", "cache_write")
    assert [used[f"{name}_tokens"] for name in names] == [10, 9, 60, 30]
    assert (used["call"], used["model"]) == ("r", "m")


def test_a_trajectory_of_atif_has_its_agent_as_source() -> None:
    """Drift: unknown fields, a source of another name, and a step that is none."""
    items = read(
        {
            "schema_version": "ATIF-v9.9",
            "session_id": "s",
            "agent": {"name": "a", "version": "1", "model_name": "m"},
            "hue": 1,
            "steps": [
                {"step_id": 1, "source": "user", "message": "hi", "hue": 2},
                {"step_id": 2, "source": "oracle", "message": block("ho")},
                {"step_id": 3, "source": "agent", "message": ""},
                7,
            ],
        }
    )
    assert [(m["role"], m["content"], m["source"]) for m in messages(items)] == [
        ("user", "hi", "a"),
        ("oracle", "ho", "a"),
    ]
    assert reasons(items) == ["agent step without content", "no step: it is no object"]


def test_a_trajectory_that_violates_its_format_is_imported_and_counted() -> None:
    """The package of the extra `atif` checks it."""
    pytest.importorskip("atif")
    head = {"schema_version": "ATIF-v1.6", "session_id": "s"}
    agent = {"name": "a", "version": "1", "model_name": "m"}
    steps = [{"step_id": 1, "source": "user", "message": "hi"}]
    for found, wanted in (
        (read({**head, "agent": agent, "steps": steps}), []),
        (read({**head, "steps": steps}), ["no valid ATIF: agent: Field required"]),
    ):
        assert [item.reason for item in found if isinstance(item, Repaired)] == wanted
        assert [m["content"] for m in messages(found)] == ["hi"]


@REAL
@pytest.mark.slow
def test_no_text_of_a_real_trajectory_is_lost(tmp_path: Path) -> None:
    """Every text of SWE-agent's steps and of OpenHands' messages is in the journal."""
    wanted: set[str] = set()
    for path in sorted((DATA / "swe-agent").rglob("*.traj")):
        value = json.loads(path.read_text())
        for step in value.get("trajectory", ()):
            wanted.update(str(step.get(name) or "").strip() for name in ("response", "observation"))
    take(tmp_path / "j", DATA / "swe-agent")
    found = "\0".join(
        json.dumps(data, ensure_ascii=False) for *_, data in journal_events(tmp_path / "j")
    )
    lost = [text for text in wanted if json.dumps(text, ensure_ascii=False)[1:-1] not in found]
    assert lost == []


def test_arguments_of_a_call_of_openhands_are_those_that_the_model_wrote() -> None:
    """The program's own form of them stands in for them where its answer is not there."""
    function = {"name": "editor", "arguments": '{"command":"view","path":"/a"}'}
    answer = {"choices": [{"message": {"tool_calls": [{"id": "c1", "function": function}]}}]}
    about = {"function_name": "editor", "tool_call_id": "c1", "model_response": answer}
    shared = {"timestamp": "2026-01-10T09:00:00Z", "source": "agent", "action": "read"}
    action = {**shared, "args": {"path": "/a", "start": 0}}
    events = [
        {"id": 1, **action, "tool_call_metadata": about},
        {"id": 2, **action, "tool_call_metadata": {**about, "tool_call_id": "c2"}},
    ]
    found = [each["tool_calls"][0]["function"]["arguments"] for each in messages(read(events))]
    assert found == [function["arguments"], '{"path":"/a","start":0}']


def test_what_openhands_recalls_is_of_the_environment() -> None:
    """Instructions of the repository, and what the program knows, are in the prompt."""
    extras = {"repo_instructions": "use make", "microagent_knowledge": [{"content": "git pages"}]}
    shared = {"id": 3, "timestamp": "2026-01-10T09:00:00Z", "source": "environment"}
    event = {**shared, "observation": "recall", "content": "Added", "extras": extras}
    [recalled] = messages(read([event]))
    assert (recalled["role"], recalled["meta"]) == ("system", "environment")
    assert [part["text"] for part in recalled["content"]] == ["Added", "use make", "git pages"]
