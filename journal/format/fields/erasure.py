"""The fields of requests to forget, and of the receipts of what was erased."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeGuard

from journal.errors import EventError, shown
from journal.format.bounds import LARGEST, is_count
from journal.format.redacted import MARK

if TYPE_CHECKING:
    from collections.abc import Mapping

HASHED = ("sessions", "events", "messages")
"""Fields of a request whose items are keyed hashes."""

TEXTS = "texts"
"""Field of a request that maps the keyed hashes of texts to the marks in them."""

_COUNTS = ("lines", "segments", "bytes", "generations", "unsearched", "duration")
"""Fields of a receipt that are counts."""

PENDING, REMOVED = "pending", "removed"
"""What a receipt says of a sink: it may have what was forgotten, or has it no more."""

REQUEST: dict[str, tuple[type, ...]] = {
    "key": (str,),
    **dict.fromkeys(HASHED, (list,)),
    TEXTS: (dict,),
    "reach": (dict,),
    "scope": (str,),
    "reason": (str,),
    "extra": (dict,),
}
"""The fields of a request, and the kind of each."""

RECEIPT: dict[str, tuple[type, ...]] = {
    "requests": (list,),
    **dict.fromkeys(_COUNTS, (int,)),
    "started": (int,),
    "sink": (str,),
    "extra": (dict,),
}
"""The fields of a receipt, and the kind of each."""

_HASH = re.compile(r"[0-9a-f]{32}")
_KEY_ID = re.compile(r"[0-9a-f]{8}")


def check_request(data: Mapping[str, Any]) -> None:
    """Check a request whose fields have the right kinds.

    Raises:
        EventError: a hash, the id of the key or a number cannot be; the message names the field and
            does not contain the value of a hash.
    """
    if _KEY_ID.fullmatch(data["key"]) is None:
        raise EventError("key must be the id of a key: 8 hexadecimal digits")
    for name in HASHED:
        for index, value in enumerate(data.get(name, ())):
            # a name in clear text would stay for ever in the event that asks to forget it
            if not isinstance(value, str) or _HASH.fullmatch(value) is None:
                raise EventError(f"{name}[{index}] must be a keyed hash: 32 hexadecimal digits")
    for hash, marked in data.get(TEXTS, {}).items():
        if not isinstance(hash, str) or _HASH.fullmatch(hash) is None:
            raise EventError(f"each key of {TEXTS} must be a keyed hash: 32 hexadecimal digits")
        if not is_marked(marked):
            raise EventError(
                f"each value of {TEXTS} must be an object with the length of a text and its marks:"
                " arrays of start, end and mark, in order and within the text"
            )
    if not any(data.get(name) for name in (*HASHED, TEXTS)):
        raise EventError(f"a request names what to forget: one of {', '.join((*HASHED, TEXTS))}")
    check_numbers("reach", data.get("reach", {}))


def is_marked(value: object) -> TypeGuard[dict[str, Any]]:
    """Return whether a value says where marks go in a text: see `texts` in `docs/format.md`."""
    if not isinstance(value, dict):
        return False
    length, marks, at = value.get("length"), value.get("marks"), 0
    if not (is_count(length) and isinstance(marks, list) and marks):
        return False
    for each in marks:
        if not (isinstance(each, list) and [it.__class__ for it in each] == [int, int, str]):
            return False
        start, end, mark = each
        if not at <= start < end <= length or MARK.fullmatch(mark) is None:
            return False
        at = end
    return True


def check_receipt(data: Mapping[str, Any]) -> None:
    """Check a receipt whose fields have the right kinds.

    Raises:
        EventError: the id of a request or a count cannot be; the message names the field.
    """
    for index, id in enumerate(data["requests"]):
        if not isinstance(id, str) or not id:
            raise EventError(f"requests[{index}] must be the id of a request, not {shown(id)}")
    for name in _COUNTS:
        if not 0 <= data.get(name, 0) <= LARGEST:
            raise EventError(f"{name} must be from 0 to {LARGEST}, not {shown(data[name])}")
    if data.get("sink", REMOVED) not in (PENDING, REMOVED):
        raise EventError(f"sink must be {PENDING!r} or {REMOVED!r}, not {shown(data['sink'])}")


def check_numbers(name: str, numbers: Mapping[str, Any]) -> None:
    """Check a field that maps lanes to sequence numbers.

    Raises:
        EventError: a number cannot be one; the message names the field and the lane.
    """
    for lane, number in numbers.items():
        if number.__class__ is not int or not 0 <= number < 2**53:
            raise EventError(
                f"{name}[{lane!r:.80}] must be the sequence number of an event, not {shown(number)}"
            )
