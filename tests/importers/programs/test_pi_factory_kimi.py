"""Sessions of pi, Factory's Droid and Kimi become messages, calls, results and usage."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from journal.importers.factory.parser import Factory
from journal.importers.kimi.parser import Kimi
from journal.importers.parsing.parser import Found, Location
from journal.importers.pi.parser import Pi
from tests.importers.feed import facts, feed, journal_events, line, messages, reasons
from tests.importers.source_lines import take, write

if TYPE_CHECKING:
    from pathlib import Path

START = "2026-01-02T09:00:00Z"


def entry(id: str, parent: str | None, role: str, text: str, **more: Any) -> bytes:  # noqa: ANN401 - any JSON
    """Write a message of pi."""
    body = {"role": role, "content": [{"type": "text", "text": text}], **more}
    return line(type="message", id=id, parentId=parent, timestamp=START, message=body)


def test_the_program_of_a_session_of_pi_is_told_by_its_folder() -> None:
    """The three programs write the same form in different folders."""
    head = line(type="session", id="s", version=3, timestamp=START)
    found = {}
    for folder in ("--home-ada--", "-home-ada", "sessions"):
        created, *_ = Pi(Location("f", (folder,))).value(1, json.loads(head), head)
        assert isinstance(created, Found)
        found[folder] = created.event["data"]["source"]
    assert found == {"--home-ada--": "pi", "-home-ada": "omp", "sessions": "openclaw"}


def test_the_folder_in_the_home_tells_the_program_first() -> None:
    """Outside of the home folder, omp names the folder of a project as pi does."""
    head = line(type="session", id="s", version=3, timestamp=START)
    found = {}
    for home in (".pi", ".omp", ".openclaw"):
        folders = ("--srv-app--", "sessions", "agent", home)
        created, *_ = Pi(Location("f", folders)).value(1, json.loads(head), head)
        assert isinstance(created, Found)
        found[home] = created.event["data"]["source"]
    assert found == {".pi": "pi", ".omp": "omp", ".openclaw": "openclaw"}


def test_usage_of_pi_has_the_cost_that_the_source_states() -> None:
    """The id of the response names the call."""
    used = {"input": 5, "output": 7, "cacheRead": 3, "cacheWrite": 2, "cost": {"total": 0.5}}
    items = feed(Pi, [entry("1", None, "assistant", "hi", model="m", usage=used, responseId="r-1")])
    [(_, found)] = facts(items, "usage.added")
    assert (found["call"], found["actual_cost"], found["model"]) == ("r-1", 0.5, "m")
    assert [found[f"{name}_tokens"] for name in ("input", "output", "cache_read")] == [5, 7, 3]


def test_the_session_that_pi_forked_is_the_parent() -> None:
    """It is named by its path."""
    path = "C:\\pi\\2026-01-01T00-00-00_parent-id.jsonl"
    head = line(type="session", id="s", version=3, timestamp=START, parentSession=path)
    [(_, created)] = facts(feed(Pi, [head]))
    assert (created["parent"], created["relation"]) == ("parent-id", "fork")


def test_a_copy_before_a_compaction_is_not_imported() -> None:
    """Openclaw writes it beside the session, which has all of it."""
    items = feed(Pi, [entry("1", None, "user", "hi")], stem="s.checkpoint.1")
    assert messages(items) == []
    assert reasons(items) == ["copy of a session before its compaction"]


def test_unknown_lines_of_pi_are_counted_and_misplace_nothing() -> None:
    """Drift: unknown kinds, roles, fields, and a parent that is not in the file."""
    lines = [
        entry("1", "nowhere", "user", "one", colour="red"),
        line(type="hologram", id="2", parentId="1"),
        line(type="custom", id="3", parentId="2", customType="ui"),
        entry("4", "tool-call-7", "oracle", "four"),
        entry("5", "4", "assistant", ""),
    ]
    items = feed(Pi, lines)
    assert [(m["role"], m["content"], m.get("meta")) for m in messages(items)] == [
        ("user", "one", None),
        ("oracle", "four", "notification"),
    ]
    assert reasons(items) == ["hologram", "custom ui", "assistant message without content"]
    assert facts(items, "message.archived") == []


def test_the_settings_beside_a_session_of_droid_have_its_usage(tmp_path: Path) -> None:
    """They are a sum over the session, which grows: one call, whose greatest figures count."""
    head = line(type="session_start", id="s", title="T", cwd="/w")
    said = line(type="message", id="1", timestamp=START, message={"role": "user", "content": "hi"})
    path = write(tmp_path / "s.jsonl", [head, said])
    used = {"inputTokens": 5, "outputTokens": 7, "cacheReadTokens": 3, "thinkingTokens": 1}
    write(tmp_path / "s.settings.json", [{"model": "glm", "tokenUsage": used}])
    take(tmp_path / "j", path)
    found = {type: data for _, _, type, data in journal_events(tmp_path / "j")}
    assert found["session.created"]["model"] == "glm"
    assert found["usage.added"]["call"] == "session"
    assert found["usage.added"]["reasoning_tokens"] == 1


def test_unknown_lines_of_droid_are_counted_by_name() -> None:
    """Drift: a reminder is no person's text, and unknown kinds do not stop the import."""
    reminder = "<system-reminder>\nx\n</system-reminder>"
    lines = [
        line(type="session_start", id="s"),
        line(type="message", id="1", message={"role": "user", "content": reminder}),
        line(type="message", id="2", message={"role": "user", "content": f"{reminder} go"}),
        line(type="hologram", id="3"),
    ]
    items = feed(Factory, lines)
    assert [m.get("meta") for m in messages(items)] == ["instructions", None]
    assert reasons(items) == ["hologram line"]


def test_a_sub_agent_of_kimi_is_a_session_of_its_own(tmp_path: Path) -> None:
    """The state of the session has the title and the folder."""
    said = {"role": "user", "content": "count", "origin": {"kind": "system", "name": "subagent"}}
    lines: list[object] = [
        {"type": "metadata", "protocol_version": "1.4", "created_at": 1767949200000},
        {"type": "context.append_message", "message": said, "time": 1767949201000},
    ]
    session = tmp_path / "wd" / "s1"
    for agent in ("main", "agent-0"):
        write(session / "agents" / agent / "wire.jsonl", lines)
    write(session / "state.json", [{"title": "Count", "workDir": "/w"}])
    take(tmp_path / "j", tmp_path / "wd")
    created = {
        s: d for s, _, type, d in journal_events(tmp_path / "j") if type != "message.appended"
    }
    assert created["s1"]["title"] == "Count"
    assert (created["s1:agent-0"]["parent"], created["s1:agent-0"]["relation"]) == (
        "s1",
        "subagent",
    )
    metas = {s: d.get("meta") for s, _, type, d in journal_events(tmp_path / "j") if "role" in d}
    assert set(metas.values()) == {"task"}


def test_usage_of_kimi_counts_once() -> None:
    """A record repeats its step; one of a call outside of the loop has no step."""
    used = {"inputOther": 5, "output": 7, "inputCacheRead": 0, "inputCacheCreation": 0}
    step = {"type": "step.end", "uuid": "u", "usage": used}
    lines = [
        line(type="context.append_loop_event", event=step, time=1767949201000),
        line(type="usage.record", model="m", usage=used, time=1767949201000),
        line(type="usage.record", model="m", usage={**used, "output": 9}, time=1767949202000),
        line(type="context.append_loop_event", event={"type": "storm"}),
    ]
    items = feed(Kimi, lines)
    assert [data["output_tokens"] for _, data in facts(items, "usage.added")] == [7, 9]
    assert reasons(items) == ["usage.record line", "storm event"]


def test_the_summary_of_a_compaction_of_kimi_is_a_message() -> None:
    """It is what the agent goes on with; no person wrote it."""
    lines = [
        line(type="metadata", protocol_version="1.4", created_at=1767344400000),
        line(type="context.apply_compaction", summary="All is done.", time=1767344401000),
    ]
    [found] = messages(feed(Kimi, lines))
    assert (found["role"], found["content"], found["meta"]) == ("system", "All is done.", "summary")
