"""The Agent Trajectory Interchange Format, version 1.8: a session is a trajectory.

Each message is a step; results of tools are observations of the step that called. Results that
come after another step have a step of their own, without words. So the order stays, and
`journal import` reads the same messages from it. What ATIF has no field for is in `extra`.
"""

from __future__ import annotations

from mimetypes import guess_type
from typing import TYPE_CHECKING, Any

from journal.cli.kit.clean import json_line
from journal.format.timestamps import to_datetime
from projector.export.conversation import Format
from projector.export.parts import is_failed, prompt_tokens, sorted_parts, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from journal.importers.parsing.parts import Result
    from projector.export.calls import Calls
    from projector.export.conversation import Conversation, Settings
    from projector.export.parts import Sorted, ToolCall
    from projector.fold.usage import Call
    from projector.views.messages import MessageView
    from projector.views.sessions import SessionView

_VERSION = "ATIF-v1.8"
_AGENT = "agent"
_SOURCES = {"assistant": _AGENT, "user": "user", "system": "system"}
_IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_OWN_FIELDS = ("reasoning", "tool_calls", "tool_call_id", "timestamp", "model")
"""Fields of a message that a step has fields for."""
_NANO = 1_000_000_000

Step = dict[str, Any]


def _write(conversations: Iterable[Conversation], _settings: Settings) -> Iterator[str]:
    """Yield a trajectory a line."""
    for conversation in conversations:
        view = conversation.session
        head = {
            "schema_version": _VERSION,
            "session_id": view.session,
            "trajectory_id": view.session,
            "agent": _agent(view),
        }
        yield f'{json_line(head)[:-1]},"steps":['
        number = 0
        for number, step in enumerate(_steps(conversation), 1):
            comma = "" if number == 1 else ","
            yield f"{comma}{json_line({'step_id': number, **step})}"
        tail = {"final_metrics": _totals(view, number), "extra": _about(view)}
        yield f"],{json_line(tail)[1:]}\n"


def _agent(view: SessionView) -> dict[str, Any]:
    named = view.extra.get("version") or view.extra.get("cli_version")
    version = named if isinstance(named, str | int | float) else "unknown"
    agent = {"name": view.source or "unknown", "version": str(version)}
    return agent if view.model is None else agent | {"model_name": view.model}


def _about(view: SessionView) -> dict[str, Any]:
    names = ("title", "cwd", "branch", "commit", "parent", "relation", "started", "ended")
    known = {name: getattr(view, name) for name in names}
    return {name: value for name, value in known.items() if value is not None}


def _totals(view: SessionView, steps: int) -> dict[str, Any]:
    used = view.usage
    known = {
        "total_prompt_tokens": prompt_tokens(used),
        "total_completion_tokens": used.get("output_tokens"),
        "total_cached_tokens": used.get("cache_read_tokens"),
        "total_cost_usd": used.get("actual_cost", used.get("estimated_cost")),
        "total_steps": steps,
        "extra": _more_used(used, "cache_write_tokens", "reasoning_tokens", "api_calls"),
    }
    return {name: value for name, value in known.items() if value is not None}


def _more_used(used: Mapping[str, int | float], *names: str) -> dict[str, int | float] | None:
    """Return the counters that ATIF has no field for; None if there are none."""
    return {name: used[name] for name in names if name in used} or None


def _steps(conversation: Conversation) -> Iterator[Step]:
    """Yield the steps of a session, without their numbers."""
    with conversation.calls() as calls:
        yield from _steps_of(conversation.messages(), calls)


def _steps_of(messages: Iterable[MessageView], calls: Calls) -> Iterator[Step]:
    step: Step | None = None
    for message in messages:
        parts = sorted_parts(message)
        for result in parts.results:
            if step is None or not _observes(step, result):
                if step is not None:
                    yield step
                step = _timed({"source": _AGENT, "message": ""}, message)
            found = step.setdefault("observation", {"results": []})
            found["results"].append(_result(result, message, alone=parts.is_results))
        call = calls.take(message)
        if parts.is_results or (parts.is_empty and call is None):
            continue
        if step is not None:
            yield step
        step = _step(message, parts, call)
    if step is not None:
        yield step


def _observes(step: Step, result: Result) -> bool:
    """Return whether a result can be an observation of a step."""
    if "tool_calls" not in step:
        return "observation" in step
    ids = {call["tool_call_id"] for call in step["tool_calls"]}
    return result.call is None or result.call in ids


def _step(message: MessageView, parts: Sorted, call: Call | None) -> Step:
    source = _SOURCES.get(message.role or "", "system")
    step = _timed({"source": source, "message": _content(parts.content)}, message)
    extra: dict[str, Any] = {"id": message.id}
    if message.role not in ("assistant", source):
        extra["role"] = message.role
    if source == _AGENT:
        step |= _of_agent(message, parts, call)
    else:
        unusual = {
            "reasoning": "\n\n".join(parts.thoughts),
            "tool_calls": [_tool_call(each) for each in parts.calls],
            "model": message.fields.get("model"),
        }
        extra |= {name: value for name, value in unusual.items() if value}
    rest = {n: value for n, value in message.fields.items() if n not in _OWN_FIELDS}
    if message.home is not None:
        step["is_copied_context"] = True
        rest["home"] = message.home
    return step | {"extra": extra | rest}


def _of_agent(message: MessageView, parts: Sorted, call: Call | None) -> Step:
    """Return the fields that only a step of an agent may have."""
    found: Step = {}
    if isinstance(model := message.fields.get("model"), str):
        found["model_name"] = model
    if parts.thoughts:
        found["reasoning_content"] = "\n\n".join(parts.thoughts)
    if parts.calls:
        found["tool_calls"] = [_tool_call(each) for each in parts.calls]
    if call is not None:
        found["metrics"] = _metrics(call)
    return found


def _tool_call(call: ToolCall) -> dict[str, Any]:
    return {
        "tool_call_id": call.id,
        "function_name": call.name,
        "arguments": call.arguments,
    }


def _metrics(call: Call) -> dict[str, Any]:
    used = call.amounts
    cost = used.get("actual_cost", used.get("estimated_cost"))
    known = {
        "prompt_tokens": prompt_tokens(used),
        "completion_tokens": used.get("output_tokens"),
        "cached_tokens": used.get("cache_read_tokens"),
        "cost_usd": None if cost is None else cost / _NANO,
        "extra": _more_used(used, "cache_write_tokens", "reasoning_tokens"),
    }
    return {name: value for name, value in known.items() if value is not None}


def _result(result: Result, message: MessageView, *, alone: bool) -> dict[str, Any]:
    extra: dict[str, Any] = {"id": message.id, "time": message.time}
    if alone:
        extra |= {n: value for n, value in message.fields.items() if n not in _OWN_FIELDS}
    if is_failed(result):
        extra["is_error"] = True
    if message.home is not None:
        extra["home"] = message.home
    found: dict[str, Any] = {} if result.call is None else {"source_call_id": result.call}
    return found | {"content": _content(result.content), "extra": extra}


def _content(content: str | Sequence[Any]) -> str | list[dict[str, Any]]:
    """Return content as ATIF has it: one text as a text, else parts; what it lacks becomes text."""
    if isinstance(content, str):
        return content
    parts = [part for each in content if (part := _part(each)) is not None]
    if not parts:
        return ""
    return parts[0]["text"] if len(parts) == 1 and "text" in parts[0] else parts


def _part(part: Any) -> dict[str, Any] | None:  # noqa: ANN401 - any JSON value
    if isinstance(part, dict) and (image := _image(part)) is not None:
        return image
    text = text_of(part)
    return {"type": "text", "text": text} if text else None


def _image(part: dict[str, Any]) -> dict[str, Any] | None:
    """Return an image whose kind and address are known; data become a `data:` address."""
    if part.get("type") not in ("image", "input_image", "image_url"):
        return None
    source = part.get("source")
    source = source if isinstance(source, dict) else {}
    kind, data = source.get("media_type"), source.get("data")
    if isinstance(kind, str) and isinstance(data, str):
        path: Any = f"data:{kind};base64,{data}"
    else:
        named = (source.get("url"), source.get("path"), part.get("url"), part.get("image_url"))
        path = next(filter(None, named), None)
        path = path.get("url") if isinstance(path, dict) else path
    if not isinstance(path, str):
        return None
    kind = guess_type(path)[0]
    if kind not in _IMAGES:
        return None
    return {"type": "image", "source": {"media_type": kind, "path": path}}


def _timed(step: Step, message: MessageView) -> Step:
    return {"timestamp": to_datetime(message.time).isoformat(), **step}


ATIF = Format("atif", "a trajectory of ATIF 1.8 a line", _write)
