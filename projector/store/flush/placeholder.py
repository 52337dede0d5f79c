"""Placeholders for messages that no record can hold."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from journal.format.event_types import MESSAGE_APPENDED
from journal.format.frame import MAX_RECORD
from journal.format.record import refusal
from projector.store.flush.transcript import REFUSED
from projector.store.flush.words import digest, size_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_SURROGATES = re.compile("[\ud800-\udfff]")
_DEEPEST = 200
_KEPT = 64 * 1024
"""Bytes of a field up to which it is kept beside others that are too long."""
_SHOWN = 2_000
"""Characters of a content that is too long."""


def placeholder(data: Mapping[str, Any], words: str, reason: str) -> dict[str, Any]:
    """Return what is stored in place of a message that no record can hold.

    Values that JSON does not have (lone surrogates, NaN, wide integers, bytes) become text. Of
    content that is too long the beginning is kept; other fields that are too long are left out.
    `extra.refused` has `reason`, `bytes` (about the size of the message in JSON), `cut` (fields
    that are not whole), `words`, by which the next flush knows the message, and `stored`, the
    digest of what is stored: after a revision of that, it is no placeholder any more.

    Args:
        data: the message.
        words: its digest (`projector.store.flush.words.digest`).
        reason: why no record can hold it.
    """
    found = {name: _readable(value) for name, value in data.items()}
    size = sum(size_of(value) for value in found.values())
    mark = {"reason": reason, "bytes": size, "words": words}
    if size > MAX_RECORD - _KEPT:
        cut = [name for name, value in found.items() if size_of(value) > _KEPT]
        mark["cut"] = cut
        for name in cut:
            del found[name]
        if not found.get("content"):
            found["content"] = _beginning(data.get("content"), cut, reason)
    mark["stored"] = digest(found)
    return found | {"extra": {**found.get("extra", {}), REFUSED: mark}}


def storable(session: str, id: str, data: dict[str, Any]) -> dict[str, Any]:
    """Return the data of a new message, or its placeholder if no record can hold it."""
    reason = refusal(session, id, MESSAGE_APPENDED, data)
    return data if reason is None else placeholder(data, digest(data), reason)


def _beginning(content: object, cut: list[str], reason: str) -> str:
    if "content" not in cut or not isinstance(content, str):
        return f"[Not stored: {', '.join(cut)}: {reason}]"
    shown = _SURROGATES.sub("\ufffd", content[:_SHOWN])
    return f"{shown}\n[{len(content) - _SHOWN:,} characters more are not stored: {reason}]"


def _readable(value: object, depth: int = 0) -> Any:  # noqa: ANN401 - any JSON
    """Return a value as JSON can hold it, text in place of what it cannot hold."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return _number(value)
    if depth <= _DEEPEST and isinstance(value, dict):
        return {_text(name): _readable(item, depth + 1) for name, item in value.items()}
    if depth <= _DEEPEST and isinstance(value, list | tuple):
        return [_readable(item, depth + 1) for item in value]
    return _text(value)


def _number(value: float) -> int | float | str:
    if isinstance(value, int):
        return int(value) if -(2**63) <= value < 2**64 else hex(value)
    return float(value) if math.isfinite(value) else str(value)


def _text(value: object) -> str:
    try:
        text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    except RecursionError:
        text = f"<{type(value).__qualname__}>"
    return _SURROGATES.sub("\ufffd", text)
