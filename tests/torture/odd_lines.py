"""Valid records that none of our writers would make, and well-formed ones between them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zlib import crc32

from journal.format.event_types import EVENT_TYPES, MESSAGE_FIELDS, SESSION_FIELDS
from tests.support.made_up import random_facts

if TYPE_CHECKING:
    from random import Random

GOOD = "ok"
"""The session of the well-formed messages; no odd record has it."""
WORDS = ("alpha", "beta", "京")

NUMBERS = (
    *(0, 1, -1, 7, True, 2**53 - 1, 2**53, 2**60, 2**62, 2**63 - 1, 2**63, 2**64 - 1, 2**64),
    *(-(2**53), -(2**63), -(2**63) - 1, 10**30, 1.5, 1e10, 1e308, -0.0, 5e-324, 1e400),
    *(float("nan"), float("-inf"), 253_402_300_800_000_000),
)
TEXTS = (
    *("", " ", "\0", "a\0b", "\x1b[2J", "\u2028", "\x85", "\ud800", "\udfff京", "\ufffe", "👩‍👩‍👧"),
    *("m1", "m2", "s1", "extra.", "extra.a", "title", "rest", "id", "user", "cli", "京", "alpha"),
    *("x" * 1024, "x" * 1025, "京" * 2000, "data:" + "A-" * 600, '"OR* NEAR(', "%_", "\\", "@k"),
    *('{"a":"\\ud83d"}', "[" * 3000, '{"crc":"00000000","seq":1}', "1" * 5000, "\U0010ffff"),
)
NAMES = (
    *("message", "messages", "id", "key", "value", "clear", "rest", "reason", "ended", "exact"),
    *("kind", "session", "total", "said", "place", "known", "type", "time", "seq", "", "京", "\0"),
    *("function", "arguments", "name", "text", "data", "source", "media_type", "a.b", "$", "'"),
)
DEPTHS = (3, 200, 247, 248, 249, 250, 252, 253, 254, 255, 260, 990, 1100)


@dataclass(frozen=True, slots=True)
class Line:
    """A record's bytes without its newline, its lane, and whether it is well-formed."""

    lane: str
    raw: bytes
    good: str = ""


def forge(body: str) -> bytes:
    """Return a line for the JSON text of an object, with its checksum."""
    rest = body.encode("utf-8", "surrogatepass")[1:]
    return b'{"crc":"%08x",%b' % (crc32(rest), rest)


def odd_lines(random: Random, most: int) -> list[Line]:
    """Make lines: well-formed messages, records of every type, and odd ones of every kind.

    Each has its own number in its lane, because two events with one lane, number and time have no
    order.
    """
    lines: list[Line] = []
    facts = random_facts(random, most)
    for number, fact in enumerate(facts, 1):
        event = fact.event
        fields: dict[str, Any] = {
            "seq": number * 4,
            "id": event.id,
            "type": event.type,
            "session": event.session,
            "time": event.time,
            "data": event.data,
        }
        kind = random.random()
        if kind < 0.3:
            good = {"role": "user", "content": f"good {random.choice(WORDS)} {number}"}
            fields |= {"id": f"g{number}", "type": "message.appended", "session": GOOD}
            fields["data"] = good
            lines.append(Line(fact.lane, forge(_text(random, fields)), f"g{number}"))
            continue
        for _ in range(random.choice([0, 1, 1, 2, 5])):
            _spoil(random, fields)
        lines.append(Line(fact.lane, forge(_text(random, fields))))
        if random.random() < 0.05:
            lines.append(Line(fact.lane, forge(_header(random))))
        if random.random() < 0.03:
            junk = random.choice([b"", b"\0" * 20, b"{}", b'{"crc":"', lines[-1].raw[:-5]])
            lines.append(Line(fact.lane, junk))
    return lines


def odd(random: Random, deep: int = 2) -> Any:  # noqa: ANN401 - any JSON value, and some that are none
    """Make a value of any kind."""
    choice = random.randrange(9 if deep else 6)
    if choice < 2:
        return random.choice(NUMBERS)
    if choice < 5:
        return random.choice(TEXTS)
    if choice == 5:
        return random.choice([None, True, False, [], {}])
    if choice == 6:
        return _nested(random, random.choice(DEPTHS))
    if choice == 7:
        return [odd(random, deep - 1) for _ in range(random.randrange(4))]
    return {random.choice(NAMES): odd(random, deep - 1) for _ in range(random.randrange(4))}


def _nested(random: Random, depth: int) -> str:
    """Return a placeholder for a deeply nested value, which the standard encoder cannot encode."""
    return f"<{random.choice(['array', 'object'])} {depth}>"


def _deepened(text: str) -> str:
    for depth in DEPTHS:
        text = text.replace(f'"<array {depth}>"', "[" * depth + '"beta"' + "]" * depth)
        text = text.replace(f'"<object {depth}>"', '{"a":' * depth + "null" + "}" * depth)
    return text


def _spoil(random: Random, fields: dict[str, Any]) -> None:
    """Put an odd value into a record."""
    where = random.random()
    data = fields["data"] if isinstance(fields.get("data"), dict) else {}
    if where < 0.1:
        name = random.choice(["id", "type", "session", "data", "time", "seq", random.choice(NAMES)])
        if name == "seq":  # each record must keep its own number
            fields["seq"] = random.choice([-1, True, None, "4", 4.5, 2**63, 2**64])
        elif name == "session" or fields.get("session") != GOOD:
            fields[name] = odd(random)
        if fields.get("session") == GOOD:
            fields["session"] = "s1"
        return
    if where < 0.2:
        fields["type"] = random.choice([*EVENT_TYPES, "tool.used", "x" * 1024, "a\0b"])
    name = random.choice([*data, *MESSAGE_FIELDS, *SESSION_FIELDS, *NAMES, "input_tokens"])
    if where < 0.3:
        name = random.choice(["estimated_cost", "actual_cost", "output_tokens", "api_calls"])
    elif where < 0.45:
        name = random.choice(["messages", "message", "parent", "clear", "timestamp", "started"])
    fields["data"] = data | {name: odd(random)}
    if name in {"messages", "clear"} and random.random() < 0.7:
        items = [random.choice([odd(random), "m1", "", _item(random)]) for _ in range(4)]
        fields["data"][name] = items


def _item(random: Random) -> dict[str, Any]:
    item: dict[str, Any] = {random.choice(["id", "message"]): random.choice(["m1", "m2", "", 3])}
    for _ in range(random.randrange(3)):
        item[random.choice([*MESSAGE_FIELDS, "id", "message"])] = odd(random, 1)
    return item


def _text(random: Random, fields: dict[str, Any]) -> str:
    """Return the JSON of a record as one of many programs would write it."""
    text = _deepened(
        json.dumps(
            fields,
            ensure_ascii=random.random() < 0.3,
            separators=random.choice([(",", ":"), (", ", ": ")]),
        )
    )
    if random.random() < 0.1:  # a key that occurs twice: the last one counts
        text = f'{text[:-1]},"{random.choice(["note", "crc", "data2"])}":[1,2]}}'
    return text if "\n" not in text else text.replace("\n", " ")


def _header(random: Random) -> str:
    """Return a header where none is allowed."""
    fields: dict[str, Any] = {"format": random.choice([1, 1, 3, "1", None]), "lane": "lane-a0"}
    fields |= {"segment": "seg", "seq": 1, "host": "", "boot": "", "pid": 1, "started": 1}
    for _ in range(random.randrange(3)):
        fields[random.choice([*fields, "folder", "supersedes"])] = odd(random, 1)
    fields = {"format": fields.pop("format"), **fields}
    return _deepened(json.dumps(fields, separators=(",", ":")))
