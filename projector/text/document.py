r"""The searchable text of a message: what was written, called and answered, without payloads.

The parts of a message come in this order, each on its own line: content, reasoning, the tool's
name, tool calls (name, then arguments). The same text is what a snippet is cut from, so content
comes first.

- Of content parts of any kind, known or not, all strings count, but not those that describe the
  part (`type`, ids, media types) or that no person can read (base64 payloads, `data:` URLs,
  signatures, encrypted reasoning).
- Of a tool's arguments every string and number counts, at any depth. Their keys are no text: they
  are the tool's schema, the same in every call, and would bury the messages that speak of a
  `description` or a `command` below all those that have one. They are found apart. Arguments that
  come as a JSON string are decoded first, so that the `\n` of a script does not glue two words
  together; a string that is no JSON counts as it is.
- The members of an object come in the order of their names: names and titles first, then all
  others, then arguments. Equal objects have equal texts, in whatever order their members are
  written: otherwise the text of a message would depend on which of two copies was applied first.
- A run of `PAYLOAD` or more base64 characters without a break is a payload anywhere, also
  in plain text. It is replaced by an ellipsis, as is a base64 `data:` URL.
- `extra`, roles, ids and counts are not text.

Sources of the shapes: the content blocks of Anthropic's Messages API, the messages and content
parts of OpenAI's Chat Completions and Responses APIs. Anything else is searched for strings.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

#: The most characters of a document: more of a message is neither found nor shown in a snippet. A
#: message of 16 MiB may hold millions of different words: seconds and a gigabyte for the index.
LONGEST: Final = 1_000_000
#: The length in characters from which an unbroken run of base64 characters is left out.
PAYLOAD: Final = 512

_FIELDS = ("content", "reasoning", "tool_name", "tool_calls")
_BEYOND_CONTENT = frozenset(_FIELDS[1:])

# What describes a part, and what only a machine reads.
_SILENT = frozenset(
    {
        "b64_json",
        "blob",
        "cache_control",
        "call_id",
        "detail",
        "encrypted_content",
        "file_data",
        "format",
        "id",
        "index",
        "media_type",
        "mimeType",
        "mime_type",
        "role",
        "signature",
        "status",
        "thoughtSignature",
        "thought_signature",
        "tool_call_id",
        "tool_use_id",
        "type",
    }
)
_ARGUMENTS = frozenset({"args", "arguments", "input", "parameters"})
_NAMES = frozenset({"name", "title"})
# An object with one of these holds in `data` what they describe.
_MEDIA = ("format", "media_type", "mimeType", "mime_type")

# Possessive, so that no character is tried twice: with stars that give back, a long run behind
# `data:` takes the square of its length.
_DATA_URL = re.compile(
    r"data:[\w.+-]*+(?:/[\w.+-]*+)?+(?:;(?!base64,)[\w=.+-]++)*+;base64,[\w+/=-]*+", re.ASCII
)
# Only from where a run begins: else each character of a run that is too short is a new attempt.
_UNBROKEN = re.compile(rf"(?<![\w+/-])[\w+/-]{{{PAYLOAD},}}+={{0,2}}+", re.ASCII)
_ELLIPSIS = "\u2026"
_KEYS = 10_000  # characters of keys that are found
_MANY = 1_000  # items of a list that are put on a stack at once
# Integers beyond this are no JSON of ours, and Python refuses to print the longest.
_LARGEST = 2**64


def document(data: Mapping[str, Any]) -> str:
    """Return the searchable text of a message's data.

    Args:
        data: The `data` of a `message.appended` or `message.revised` event. Total: the
            fields may have any values, at any depth.

    Returns:
        The text, its parts separated by newlines; empty if there is none. Of a longer text the
        first `LONGEST` characters.
    """
    content = data.get("content")
    if isinstance(content, str) and _BEYOND_CONTENT.isdisjoint(data):
        return _readable(content)[:LONGEST]
    texts = (_readable(text) for name in _FIELDS for text in _texts(data.get(name)))
    return "\n".join(text for text in texts if text)[:LONGEST]


def document_and_keys(data: Mapping[str, Any]) -> tuple[str, str]:
    """Return the searchable text of a message's data, and the keys of the arguments of its calls.

    Returns:
        The text as `document` returns it; the keys, each once, separated by newlines, their first
        `_KEYS` characters.
    """
    content = data.get("content")
    if isinstance(content, str) and _BEYOND_CONTENT.isdisjoint(data):
        return _readable(content)[:LONGEST], ""
    keys: dict[str, None] = {}
    texts = [_readable(text) for name in _FIELDS for text in _texts(data.get(name), keys)]
    return "\n".join(filter(None, texts))[:LONGEST], "\n".join(keys)[:_KEYS]


def searched(data: Mapping[str, Any]) -> str:
    """Return all that a message is found by: its text, then the keys of arguments."""
    text, keys = document_and_keys(data)
    return f"{text}\n{keys}" if keys else text


def _texts(value: object, keys: dict[str, None] | None = None) -> Iterator[str]:
    """Yield the strings of a content value or of tool calls in their order.

    The keys of arguments are added to `keys`.
    """
    waiting: list[tuple[object, bool]] = [(value, False)]  # a stack: input may be nested deeply
    while waiting:
        value, argument = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            if argument and keys is not None:
                keys |= dict.fromkeys(sorted(value))
            waiting += reversed(list(_members(value, argument=argument)))
        elif isinstance(value, list | tuple):
            if len(value) <= _MANY:
                waiting += [(item, argument) for item in reversed(value)]
            else:
                waiting.append((iter(value), argument))
        elif isinstance(value, float) or _is_number(value):
            yield str(value)
        elif isinstance(value, Iterator):  # of a list that is too long to be copied
            for item in value:
                waiting += [(value, argument), (item, argument)]
                break


def _members(part: Mapping[Any, Any], *, argument: bool) -> Iterator[tuple[object, bool]]:
    """Yield the texts of an object, and whether each belongs to a tool's arguments."""
    if argument:
        yield from ((part[key], True) for key in sorted(part))
        return
    payload = _is_payload(part)
    for key in sorted(part, key=_rank):
        value = part[key]
        if key in _ARGUMENTS:
            yield (_decoded(value) if isinstance(value, str) else value), True
        elif key not in _SILENT and not (payload and key == "data" and isinstance(value, str)):
            yield value, False


def _rank(key: str) -> tuple[bool, bool, str]:
    return key in _ARGUMENTS, key not in _NAMES, key


def _is_payload(part: Mapping[Any, Any]) -> bool:
    """Return whether an object declares that its `data` is encoded."""
    if part.get("type") in ("base64", "redacted_thinking", "reasoning.encrypted"):
        return True
    kinds = [part[key] for key in _MEDIA if key in part]
    return any(not (isinstance(kind, str) and kind.startswith("text/")) for kind in kinds)


def _decoded(arguments: str) -> object:
    """Return the value of a JSON text; the text itself if it is not JSON."""
    if arguments.lstrip()[:1] not in {"{", "[", '"'}:
        return arguments
    try:
        return json.loads(arguments)
    except (ValueError, RecursionError):  # a call cut off in the middle, or hostile nesting
        return arguments


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -_LARGEST < value < _LARGEST


def _readable(text: str) -> str:
    """Return `text` with an ellipsis for each payload in it."""
    if ";base64," in text:
        text = _DATA_URL.sub(_ELLIPSIS, text)
    if len(text) >= PAYLOAD and _has_unbroken(text):
        return _UNBROKEN.sub(_ELLIPSIS, text)
    return text


def _has_unbroken(text: str) -> bool:
    """Return whether an aligned half-payload of `text` has no blank; cheap, and misses none."""
    step = PAYLOAD // 2
    for start in range(0, len(text) - step + 1, step):
        half = text[start : start + step]
        if " " not in half and "\n" not in half and half.isascii():
            return True
    return False
