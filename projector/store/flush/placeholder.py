"""What stands for a message that no record can hold."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from journal.record import MAX_RECORD
from projector.store.flush.standing import REFUSED
from projector.store.flush.words import size_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_SURROGATES = re.compile("[\ud800-\udfff]")
_DEEPEST = 200
_KEPT = 64 * 1024
"""Bytes of a field up to which it is kept beside others that are too long."""
_SHOWN = 2_000
"""Characters of a content that is too long."""


def stand_in(data: Mapping[str, Any], said: str, reason: str) -> dict[str, Any]:
    """Return what is stored of a message that cannot be stored as it is.

    What JSON has not (lone surrogates, NaN, wide integers, bytes) is there as text. Of content
    that is too long the beginning is there; other fields that are too long are left out. `extra`
    says under `refused` why, how large it was (bytes of its JSON, about), and which fields are not
    whole; and what it said, as a digest: when it is flushed again it is known by that.

    Args:
        data: the message.
        said: digest of what it says.
        reason: why no record can hold it.
    """
    found = {name: _readable(value) for name, value in data.items()}
    size = sum(size_of(value) for value in found.values())
    told = {"reason": reason, "bytes": size, "words": said}
    if size > MAX_RECORD - _KEPT:
        cut = [name for name, value in found.items() if size_of(value) > _KEPT]
        told["cut"] = cut
        for name in cut:
            del found[name]
        if not found.get("content"):
            found["content"] = _beginning(data.get("content"), cut, reason)
    return found | {"extra": {**found.get("extra", {}), REFUSED: told}}


def _beginning(content: object, cut: list[str], reason: str) -> str:
    if "content" not in cut or not isinstance(content, str):
        return f"[Not stored: {', '.join(cut)}: {reason}]"
    shown = _SURROGATES.sub("\ufffd", content[:_SHOWN])
    return f"{shown}\n[{len(content) - _SHOWN:,} characters more are not stored: {reason}]"


def _readable(value: object, depth: int = 0) -> Any:  # noqa: ANN401 - any JSON
    """Return a value as JSON can hold it; what it cannot hold is its text."""
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
