"""Converts one item of a Codex conversation to the fields of a message, from that item alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import orjson

from journal.importers.parsing.values import non_empty, text_or_none

if TYPE_CHECKING:
    from journal.importers.parsing.values import Json

CALLS = {
    "function_call": "arguments",
    "custom_tool_call": "input",
    "tool_search_call": "arguments",
    "web_search_call": "action",
    "local_shell_call": "action",
    "image_generation_call": "revised_prompt",
    "tool_call": "arguments",
}
"""Kinds of call, with the key of the tool's arguments."""
OUTPUTS = {
    "function_call_output": "output",
    "custom_tool_call_output": "output",
    "local_shell_call_output": "output",
    "tool_search_output": "tools",
    "image_generation_output": "result",
    "tool_result": "result",
    "function_result": "result",
}
"""Kinds of output, with the key of the output."""


_HEAD = 400
"""Characters at the beginning of an output, or at its end, that may have the exit status."""
_EXIT = re.compile(r"^(?:Process exited with code|Exit code:) (-?[0-9]{1,9})$", re.MULTILINE)
_WRAPPED = '{"output":'
_EXIT_IN_JSON = re.compile(r'"metadata":\s*\{[^{}]*"exit_code":\s*(-?[0-9]{1,9})[,}]')


def item_data(payload: dict[str, Json], id: str) -> dict[str, Json] | str:
    """Return the fields of an item's message, or why it has none.

    Args:
        payload: the response item.
        id: used as the id of its call if it has none itself.
    """
    kind = text_or_none(payload.get("type"))
    # other programs that write rollouts leave out the type of a message
    if kind in ("message", "agent_message") or (kind is None and "role" in payload):
        return _message(payload)
    if kind == "reasoning":
        return _reasoning(payload)
    if kind in CALLS:
        return _call(payload, kind, id)
    if kind in OUTPUTS:
        return _output(payload, kind)
    return f"response_item/{kind or 'no type'}"


def _message(payload: dict[str, Json]) -> dict[str, Json] | str:
    content = payload.get("content")
    # a message from one agent to another has no role
    author = text_or_none(payload.get("author"))
    role = text_or_none(payload.get("role")) or ("agent" if author is not None else None)
    if role is None or not isinstance(content, str | list):
        return "response_item/message without role or content"
    return {
        "role": role,
        "content": _plain(content),
        "extra": _extra(payload, author=author, recipient=payload.get("recipient")),
    }


def _reasoning(payload: dict[str, Json]) -> dict[str, Json] | str:
    texts = [*_texts(payload.get("summary")), *_texts(payload.get("content"))]
    if not texts:
        hidden = "encrypted" if payload.get("encrypted_content") else "empty"
        return f"response_item/reasoning, {hidden}"
    return {"role": "assistant", "reasoning": "\n\n".join(texts), "extra": _extra(payload)}


def _call(payload: dict[str, Json], kind: str, id: str) -> dict[str, Json]:
    given = payload.get(CALLS[kind])
    arguments = given if isinstance(given, str) else orjson.dumps(given).decode()
    function = payload.get("function")
    function = function if isinstance(function, dict) else {}
    name = payload.get("name") or function.get("name") or kind.removesuffix("_call")
    namespace = text_or_none(payload.get("namespace"))
    call = payload.get("call_id") or payload.get("id") or id
    return {
        "role": "assistant",
        "tool_calls": [
            {
                "id": str(call),
                "type": "function",
                "function": {"name": str(name), "arguments": arguments},
            }
        ],
        "extra": _extra(payload, kind=kind, namespace=namespace),
    }


def _output(payload: dict[str, Json], kind: str) -> dict[str, Json]:
    output = payload.get(OUTPUTS[kind])
    extra: dict[str, Json] = {"kind": kind}
    if isinstance(output, dict) and isinstance(output.get("content"), str | list):
        # versions before 0.50: {"content": ..., "success": ...}
        extra["success"] = output.get("success")
        extra["is_error"] = output.get("success") is False
        output = output["content"]
    extra["exit_code"] = _exit_code(output)
    if isinstance(output, dict):
        output = [output]
    if not isinstance(output, str | list):
        output = orjson.dumps(output).decode()
    return {
        "role": "tool",
        "content": _plain(output),
        "tool_name": text_or_none(payload.get("name")),
        "tool_call_id": text_or_none(payload.get("call_id")),
        "extra": _extra(payload, **extra),
    }


def _exit_code(output: Json) -> int | None:
    """Return the exit status that Codex writes before or after the output of a command."""
    if not isinstance(output, str):
        return None
    if output.startswith(_WRAPPED):
        found = _EXIT_IN_JSON.search(output, max(0, len(output) - _HEAD))
    else:
        found = _EXIT.search(output[:_HEAD].partition("\nOutput:")[0])
    return None if found is None else int(found[1])


def _extra(payload: dict[str, Json], **more: Json) -> dict[str, Json] | None:
    """Keep the item's phase, state and turn."""
    about: dict[str, Json] = {}
    for name in ("internal_chat_message_metadata_passthrough", "metadata"):
        if isinstance(payload.get(name), dict):
            about = {**payload[name], **about}
    kind = more.get("kind")
    if kind in ("function_call", "function_call_output"):
        more = {**more, "kind": None}  # the default phases need no name
    return non_empty(
        {
            "phase": payload.get("phase"),
            "status": payload.get("status"),
            "turn_id": about.get("turn_id"),
            **more,
        }
    )


def _plain(content: str | list[Json]) -> str | list[Json]:
    """Return a single text part as text; most messages have that form."""
    if isinstance(content, list) and len(content) == 1:
        part = content[0]
        if (
            isinstance(part, dict)
            and part.get("type") in ("input_text", "output_text", "text")
            and isinstance(part.get("text"), str)
        ):
            return str(part["text"])
    return content


def _texts(parts: Json) -> list[str]:
    if isinstance(parts, str):
        return [parts] if parts else []
    if not isinstance(parts, list):
        return []
    texts = (part.get("text") if isinstance(part, dict) else part for part in parts)
    return [text for text in texts if isinstance(text, str) and text]
