"""Sets of random records."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from journal.format.event import Event
from journal.format.event_types import (
    KEY_DELETED,
    KEY_SET,
    MESSAGE_APPENDED,
    MESSAGE_ARCHIVED,
    MESSAGE_REMOVED,
    MESSAGE_RESTORED,
    MESSAGE_REVISED,
    SESSION_CLEARED,
    SESSION_CREATED,
    SESSION_DELETED,
    SESSION_ENDED,
    SESSION_ENSURED,
    SESSION_REOPENED,
    SESSION_REVISED,
    SESSION_TITLED,
    SWEEPING,
    TRANSCRIPT_REPLACED,
    USAGE_ADDED,
    USAGE_SET,
)
from tests.support.projections import Fact
from tests.support.redaction.variants import KEYS, RULES, SECRETS, redacted

if TYPE_CHECKING:
    from random import Random

WORDS = ("alpha", "beta", "gamma", "delta", "get_user_name", "北京", "京", "안녕", "手机")
"""The words of made-up messages, and one that none of them contains."""
LINES = tuple(f"0199c0de-0000-4000-8000-00000000000{n}" for n in range(3))
"""Ids that sources give lines: a message with one is recognised in other sessions."""
ODD = (
    "",
    "\0",
    "two\u2028lines\u0085of\x0ctext\r\n",
    "Ünïcödé na\u0131\u0308ve ÎÅ \u017f ß",
    "\U00020000\U0002a6df𠮷野家",
    "ﾊﾝｶｸ ﬁn Ⅻ ①",
    "👩‍👩‍👧‍👦 \ufeff\u200b\u202e",
    "C++ a.b/c-d_e '\"OR* NEAR( ^",
    '{"crc":"00000000","seq":1}',
    "ไทย العربية हिन्दी",
    "x" * 700,
)
"""Texts that often cause errors; none contains one of the words."""


def random_facts(random: Random, most: int = 24) -> list[Fact]:
    """Create records that conflict, revise, answer, end and repeat each other.

    In a third of the sets the texts contain secrets, and most events are redacted: one event by
    several rules, under several keys, or not at all.
    """
    has_secrets = random.random() < 0.33
    has_forks = random.random() < 0.5
    lanes = [f"lane-{random.choice('abc')}{n}" for n in range(random.randint(1, 3))]
    numbers = {lane: itertools.count(1) for lane in lanes}
    ids = [f"m{n}" for n in range(random.choice([4, 5, 14]))]  # few keys, or many
    if has_forks:
        ids[1:4] = LINES
        ids += LINES
    made: list[Fact] = []
    clear: list[Event] = []
    for _ in range(random.randint(1, most)):
        lane = random.choice(lanes)
        time = random.randint(1, 12)
        # clocks are wrong by any amount: a later event may have an earlier date
        order = time if random.random() < 0.6 else random.randint(1, 12)
        if made and random.random() < (0.4 if has_secrets else 0.2):
            # a duplicate, perhaps at another time, perhaps redacted by other rules
            index = random.randrange(len(made))
            event, plain = made[index].event, clear[index]
            order = random.choice([order, event.order])
            if has_secrets and random.random() < 0.7:
                event = _redacted(random, plain)
        elif has_forks and random.random() < 0.5 and (copied := _copied(random, clear, ids)):
            event = plain = copied
            if has_secrets:
                event = _redacted(random, plain)
        else:
            event = plain = _random_event(random, time, ids)
            if has_forks:
                event = plain = _in_a_family(random, event)
            if has_secrets:
                plain = replace(event, data=_with_secrets(random, event.data))
                event = _redacted(random, plain)
        event = replace(event, time=time, order=order)
        clear.append(plain)
        if event.type in SWEEPING and random.random() < 0.7:
            some = random.sample(lanes, random.randint(0, len(lanes)))
            seen = {name: random.randint(0, 12) for name in some}
            event = replace(event, data={**event.data, "seen": seen})
        made.append(Fact(lane, next(numbers[lane]), event))
    return made


def _in_a_family(random: Random, event: Event) -> Event:
    """Make an event part of a set of sessions that repeat each other."""
    data = event.data
    if event.type == MESSAGE_APPENDED and random.random() < 0.6:
        data = data | {"line": random.choice(["line", *LINES])}
    if event.type == MESSAGE_REVISED and random.random() < 0.2:
        data = data | {"line": random.choice(["line", *LINES])}
    if event.type in {SESSION_CREATED, SESSION_ENSURED} and random.random() < 0.7:
        data = data | {"parent": random.choice(["s1", "s2", "s3", "never"])}
    session = random.choice([event.session, "s3"])
    return replace(event, session=session, data=data)


def _copied(random: Random, made: list[Event], ids: list[str]) -> Event | None:
    """Copy an event to another session, as a fork does: perhaps at another time."""
    with_line = [event for event in made if event.id in LINES or {"line", "call"} & {*event.data}]
    if not with_line:
        return None
    event = random.choice(with_line)
    data, id = event.data, event.id
    if event.type == MESSAGE_APPENDED and random.random() < 0.3:
        data = data | {"timestamp": random.randint(1, 12)}
    if "line" in data and random.random() < 0.3:
        id = random.choice(ids)
    return replace(event, session=random.choice(["s1", "s2", "s3"]), id=id, data=data)


def _redacted(random: Random, event: Event) -> Event:
    if random.random() < 0.25:
        return event
    event = redacted(event, random.choice(KEYS), random.choice([*RULES]))
    if event.redacted is not None and random.random() < 0.1:
        return replace(event, redacted=None)  # as another program might: its marks are only text
    return event


_WITH_TEXT = ("content", "title", "reason", "reasoning", "user")


def _with_secrets(random: Random, data: dict[str, Any]) -> dict[str, Any]:
    """Put secrets into texts of an event."""
    found = dict(data)
    for name, value in data.items():
        if name == "messages" and value and isinstance(value[0], dict):
            found[name] = [_with_secrets(random, item) for item in value]
        elif name in _WITH_TEXT and isinstance(value, str):
            found[name] = " ".join([value, *random.choices([*SECRETS], k=random.randint(0, 2))])
        elif name == "extra" and random.random() < 0.5:
            found[name] = {**value, "secret": [random.choice([*SECRETS])]}
    return found


def _random_event(random: Random, time: int, ids: list[str]) -> Event:
    session = random.choice(["s1", "s1", "s2"])
    make = random.choice(_MAKERS)
    type, data = make(random, ids)
    # any two types may have the same key
    id = random.choice(ids if random.random() < 0.9 else ["e1", "e2"])
    if type != MESSAGE_APPENDED and random.random() < 0.7:
        id = random.choice(["e1", "e2", "e3", "e4", f"e{time}"])
    return Event(session, id, type, time, time, data)


def _fields(random: Random, ids: list[str]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    if random.random() < 0.8:
        text = " ".join(random.choices(WORDS, k=random.randint(0, 3)))
        if random.random() < 0.1:
            text = f"{random.choice(ODD)} {text}"
        parts = [{"type": "text", "text": text}]
        data["content"] = parts if random.random() < 0.2 else text
    if random.random() < 0.4:
        data["timestamp"] = random.randint(1, 12)
    if random.random() < 0.5:
        data["parent"] = random.choice([*ids, "e1", "nobody"])
    if random.random() < 0.25:
        data["source"] = random.choice(["cli", "web"])
    if random.random() < 0.2:
        data["extra"] = {"k": random.choice([1, 1.0, "1", None, [], {"z": 1, "a": 2}])}
    if random.random() < 0.2:
        data["model"] = random.choice(["m", "n", "<made up>"])
    if random.random() < 0.2:
        extra = {"cwd": random.choice(["/a", "/b"]), "git_branch": random.choice(["x", ""])}
        data["extra"] = data.get("extra", {}) | extra
    return data


def _message(random: Random, ids: list[str]) -> tuple[str, dict[str, Any]]:
    return MESSAGE_APPENDED, {"role": random.choice(["user", "tool"]), **_fields(random, ids)}


def _revised(random: Random, ids: list[str]) -> tuple[str, dict[str, Any]]:
    return MESSAGE_REVISED, {"message": random.choice([*ids, "e1"]), **_fields(random, ids)}


def _about(random: Random, _ids: list[str]) -> tuple[str, dict[str, Any]]:
    if random.random() < 0.4:
        return SESSION_TITLED, {"title": random.choice(["one", "two"])}
    type = random.choice([SESSION_CREATED, SESSION_ENSURED, SESSION_REVISED])
    data: dict[str, Any] = {
        "title": "three",
        "model": random.choice(["m", "n"]),
        "source": random.choice(["cli", "hook"]),
        "user": random.choice("uv"),
        "config": {"temperature": random.choice([0, 1])},
        "started": random.choice([5, 6]),
        "extra": {random.choice("ab"): random.choice([1, 2, None])},
    }
    data = {name: data[name] for name in random.sample(sorted(data), random.randint(0, 4))}
    if type == SESSION_REVISED and random.random() < 0.7:
        gone = {"title", "model", "extra.a", "extra.b"} - data.keys()
        if "extra" in data:
            gone -= {"extra.a", "extra.b"}
        data["clear"] = random.sample(sorted(gone), random.randint(0, len(gone)))
    if type == SESSION_REVISED and "user" in data:
        # what an importer writes: the source of the session vanished, or is back
        return type, {"gone": 5} if data["user"] == "u" else {"clear": ["gone"]}
    return type, data


def _ended(random: Random, _ids: list[str]) -> tuple[str, dict[str, Any]]:
    if random.random() < 0.3:
        return SESSION_REOPENED, {}
    return SESSION_ENDED, random.choice([{}, {"reason": "done"}, {"ended": 7}])


def _unknown(random: Random, ids: list[str]) -> tuple[str, dict[str, Any]]:
    return random.choice(["tool.used", "file.seen"]), {"message": random.choice(ids)}


def _listed(random: Random, ids: list[str]) -> tuple[str, dict[str, Any]]:
    type = random.choice([MESSAGE_REMOVED, MESSAGE_ARCHIVED, MESSAGE_RESTORED])
    return type, {"messages": random.choices([*ids, "e1"], k=random.randint(0, 3))}


def _swept(random: Random, _ids: list[str]) -> tuple[str, dict[str, Any]]:
    return random.choice([SESSION_CLEARED, SESSION_DELETED]), {}


def _transcript(random: Random, ids: list[str]) -> tuple[str, dict[str, Any]]:
    items: list[dict[str, Any]] = []
    for id in random.sample([*dict.fromkeys(ids), "e1"], random.randint(0, 4)):
        if random.random() < 0.5:
            kept = _fields(random, ids) if random.random() < 0.5 else {}
            items.append({"message": id, **kept})
        else:
            items.append(
                {"id": id, "role": random.choice(["user", "tool"]), **_fields(random, ids)}
            )
    data: dict[str, Any] = {"messages": items}
    if random.random() < 0.6:
        data["rest"] = random.choice(["removed", "archived"])
    return TRANSCRIPT_REPLACED, data


def _used(random: Random, _ids: list[str]) -> tuple[str, dict[str, Any]]:
    amounts = {"input_tokens": random.randint(0, 9), "estimated_cost": random.choice([0.1, 0.2, 1])}
    some: dict[str, Any] = dict(random.sample(sorted(amounts.items()), random.randint(0, 2)))
    type = random.choice([USAGE_ADDED, USAGE_ADDED, USAGE_SET])
    if type == USAGE_ADDED and (n := amounts["input_tokens"]) > 3:
        if random.random() < 0.6:
            some = {"input_tokens": n % 2}  # several sessions say the same of a call
        some["call"] = random.choice(["c", "an-id-of-a-call-"]) + str(n % 2)
        some["timestamp"] = 60_000_000 * random.randint(1, 2)  # a copy may have another one
    return type, some


def _keyed(random: Random, _ids: list[str]) -> tuple[str, dict[str, Any]]:
    key = random.choice("kl")
    if random.random() < 0.3:
        return KEY_DELETED, {"key": key}
    return KEY_SET, {"key": key, "value": random.choice([1, None, "x", [1, {"a": 2}]])}


_MAKERS = (
    *[_message] * 6,
    *[_revised] * 2,
    *[_about] * 2,
    *[_listed] * 2,
    _ended,
    _swept,
    _transcript,
    _used,
    _keyed,
    _unknown,
)
