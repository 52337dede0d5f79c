"""Reads trajectories of OpenHands: a list of actions and observations.

They are a document, in `history` of a line of an evaluation's output, or a file each. An action has
what it is about in `args`, in the first versions beside `action`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tools.texts_check.pieces import TEXT, Item, Piece, beside, call, reasoning, result, text
from tools.texts_check.raw_files import Json, RawFile, plain
from tools.texts_check.readers.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_CALLS = frozenset({"run", "run_ipython", "read", "write", "edit", "browse", "browse_interactive"})
"""Actions that are calls of tools; others are what they say."""
_BESIDE = frozenset({"action", "action_risk", "thought"})
_NO_TOOL = frozenset({"recall", "agent_state_changed", "null"})


def _claims(file: RawFile) -> bool:
    return any(_is_event(event) for _, events in _lists(file) for event in events)


def _is_event(value: object) -> bool:
    if not isinstance(value, dict) or not {"action", "observation"} & value.keys():
        return False
    return bool({"args", "content", "action_risk", "outputs"} & value.keys())


def _lists(file: RawFile) -> Iterator[tuple[str, list[Json]]]:
    """Yield the lists of events, each with a part of its session's id."""
    document = file.document
    if isinstance(document, list):
        yield file.path.stem, [event for event in document if _is_event(event)]
    elif file.path.suffix in {".json", ".jsonl"} and not file.is_database:
        for line in file.objects:
            if isinstance(line.get("history"), list):
                yield _task(line) or file.path.stem, _flat(line["history"])


def _task(line: Json) -> str:
    """Return what a line of an evaluation is about, or of the resolver of issues."""
    issue = line.get("issue")
    if isinstance(issue, dict):
        return f"{issue.get('owner')}/{issue.get('repo')}#{issue.get('number')}"
    return str(line.get("instance_id") or "")


def _flat(history: Iterable[object]) -> list[Json]:
    """Return events; the first versions have pairs of an action and its observation."""
    flat: list[Json] = []
    for event in history:
        if isinstance(event, list):
            flat += _flat(event)
        elif isinstance(event, dict) and _is_event(event):
            flat.append(event)
    return flat


def _read(file: RawFile) -> Iterator[Item]:
    for line in file.objects if file.path.suffix == ".jsonl" else ():
        result = line.get("test_result")
        nested = result.get("git_patch") if isinstance(result, dict) else None
        for each in (line.get("git_patch"), nested, line.get("instruction")):
            yield Item(_task(line), "beside", (beside("tool", each, "patches and instructions"),))
    for session, events in _lists(file):
        for number, event in enumerate(events):
            pieces = tuple(_observation(event) if "observation" in event else _action(event))
            yield Item(session, f"{number} {json.dumps(event, sort_keys=True)}", pieces)


def _observation(event: Json) -> Iterator[Piece]:
    about = event.get("tool_call_metadata") or {}
    kind = str(event["observation"])
    for each in plain(event.get("content")):
        if kind in _NO_TOOL:
            yield text("system", each)
        else:
            yield result(about.get("tool_call_id"), each, about.get("function_name"))
    extras = event.get("extras") if kind == "recall" else None
    for known in (extras or {}).get("microagent_knowledge") or ():
        yield text("system", known.get("content"))


def _action(event: Json) -> Iterator[Piece]:
    kind, args = str(event["action"]), event.get("args") or event
    role = "system" if kind == "system" else "assistant"
    if kind == "message":
        # the first versions do not name the source, and only a person is not asked for more
        unnamed = "assistant" if args.get("wait_for_response") else "user"
        role = {"user": "user", "agent": "assistant", None: unnamed}[event.get("source")]
    about = event.get("tool_call_metadata") or {}
    for name in ("content",) if kind in {"message", "system"} else ("thought", "final_thought"):
        for each in plain(args.get(name)):
            yield reasoning(each) if kind == "think" else text(role, each)
    if kind == "finish":
        yield Piece(TEXT, role, str(event.get("message") or ""), once=False)
    elif kind in _CALLS:
        id = str(about.get("tool_call_id") or "")
        beside = {name: each for name, each in args.items() if name not in _BESIDE}
        asked = _arguments(about, id) if about else beside
        yield call(about.get("function_name") or kind, id, asked)


def _arguments(about: Json, id: str) -> object:
    """Return the arguments of a call, which the answer of the model has."""
    for choice in (about.get("model_response") or {}).get("choices") or ():
        for each in (choice.get("message") or {}).get("tool_calls") or ():
            if each.get("id") == id:
                return each["function"]["arguments"]
    return "{}"


READER = Reader("openhands", _claims, _read)
