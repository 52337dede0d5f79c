"""ATIF: trajectories that the package `atif` accepts, and that the importer reads as they were."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from journal import Journal
from journal.importers.run.driver import Importer
from projector import MessageView, Projection
from projector.export.parts import sorted_parts
from tests.projector.export.conftest import IMAGE, SECRET, T, call
from tests.projector.export.test_export import exported
from tests.support.transcripts import DATA, REAL, import_all

if TYPE_CHECKING:
    from pathlib import Path

atif = pytest.importorskip("atif", reason="the extra atif is not installed")


def trajectories(path: Path, *sessions: str, **options: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    """Return trajectories that the models of the format accept."""
    found = [json.loads(line) for line in exported(path, "atif", *sessions, **options).splitlines()]
    for each in found:
        atif.Trajectory.model_validate(each)
    return found


def words(messages: list[MessageView]) -> list[tuple[Any, ...]]:
    """Return what was said in messages: roles, texts, thoughts, calls and results."""
    found: list[tuple[Any, ...]] = []
    for message in messages:
        parts = sorted_parts(message)
        calls = [(call.name, call.arguments) for call in parts.calls]
        if parts.content or parts.thoughts or calls:
            texts = [part.get("text", part["type"]) for part in parts.content]
            found.append((message.role, texts, "\n\n".join(parts.thoughts), calls))
        found += [("tool", result.content) for result in parts.results]
    return found


def imported(text: str, folder: Path, session: str) -> list[MessageView]:
    """Return the messages that the importer reads from a trajectory."""
    file = folder / "trajectory.json"
    file.write_text(text, encoding="utf-8")
    with Journal.open(folder / "other") as journal:
        importer = Importer(journal, "atif")
        report = importer.run(importer.sources([file]))
    assert (report.errors, report.skipped) == ({}, {})
    with Projection.open(folder / "other") as projection:
        return list(projection.messages(session))


def test_an_export_and_an_import_of_it_say_the_same(talk: Path, tmp_path: Path) -> None:
    """Roles, texts, thoughts, calls and results are the same, in the same order."""
    text = exported(talk, "atif")
    with Projection.open(talk) as projection:
        before = words(list(projection.messages("talk")))
    assert SECRET in before[3][1]
    before[3] = ("tool", text.split("token=")[1].split('"')[0].join(("token=", "")))
    assert words(imported(text, tmp_path, "talk")) == before


def test_results_are_observations_of_the_step_that_called(talk: Path) -> None:
    """One that comes after another step has a step of its own; failures are marked."""
    with Journal.open(talk) as journal:
        late = {"tool_call_id": "c2", "timestamp": T + 20_000_000}
        journal.append_message("talk", "tool", "late", id="m9", **late)  # type: ignore[arg-type]
    (found,) = trajectories(talk)
    steps = found["steps"]
    results = steps[1]["observation"]["results"]
    assert [result["source_call_id"] for result in results] == ["c1", "c2"]
    assert [result["extra"].get("is_error") for result in results] == [True, None]
    assert steps[1]["tool_calls"][0] == {
        "tool_call_id": "c1",
        "function_name": "Bash",
        "arguments": {"command": "docker ps"},
    }
    assert (steps[-1]["source"], steps[-1]["message"]) == ("agent", "")
    assert steps[-1]["observation"]["results"][0]["content"] == "late"


def test_tokens_and_costs_are_those_of_the_session(talk: Path) -> None:
    """Those of a call are at its message, and all of them are in the totals."""
    (found,) = trajectories(talk)
    metrics = [step["metrics"] for step in found["steps"] if "metrics" in step]
    assert metrics == [{"prompt_tokens": 43, "completion_tokens": 9, "cached_tokens": 40}]
    assert found["final_metrics"] == {
        "total_prompt_tokens": 48,
        "total_completion_tokens": 9,
        "total_cached_tokens": 40,
        "total_cost_usd": 0.5,
        "total_steps": 6,
    }
    assert found["agent"] == {
        "name": "claude-code",
        "version": "unknown",
        "model_name": "claude-opus-4",
    }


def test_images_keep_their_data_and_what_is_no_image_becomes_text(talk: Path) -> None:
    """A part that ATIF has no kind for is there as a person reads it."""
    with Journal.open(talk) as journal:
        parts = [{"type": "image_url", "image_url": {"url": "https://example.com/a.webp"}}]
        odd = [{"type": "audio", "data": "x"}, {"type": "image", "url": "data:text/html,x"}]
        journal.append_message("talk", "user", [*parts, *odd], id="m9")
    steps = trajectories(talk)[0]["steps"]
    data = f"data:image/png;base64,{IMAGE['source']['data']}"  # type: ignore[index]
    source = {"media_type": "image/png", "path": data}
    assert steps[4]["message"][0] == {"type": "image", "source": source}
    source = {"media_type": "image/webp", "path": "https://example.com/a.webp"}
    assert steps[-1]["message"][0] == {"type": "image", "source": source}
    assert [part["text"] for part in steps[-1]["message"][1:]] == ["[audio]", "[image]"]


def test_repeated_messages_are_copied_context(talk: Path) -> None:
    """They are marked as the format says, and have no metrics; each session is a line."""
    fork, _ = trajectories(talk, "fork", "talk")
    assert [step.get("is_copied_context") for step in fork["steps"]] == [True, True, None]
    assert fork["steps"][0]["extra"]["home"] == "talk"
    assert fork["extra"]["parent"] == "talk"


def test_odd_messages_are_valid_trajectories(journal_dir: Path) -> None:
    """Unknown roles, calls without ids or with odd arguments, results without calls."""
    broken = call("i", "n", "(")
    odd: list[dict[str, Any]] = [
        {"role": "developer", "content": "be brief", "reasoning": "hm", "model": "m"},
        {"role": "tool", "content": None},
        {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": 1}}, "x", {}]},
        {"role": "tool", "content": "r", "tool_call_id": "elsewhere"},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "z", "content": "r"}]},
        {
            "role": "assistant",
            "content": "a",
            "tool_calls": [call("", "", "[1]"), broken],
        },
        {"role": "user", "content": [1, None, ["x"], {"type": 5}]},
        {"role": "assistant", "content": None},
    ]
    with Journal.open(journal_dir) as journal:
        for number, fields in enumerate(odd):
            content = fields.pop("content")
            role = fields.pop("role")
            journal.append_message("s", role, content, id=f"m{number}", **fields)
    (found,) = trajectories(journal_dir, "s")
    sources = [step["source"] for step in found["steps"]]
    assert sources == ["system", "agent", "agent", "agent", "agent", "user"]
    assert found["steps"][0]["extra"]["role"] == "developer"
    calls = found["steps"][4]["tool_calls"]
    assert [each["arguments"] for each in calls] == [{"input": "[1]"}, {"input": "("}]


@REAL
@pytest.mark.slow
def test_real_transcripts_are_valid_trajectories(journal_dir: Path) -> None:
    """The models of the format accept every session of several sources."""
    import_all(journal_dir, *(DATA / name for name in ("gemini-cli", "opencode", "openhands")))
    with Projection.open(journal_dir) as projection:
        sessions = [view.session for view in projection.sessions(limit=1000)]
    for detail in ("full", "normal", "prompts"):
        assert len(trajectories(journal_dir, *sessions, detail=detail)) == len(sessions) > 9
