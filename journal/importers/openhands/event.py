"""Converts one event of OpenHands to a role, parts and fields.

Version 0 writes actions (`action`, `args`) and observations (`observation`, `content`, `extras`).
Version 1 names the `kind` of an event.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from journal.importers.parsing.parts import Parts, Result, blocks, output
from journal.importers.parsing.values import (
    count_or_none,
    list_of,
    non_empty,
    object_of,
    text_or_none,
)

if TYPE_CHECKING:
    from journal.importers.parsing.values import Json

_ROLES = {"user": "user", "agent": "assistant", "environment": "system"}
_STATES = ("change_agent_state", "agent_state_changed", "null", "recall")
_RECALLED = "recall"
"""The observation by which the program adds what it knows of the workspace."""
"""Actions and observations about the program itself; they are skipped if they have no text."""
_SAID = ("message", "finish", "system")
_TEXTS = ("content", "final_thought")
_UNSAID = {"thought", "wait_for_response", "image_urls", "images_urls", "impl_source"}


@dataclass(slots=True)
class Event:
    """What an event says.

    Attributes:
        role: its role.
        parts: its parts; none if it is skipped.
        name: its kind, for the report.
        meta: what it is that no person wrote and no model answered.
        extra: what has no field.
    """

    role: str
    parts: Parts
    name: str
    meta: str | None = None
    extra: dict[str, Json] = field(default_factory=dict)


def read_event(value: dict[str, Json], place: str) -> Event:
    """Read an event of any version.

    Args:
        value: the event.
        place: the id of its call if it names none.
    """
    if text_or_none(value.get("kind")) is not None:
        return _of_version_1(value, place)
    if "observation" in value:
        return _observation(value)
    return _action(value, place)


def call_id(value: dict[str, Json]) -> str | None:
    """Return the id of the model's call that an event belongs to."""
    about = object_of(value.get("tool_call_metadata"))
    return text_or_none(about.get("tool_call_id")) or text_or_none(value.get("tool_call_id"))


def _action(value: dict[str, Json], place: str) -> Event:
    kind = text_or_none(value.get("action")) or "no action"
    # the first versions have the arguments beside the action
    beside = value.get("args")
    args: dict[str, Json] = beside if isinstance(beside, dict) else value
    source = text_or_none(value.get("source")) or _source_of_first(kind, value)
    role = "system" if kind == "system" else _ROLES.get(source, source)
    parts = Parts()
    extra: dict[str, Json] = {}
    parts.text(args.get("thought"))
    meta = "instructions" if kind == "system" else None
    if kind in _STATES:
        return Event("system", Parts(), f"action/{kind}")
    if kind in _SAID or (role == "user" and "content" in args):
        for name in _TEXTS:
            parts.text(args.get(name))
        for url in list_of(args.get("image_urls")) + list_of(args.get("images_urls")):
            parts.content.append({"type": "image_url", "image_url": {"url": url}})
        if parts.is_empty:
            parts.text(value.get("message"))
        extra["task_completed"] = args.get("task_completed")
    elif kind == "think":
        parts = Parts()
        parts.think(args.get("thought"))
    else:
        about = object_of(value.get("tool_call_metadata"))
        own = ("action", "action_risk", "source", "message", "id", "timestamp", "cause")
        given = {
            name: item
            for name, item in args.items()
            if name not in _UNSAID and (args is not value or name not in own)
        }
        call = call_id(value)
        asked = _asked(about, call)
        arguments = given if asked is None else asked
        parts.call(call or place, about.get("function_name") or kind, arguments)
    return Event(role, parts, f"action/{kind}", meta, non_empty(extra) or {})


def _asked(about: dict[str, Json], call: str | None) -> Json:
    """Return the arguments of a call as the model wrote them; None if the event lacks its answer.

    The program stores its own form of them beside it, without some and with its own settings.
    """
    for choice in list_of(object_of(about.get("model_response")).get("choices")):
        for each in list_of(object_of(object_of(choice).get("message")).get("tool_calls")):
            if object_of(each).get("id") == call and call is not None:
                return object_of(object_of(each).get("function")).get("arguments")
    return None


def _recalled(value: dict[str, Json], extras: dict[str, Json]) -> Event:
    """Return what the program added to the prompt: instructions, and what it knows."""
    parts = Parts()
    parts.text(value.get("content"))
    for name in ("repo_instructions", "additional_agent_instructions"):
        parts.text(extras.get(name))
    for known in list_of(extras.get("microagent_knowledge")):
        parts.text(object_of(known).get("content"))
    return Event("system", parts, f"observation/{_RECALLED}", "environment")


def _observation(value: dict[str, Json]) -> Event:
    kind = text_or_none(value.get("observation")) or "no observation"
    extras = object_of(value.get("extras"))
    content = value.get("content")
    if kind == _RECALLED:
        return _recalled(value, extras)
    if kind in _STATES and not text_or_none(content):
        return Event("system", Parts(), f"observation/{kind}")
    about = object_of(value.get("tool_call_metadata"))
    nested = object_of(extras.get("metadata"))
    code = next(
        (
            found
            for found in (nested.get("exit_code"), extras.get("exit_code"), value.get("exit_code"))
            if count_or_none(found) is not None
        ),
        None,
    )
    cause = value.get("cause")
    call = call_id(value) or (str(cause) if isinstance(cause, int) else None)
    name = text_or_none(about.get("function_name")) or kind
    failed = True if kind == "error" else None
    result = Result(call, name, output(content), failed, code)
    return Event("tool", Parts(results=[result]), f"observation/{kind}")


def _of_version_1(value: dict[str, Json], place: str) -> Event:
    kind = str(value["kind"])
    source = text_or_none(value.get("source")) or "agent"
    said = object_of(value.get("llm_message"))
    if kind == "MessageEvent":
        role = text_or_none(said.get("role")) or _ROLES.get(source, source)
        parts = blocks(said.get("content"))
        parts.think(said.get("reasoning_content"))
        return Event(role, parts, kind)
    if kind == "SystemPromptEvent":
        return Event("system", blocks(value.get("system_prompt")), kind, "instructions")
    if kind == "ActionEvent":
        parts = blocks(value.get("thought"))
        parts.think(value.get("reasoning_content"))
        called = object_of(value.get("tool_call"))
        arguments = called.get("arguments")
        if arguments is None:
            arguments = non_empty(object_of(value.get("action"))) or {}
        parts.call(call_id(value) or place, value.get("tool_name"), arguments)
        return Event("assistant", parts, kind)
    if kind in ("ObservationEvent", "AgentErrorEvent", "UserRejectObservation"):
        seen = object_of(value.get("observation"))
        content = next(
            (
                item
                for item in (seen.get("content"), seen.get("output"), value.get("error"))
                if item
            ),
            seen or value.get("rejection_reason"),
        )
        error = True if kind == "AgentErrorEvent" else seen.get("is_error")
        flag = error if isinstance(error, bool) else None
        code = count_or_none(seen.get("exit_code"))
        name = text_or_none(value.get("tool_name"))
        result = Result(call_id(value), name, output(content), flag, code)
        return Event("tool", Parts(results=[result]), kind)
    if kind == "CondensationSummaryEvent" or text_or_none(value.get("summary")):
        return Event("system", blocks(value.get("summary")), kind, "summary")
    return Event("system", Parts(), kind)


def _source_of_first(kind: str, value: dict[str, Json]) -> str:
    """Return who acted in the first versions, which do not say it: only a person is not asked."""
    return "user" if kind == "message" and value.get("wait_for_response") is False else "agent"
