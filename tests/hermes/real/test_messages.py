"""Random calls of the methods for messages give what the real class gives."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from tests.hermes.real.pairs import LATER

if TYPE_CHECKING:
    from tests.hermes.real.pairs import Clock, Pair

STEPS = 60

WORDS = ["docker", "compose", "kubernetes", "deploy", "chat-send", "P2.2", "my_app", "café"]
CALL = {"id": "c1", "type": "function", "function": {"name": "run_tests", "arguments": '{"n": 1}'}}
CONTENTS = [
    "",
    None,
    "  padded \n text  ",
    "a\nb",
    [{"type": "text", "text": "zebra"}, {"type": "image_url", "image_url": {"url": "u"}}],
    "<memory-context>secret</memory-context> visible",
    "x" * 300,
]
QUERIES = [
    "docker",
    "docker compose",
    "docker OR kubernetes",
    "docker NOT compose",
    '"docker compose"',
    "deplo*",
    "chat-send",
    "P2.2",
    "my_app",
    "run_tests",
    "docker AND",
    "or compose",
    "nothing-of-that",
    "***",
    "",
    "( docker",
    'docker "compose',
    "cafe",
]


class Script:
    """Random calls, the same for each seed."""

    def __init__(self, pair: Pair, clock: Clock, seed: int) -> None:
        self.pair, self.clock = pair, clock
        self.random = random.Random(seed)  # noqa: S311 - no secret
        self.later = pair.version >= LATER
        self.compacted: set[str] = set()
        self.odd: set[str] = set()  # if the order of times is not the order of writing
        self.names = ["s0", "s1", "s2", "s3"]
        for at, name in enumerate(self.names):
            parent = {"parent_session_id": "s0"} if at == 1 else {}
            source = ["cli", "telegram", "tool", "cli"][at]
            pair.both("create_session", name, source, model="m1", **parent)

    def step(self) -> None:
        """Advance the clock, call a method that writes, and call all that read."""
        self.clock.pass_(self.random.choice([5, 1000, 60_000]))
        writes = [self.append] * 8 + [self.replace]
        if self.later:
            writes += [self.compact, self.rewind, self.rewind, self.restore, self.sent]
        name = self.random.choice(self.names)
        self.random.choice(writes)(name)
        self.pair.align(name)
        self.look(name)

    def message(self) -> dict[str, Any]:
        """Return a message as Hermes's conversations have it."""
        role = self.random.choice(["user", "user", "assistant", "tool", "system"])
        words = " ".join(self.random.choices(WORDS, k=self.random.randrange(1, 6)))
        message: dict[str, Any] = {
            "role": role,
            "content": self.random.choice([words, words, words, *CONTENTS]),
        }
        if role == "assistant":
            message |= self.random.choice(
                [
                    {},
                    {"tool_calls": [CALL], "finish_reason": "tool_calls"},
                    {"reasoning": "thought", "reasoning_content": ""},
                    {
                        "reasoning_details": [{"text": "ü", "n": 1.5}],
                        "codex_reasoning_items": [{"id": "r"}],
                        "codex_message_items": [{"id": "m"}],
                    },
                    {"tool_calls": [], "token_count": 7},
                ]
            )
        if role == "tool":
            message |= {"tool_call_id": "c1", "tool_name": "run_tests"}
        if self.later and self.random.random() < 0.3:
            message |= self.random.choice(
                [
                    {"observed": True},
                    {"effect_disposition": "done"},
                    {"api_content": "as it was sent "},
                    {"platform_message_id": "p1"},
                    {"content": "half \ud83d of a character"},
                ]
            )
        return message

    def timestamp(self, name: str) -> object:
        """Return a time in the past, or none."""
        if not self.later or self.random.random() < 0.8:
            return None
        self.odd.add(name)
        moment = self.clock.seconds() - self.random.choice([0.5, 30.0, 7200.0])
        return self.random.choice([moment, moment, str(moment), "yesterday"])

    def append(self, name: str) -> None:
        """Append a message to both."""
        message = self.message()
        moment = self.timestamp(name)
        if moment is not None:
            message["timestamp"] = moment
        self.pair.append(name, **message)

    def transcript(self, name: str) -> list[dict[str, Any]]:
        """Return a transcript: some of the messages, and something new."""
        there = self.pair.real.get_messages_as_conversation(name)
        kept = self.random.sample(there, k=min(len(there), self.random.randrange(4)))
        if any("timestamp" in message for message in kept):
            self.odd.add(name)
        return [*kept, *(self.message() for _ in range(self.random.randrange(3)))]

    def replace(self, name: str) -> None:
        """Replace a transcript."""
        active_only = self.later and self.random.random() < 0.5
        more = {"active_only": True} if active_only else {}
        self.pair.both("replace_messages", name, self.transcript(name), **more)

    def compact(self, name: str) -> None:
        """Replace a transcript, and keep its active messages as archived ones."""
        self.compacted.add(name)
        self.pair.both("archive_and_compact", name, self.transcript(name))

    def one(self, name: str) -> int:
        """Return the id of a message, which is in the session in most cases."""
        more = {"include_inactive": True} if self.later else {}
        ids = [row["id"] for row in self.pair.real.get_messages(name, **more)]
        return int(self.random.choice([*ids, 2**53]))

    def rewind(self, name: str) -> None:
        """Rewind a session to a message."""
        self.odd.add(name)
        self.pair.both("rewind_to_message", name, self.one(name))

    def restore(self, name: str) -> None:
        """Restore rewound messages."""
        if name not in self.compacted:  # the real one keeps these marked as compacted
            self.pair.both("restore_rewound", name, self.one(name))

    def sent(self, name: str) -> None:
        """Store what the model was sent for a message of the user."""
        content = self.random.choice(["docker", *CONTENTS])
        for row in reversed(self.pair.real.get_messages(name)):
            if row["role"] == "user":
                content = self.random.choice([content, row["content"]])
                break
        self.pair.both("set_latest_user_api_content", name, content, "sent")

    def look(self, name: str) -> None:
        """Call all methods that read messages."""
        both = self.pair.both
        both("get_messages", name)
        both("get_messages_as_conversation", name)
        both("get_messages_as_conversation", name, include_ancestors=True)
        both("get_messages_as_conversation", "s1", include_ancestors=True)
        self.search()
        if name not in self.odd:  # the real one counts rewound messages
            both("get_session", name)
        if self.later:
            self.look_later(name)

    def look_later(self, name: str) -> None:
        """Call the methods of Hermes after 0.13 that read messages."""
        both, window = self.pair.both, self.random.randrange(4)
        both("get_messages", name, limit=self.random.choice([None, 2]), offset=1)
        both("get_messages_as_conversation", name, include_inactive=True)
        both("get_messages_as_conversation", name, repair_alternation=True)
        both("get_resume_conversations", name)
        both("get_ancestor_display_prefix", "s1")
        both("has_archived_messages", name)
        both("has_platform_message_id", name, "p1")
        both("list_recent_user_messages", name, limit=3)
        both("list_recent_user_messages", name, include_inactive=True)
        both("get_messages_around", name, self.one(name), window=window)
        both("get_anchored_view", name, self.one(name), window=window, bookend=2)
        both("get_anchored_view", name, self.one(name), window=1, bookend=9, keep_roles=None)

    def search(self) -> None:
        """Search: the hits are equal, in each class's own order."""
        query = self.random.choice(QUERIES)
        filters: dict[str, list[str]] = self.random.choice(
            [
                {},
                {"role_filter": ["user", "assistant"]},
                {"role_filter": []},
                {"source_filter": ["cli"]},
                {"source_filter": []},
                {"exclude_sources": ["tool", "telegram"]},
                {"exclude_sources": ["tool"], "role_filter": ["tool"]},
            ]
        )
        sort = {"sort": self.random.choice(["newest", "oldest", "x"])} if self.later else {}
        theirs, ours = self.pair.call("search_messages", query, limit=10_000, **filters, **sort)
        assert isinstance(theirs, list)
        assert isinstance(ours, list)
        real = {mine: real for real, mine in self.pair.ids.items()}
        for row in ours:
            row["id"] = real.get(row["id"], row["id"])
        expected = {row["id"]: self.shown(row) for row in theirs}
        assert {row["id"]: self.shown(row) for row in ours} == expected, query
        assert all(list(a) == list(b) for a, b in zip(theirs, ours, strict=True))
        if sort.get("sort") in {"newest", "oldest"}:
            moments = [round(row["timestamp"], 3) for row in theirs]
            if not self.odd:
                assert [round(row["timestamp"], 3) for row in ours] == moments

    def shown(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return the fields of a hit that are compared."""
        marked = ">>>" in row["snippet"] and "<<<" in row["snippet"]
        fields = {key: value for key, value in row.items() if key not in {"snippet", "context"}}
        if row["session_id"] not in self.odd | self.compacted:
            fields["context"] = row["context"]
        return {"marked": marked, **{k: self.pair.alike(v, v) for k, v in fields.items()}}


@pytest.mark.parametrize("seed", range(3))
def test_messages_are_those_of_the_real_one(pair: Pair, clock: Clock, seed: int) -> None:
    """Both stores return the same after any appends, replacements and rewinds."""
    script = Script(pair, clock, seed)
    for _ in range(STEPS):
        script.step()
