"""Made-up sources of each importer, with planted secrets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.importers.hermes.databases import Hermes
from tests.importers.source_lines import ROLLOUT, claude, event, head, item, says, write

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

    from tests.support.redaction.planting import Planter

LINES = 6
"""Number of messages of each source, or a few more."""


def write_sources(folder: Path, random: Random, planter: Planter) -> list[tuple[str, Path]]:
    """Write a source of each format; return formats and files.

    Args:
        folder: for the files.
        random: makes the random choices.
        planter: makes their texts.
    """
    return [
        ("claude-code", write(folder / "projects" / "-w" / "cc.jsonl", _claude(random, planter))),
        ("codex", write(folder / "sessions" / ROLLOUT, [head(), *_codex(random, planter)])),
        ("openai", write(folder / "talk.jsonl", _openai(random, planter))),
        ("hermes", _hermes(folder / "state.db", random, planter)),
    ]


def _claude(random: Random, planter: Planter) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    last = None
    for number in range(LINES):
        kind = random.choice(["user", "assistant"])
        line = claude(f"u{number}", last, planter.content(), number, type=kind)
        if kind == "user" and random.random() < 0.3:
            line["toolUseResult"] = planter.value()
        lines.append(line)
        last = f"u{number}"
    lines.append({"type": "summary", "summary": planter.text(), "leafUuid": last})
    return lines


def _codex(random: Random, planter: Planter) -> list[dict[str, Any]]:
    lines = []
    for number in range(LINES):
        kind = random.choice(["message", "call", "output", "reasoning", "event"])
        if kind == "call":
            call = {"name": "shell", "arguments": planter.json_text(), "call_id": f"c{number}"}
            lines.append(item(number, type="function_call", **call))
        elif kind == "output":
            output = planter.text()
            lines.append(item(number, type="function_call_output", call_id="c1", output=output))
        elif kind == "reasoning":
            summary = [{"type": "summary_text", "text": planter.text()}]
            lines.append(item(number, type="reasoning", summary=summary))
        elif kind == "event":
            lines.append(event(number, type="agent_message", message=planter.text()))
        else:
            lines.append(says(number, planter.text(), random.choice(["user", "assistant"])))
    # texts of the user interface at the end wait for their items: of a rollout that has nothing
    # else, no message is imported
    lines.append(says(LINES, planter.text(), "assistant"))
    return lines


def _openai(random: Random, planter: Planter) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    for _ in range(LINES):
        role = random.choice(["system", "user", "assistant", "tool"])
        line: dict[str, Any] = {"role": role, "content": planter.text()}
        if role == "assistant" and random.random() < 0.5:
            line["tool_calls"] = planter.calls()
        if role == "tool":
            line["tool_call_id"] = "call_1"
        lines.append(line)
    return lines


def _hermes(path: Path, random: Random, planter: Planter) -> Path:
    hermes = Hermes(path)
    try:
        hermes.session(title=planter.text(), system_prompt=planter.text(), cwd="/w")
        for _ in range(LINES):
            hermes.say(planter.text(), role=random.choice(["user", "assistant", "tool"]))
        hermes.say("", role="assistant", tool_calls=json.dumps(planter.calls()))
        hermes.say("", role="assistant", reasoning=planter.text())
    finally:
        hermes.db.close()
    return path
