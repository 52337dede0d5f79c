"""OTLP: spans that OpenTelemetry's schema accepts, with the names of its conventions."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from journal import Journal
from projector.export.otlp import spans as lines_of_spans
from projector.export.otlp import trace
from projector.export.otlp.conventions import VERSIONS, provider_of
from tests.projector.export.conftest import T, call
from tests.projector.export.test_export import exported

if TYPE_CHECKING:
    from pathlib import Path

    from projector.export.otlp.conventions import Conventions

Span = dict[str, Any]


def spans(path: Path, *sessions: str, **options: Any) -> list[Span]:  # noqa: ANN401
    """Return the spans of an export, with attributes by name; each line is checked."""
    found = []
    for line in exported(path, "otlp", *sessions, **options).splitlines():
        value = json.loads(line)
        _check(json.loads(line))
        for resource in value["resourceSpans"]:
            for scope in resource["scopeSpans"]:
                found += scope["spans"]
    for span in found:
        span["attributes"] = {a["key"]: _plain(a["value"]) for a in span["attributes"]}
    return found


def _plain(value: dict[str, Any]) -> Any:  # noqa: ANN401 - any value of an attribute
    if "arrayValue" in value:
        return [_plain(each) for each in value["arrayValue"]["values"]]
    (kind,) = value
    return int(value[kind]) if kind == "intValue" else value[kind]


def _check(line: dict[str, Any]) -> None:
    """Parse a line as protobuf does, whose JSON has ids in base64; OTLP has them hexadecimal."""
    protobuf = pytest.importorskip("google.protobuf.json_format")
    schema = pytest.importorskip("opentelemetry.proto.trace.v1.trace_pb2")

    def encode(value: Any) -> None:  # noqa: ANN401 - any JSON value
        for name, inner in value.items() if isinstance(value, dict) else ():
            if name in ("traceId", "spanId", "parentSpanId"):
                value[name] = base64.b64encode(bytes.fromhex(inner)).decode()
            encode(inner)
        for inner in value if isinstance(value, list) else ():
            encode(inner)

    encode(line)
    protobuf.ParseDict(line, schema.TracesData())


def named(found: list[Span], name: str) -> list[Span]:
    """Return the spans with a name."""
    return [span for span in found if span["name"] == name]


def test_a_session_is_a_trace_of_turns_calls_and_tools(talk: Path) -> None:
    """Each span is below its turn, and each turn is below the session."""
    found = spans(talk)
    (root,) = named(found, "session")
    turns = named(found, "invoke_agent claude-code")
    assert {span["traceId"] for span in found} == {root["traceId"]}
    assert len({span["spanId"] for span in found}) == len(found)
    assert [turn["parentSpanId"] for turn in turns] == [root["spanId"]] * 2
    chats = named(found, "chat claude-opus-4")
    below = [turns[0]["spanId"]] * 2 + [turns[1]["spanId"], root["spanId"]]
    assert [chat["parentSpanId"] for chat in chats] == below
    assert (root["startTimeUnixNano"], root["endTimeUnixNano"]) == (
        f"{T}000",
        f"{T + 7_000_000}000",
    )


def test_a_tool_lasts_from_its_call_to_its_result(talk: Path) -> None:
    """It has arguments, result, and an error if it failed."""
    (bash,) = named(spans(talk), "execute_tool Bash")
    assert int(bash["startTimeUnixNano"]) == (T + 1_000_000) * 1000
    assert int(bash["endTimeUnixNano"]) == (T + 2_000_000) * 1000
    assert bash["status"] == {"code": 2}
    attributes = bash["attributes"]
    assert attributes["gen_ai.tool.call.id"] == "c1"
    assert json.loads(attributes["gen_ai.tool.call.arguments"]) == {"command": "docker ps"}
    assert attributes["gen_ai.tool.call.result"].startswith("line 0")
    assert attributes["error.type"] == "_OTHER"


def test_all_tokens_are_there_once(talk: Path) -> None:
    """At the message of their call, or in a span of their own below the session."""
    used = [
        span["attributes"]["gen_ai.usage.input_tokens"]
        for span in spans(talk)
        if "gen_ai.usage.input_tokens" in span["attributes"]
    ]
    assert used == [43, 5]
    first = named(spans(talk), "chat claude-opus-4")[0]["attributes"]
    assert first["gen_ai.usage.cache_read.input_tokens"] == 40
    assert first["gen_ai.response.finish_reasons"] == ["tool_use"]
    assert first["gen_ai.provider.name"] == "anthropic"


def test_a_turn_has_what_was_typed_and_the_final_answer(talk: Path) -> None:
    """In the shape of the conventions: roles with parts."""
    turn = named(spans(talk), "invoke_agent claude-code")[0]["attributes"]
    asked = [{"role": "user", "parts": [{"type": "text", "content": "Why does `docker` fail?"}]}]
    assert json.loads(turn["gen_ai.input.messages"]) == asked
    (answer,) = json.loads(turn["gen_ai.output.messages"])
    assert answer["parts"][0]["content"].startswith("The daemon does not run.")


def test_a_repeated_message_has_no_tokens_and_names_its_home(talk: Path) -> None:
    """A fork is linked to the trace of its parent."""
    found = spans(talk, "fork", "talk")
    repeated = [span for span in found if "agent_journal.home" in span["attributes"]]
    assert {span["name"] for span in repeated} == {"chat claude-opus-4", "invoke_agent claude-code"}
    assert "gen_ai.usage.input_tokens" not in repeated[0]["attributes"]
    fork, parent = named(found, "session")
    assert fork["links"] == [{"traceId": parent["traceId"], "spanId": parent["spanId"]}]


@pytest.mark.parametrize("version", VERSIONS)
def test_names_are_those_of_the_conventions(talk: Path, version: str) -> None:
    """Each name is one that OpenTelemetry's package has; 1.36 has none for what was said."""
    module = "opentelemetry.semconv._incubating.attributes"
    known = set()
    for part in ("gen_ai_attributes", "error_attributes"):
        known |= set(map(str, vars(pytest.importorskip(f"{module}.{part}")).values()))
    found = spans(talk, otlp_version=version)
    names = {name for span in found for name in span["attributes"]}
    assert {name for name in names if not name.startswith("agent_journal.")} <= known
    content = {name for name in names if name.endswith((".messages", ".arguments", ".result"))}
    assert bool(content) == VERSIONS[version].has_content
    assert VERSIONS[version].provider in names


@pytest.mark.parametrize(
    ("named", "model", "version", "expected"),
    [
        (None, "claude-opus-4", "1.41", "anthropic"),
        (None, "openrouter/google/Gemini-2.5", "1.41", "gcp.gemini"),
        (None, "grok-4", "1.41", "x_ai"),
        (None, "grok-4", "1.36", "xai"),
        ("bedrock", "claude-opus-4", "1.41", "bedrock"),
        (None, "unheard-of", "1.41", "_OTHER"),
        (None, None, "1.36", "_OTHER"),
    ],
)
def test_the_provider_is_named_or_follows_from_the_model(
    named: str | None, model: str | None, version: str, expected: str
) -> None:
    """What the source says comes first."""
    conventions: Conventions = VERSIONS[version]
    assert provider_of(named, model, conventions) == expected


def test_calls_without_results_end_with_their_turn(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of too many that wait, the first is a span at once."""
    monkeypatch.setattr(trace, "_WAITING", 2)
    monkeypatch.setattr(lines_of_spans, "_MOST", 2)
    with Journal.open(journal_dir) as journal:
        calls = [call(f"c{number}", f"t{number}", "{}") for number in range(3)]
        journal.append_message("s", "assistant", "go", id="m1", timestamp=T, tool_calls=calls)
        journal.append_message("s", "tool", "r", id="m2", timestamp=T + 1, tool_call_id="c1")
    found = spans(journal_dir, "s")
    names = [span["name"] for span in found]
    assert names == [
        "chat",
        "execute_tool t0",
        "execute_tool t1",
        "execute_tool t2",
        "invoke_agent unknown",
        "session",
    ]
    assert "gen_ai.tool.call.result" not in found[1]["attributes"]
    assert "gen_ai.tool.call.result" in found[2]["attributes"]


def test_a_session_without_messages_is_a_span(journal_dir: Path) -> None:
    """It has a time: when it was created."""
    with Journal.open(journal_dir) as journal:
        journal.append(session="s", type="session.created", data={"title": "empty"})
    (root,) = spans(journal_dir, "s")
    assert root["attributes"]["agent_journal.title"] == "empty"
    assert int(root["startTimeUnixNano"]) > 0
