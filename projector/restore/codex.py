"""Writes a session as Codex writes its rollouts.

`codex resume` reads `~/.codex/sessions/<year>/<month>/<day>/rollout-<time>-<session>.jsonl`. Its
first line is the `session_meta`; the items of the conversation are `response_item` lines, and the
texts that its user interface shows are written a second time as `event_msg`. An item without an id
is known by a hash of its line, so the ids of messages stand beside their items, where Codex ignores
them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

from journal.importers.codex.response_item import CALLS, OUTPUTS
from journal.importers.codex.restored import KEY
from projector.restore.session_file import (
    Line,
    SessionFile,
    calls_of,
    extra_of,
    folder_of_program,
    present,
    stamp,
    time_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from projector.views.messages import MessageView
    from projector.views.sessions import SessionView

SOURCE = "codex"
_FOREIGN = "messages that were not imported from Codex"
_OWN = re.compile(r"(?!call_)[a-z]{2,4}_[A-Za-z0-9_-]+")
"""The ids that the API gives to items."""
_TEXTUAL = ("function_call", "custom_tool_call", "image_generation_call", "tool_call")
"""Kinds of call whose arguments are a text."""
_EVENTS = {"user": "user_message", "assistant": "agent_message"}


def write(session: SessionView, messages: Sequence[MessageView]) -> SessionFile:
    """Return the file of a session.

    Args:
        session: the session.
        messages: its transcript, in order.
    """
    began = session.started or (messages[0].time if messages else 0)
    when = datetime.fromtimestamp(began // 1_000_000, UTC)
    name = f"rollout-{when:%Y-%m-%dT%H-%M-%S}-{session.session}.jsonl"
    place = f"{folder_of_program('CODEX_HOME', '~/.codex')}/sessions/{when:%Y/%m/%d}"
    found = SessionFile(name, place)
    found.lines.append(_envelope(stamp(began), "session_meta", _head(session, began)))
    if session.model is not None:
        turn = {"cwd": session.cwd, "model": session.model}
        found.lines.append(_envelope(stamp(began), "turn_context", present(turn)))
    for message in messages:
        if message.source not in (None, SOURCE):
            found.left_out[_FOREIGN] += 1
            continue
        lines = list(_lines(message, found))
        if lines:
            found.ids.add(message.id)
        found.lines += lines
    if session.title is not None:
        title = {"type": "thread_name_updated", "thread_name": session.title}
        time = stamp(messages[-1].time if messages else began)
        found.lines.append(_envelope(time, "event_msg", title))
    return found


def _head(session: SessionView, began: int) -> Line:
    extra = session.extra
    git = {
        "branch": session.branch or extra.get("git_branch"),
        "commit_hash": session.commit or extra.get("git_commit"),
        "repository_url": extra.get("repository"),
    }
    parent = "parent_thread_id" if session.relation == "subagent" else "forked_from_id"
    head = {
        "id": session.session,
        "timestamp": stamp(began),
        "cwd": session.cwd or "",
        "originator": extra.get("originator", "codex_cli_rs"),
        "cli_version": extra.get("cli_version", ""),
        "source": "cli",
        "model_provider": extra.get("model_provider"),
        "git": present(git) or None,
        parent: session.parent,
    }
    return present(head)


def _lines(message: MessageView, found: SessionFile) -> list[Line]:
    extra, event = extra_of(message), extra_of(message).get("event")
    own = time_of(message)
    time = own or stamp(message.time)
    known = {name: message.fields.get(name) for name in ("line", "parent", "model")}
    known = present({"id": message.id, **known, "undated": True if own is None else None})
    if event == "turn_context":
        turn = {
            "cwd": extra.get("cwd"),
            "model": message.fields.get("model"),
            "effort": extra.get("effort"),
            "turn_id": extra.get("turn_id"),
        }
        return [_envelope(time, "turn_context", present(turn), known)]
    if event is not None:
        payload = _event(message, str(event))
        return [] if payload is None else [_envelope(time, "event_msg", payload, known)]
    if extra.get("compacted"):
        return [_envelope(time, "compacted", {"message": message.content or ""}, known)]
    payload = _item(message)
    if payload is None:
        found.left_out[f"messages of the role {str(message.role)[:20]} in another form"] += 1
        return []
    lines = [_envelope(time, "response_item", payload, known)]
    text = _shown(message)
    if text:
        shown = {"type": _EVENTS[str(message.role)], "message": text}
        lines.append(_envelope(time, "event_msg", shown))
    return lines


def _envelope(time: str, type: str, payload: Line, known: Line | None = None) -> Line:
    line = {"timestamp": time, "type": type, "payload": payload}
    return line if known is None else {**line, KEY: known}


def _event(message: MessageView, event: str) -> Line | None:
    """Return the payload of an event that was imported as a message."""
    fields = message.fields
    if event == "web_search_end":
        call = fields.get("tool_call_id")
        return present({"type": event, "call_id": call, "results": message.content})
    text = fields.get("reasoning") if event.startswith("agent_reasoning") else message.content
    if not isinstance(text, str):
        return None
    if event == "item_completed":
        return {"type": event, "item": {"type": "Plan", "text": text}}
    name = "text" if event.startswith("agent_reasoning") else "message"
    return {"type": event, name: text}


def _item(message: MessageView) -> Line | None:
    """Return the item of a message; None if it has no form in a rollout."""
    extra, fields = extra_of(message), message.fields
    own = {"id": message.id} if _OWN.fullmatch(message.id) else {}
    kept = present({name: extra.get(name) for name in ("phase", "status")})
    if "turn_id" in extra:
        kept["metadata"] = {"turn_id": extra["turn_id"]}
    if message.role == "tool":
        return _output(message, own | kept)
    if calls := calls_of(message):
        return None if len(calls) > 1 else _call(message, calls[0], own | kept)
    if isinstance(reasoning := fields.get("reasoning"), str) and message.content is None:
        summary = [{"type": "summary_text", "text": reasoning}]
        return {"type": "reasoning", **own, "summary": summary, **kept}
    if message.role == "agent":
        about = present({name: extra.get(name) for name in ("author", "recipient")})
        return {"type": "agent_message", **about, "content": _parts(message), **own, **kept}
    return {"type": "message", **own, "role": message.role, "content": _parts(message), **kept}


def _call(message: MessageView, call: tuple[str, str, str], kept: Line) -> Line | None:
    id, name, arguments = call
    extra = extra_of(message)
    kind = str(extra.get("kind", "function_call"))
    if kind not in CALLS:
        return None
    given: Any = arguments
    if kind not in _TEXTUAL:
        try:
            given = orjson.loads(arguments)
        except orjson.JSONDecodeError:
            return None
    item = {"type": kind, CALLS[kind]: given, **kept}
    if name != kind.removesuffix("_call"):
        item["name"] = name
    if id != message.id or "id" not in kept:
        item["call_id"] = id
    return item | present({"namespace": extra.get("namespace")})


def _output(message: MessageView, kept: Line) -> Line | None:
    kind = str(extra_of(message).get("kind", "function_call_output"))
    if kind not in OUTPUTS:
        return None
    output: Any = message.content
    extra = extra_of(message)
    if "success" in extra or extra.get("is_error"):  # a false `success` is imported as `is_error`
        output = {"content": output, "success": not extra.get("is_error")}
    fields = message.fields
    about = present({"call_id": fields.get("tool_call_id"), "name": fields.get("tool_name")})
    return {"type": kind, OUTPUTS[kind]: output, **about, **kept}


def _parts(message: MessageView) -> list[Any]:
    content = message.content
    if not isinstance(content, str):
        return content or []
    kind = "output_text" if message.role == "assistant" else "input_text"
    return [{"type": kind, "text": content}]


def _shown(message: MessageView) -> str:
    """Return the text of a message that the user interface shows."""
    if message.role not in _EVENTS or message.by_machine or message.content is None:
        return ""
    parts = _parts(message)
    texts = (part.get("text") for part in parts if isinstance(part, dict))
    return "\n".join(text for text in texts if isinstance(text, str))
