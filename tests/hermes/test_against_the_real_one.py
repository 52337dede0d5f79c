"""Random calls of the methods for messages, and of others, give what the real class gives."""

from __future__ import annotations

import random
import sqlite3
import time
from typing import TYPE_CHECKING, Any

import pytest

from journal import clock as journal_clock
from projector.adapters.hermes import SessionDB
from tests.hermes.real import loaded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

STEPS = 60
LATER = 12
"""Schemas from here on are of a Hermes after 0.13."""
START = 1_790_000_000

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


class Clock:
    """The time that both stores read: it moves between calls alone."""

    def __init__(self) -> None:
        self.millis = START * 1000

    def seconds(self) -> float:
        """Return the time in seconds."""
        return self.millis / 1000

    def micros(self) -> int:
        """Return the time in microseconds."""
        return self.millis * 1000

    def pass_(self, millis: int) -> None:
        """Let time pass."""
        self.millis += millis


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that both stores read."""
    clock = Clock()
    monkeypatch.setattr(time, "time", clock.seconds)
    monkeypatch.setattr(journal_clock, "wall", clock.micros)
    monkeypatch.setattr(journal_clock, "_seen", 0)
    return clock


class Pair:
    """A real store and ours, which are told and asked the same; ours gives other ids to messages.

    Attributes:
        ids: the real id of each message, and ours.
        version: of the real one's schema.
    """

    def __init__(self, real: Any, ours: SessionDB, version: int) -> None:  # noqa: ANN401 - a foreign class
        self.real, self.ours, self.version = real, ours, version
        self.ids: dict[int, int] = {}

    def both(self, name: str, *args: object, **kwargs: object) -> Any:  # noqa: ANN401 - any answer
        """Call a method of both and compare what comes out; return the real one's answer."""
        theirs, got = self.call(name, *args, **kwargs)
        assert self.alike(got, theirs, ours=True) == self.alike(theirs, theirs), (
            f"{name}{args}{kwargs}"
        )
        return theirs

    def call(self, name: str, *args: object, **kwargs: object) -> tuple[object, object]:
        """Call a method of both; return both answers. Ids of messages are the real one's."""
        mine = [self.ids.get(a, a) if type(a) is int and a in self.ids else a for a in args]
        theirs = outcome(getattr(self.real, name), *args, **kwargs)
        got = outcome(getattr(self.ours, name), *mine, **kwargs)
        return theirs, got

    def append(self, session: str, *args: Any, **kwargs: Any) -> int:  # noqa: ANN401 - a message
        """Append a message to both; return the real id."""
        theirs = int(self.real.append_message(session, *args, **kwargs))
        self.ids[theirs] = self.ours.append_message(session, *args, **kwargs)
        return theirs

    def align(self, session: str) -> None:
        """Learn which messages of a session are the same, and compare all that is said of them."""
        more = {"include_inactive": True} if self.version >= LATER else {}
        theirs = self.real.get_messages(session, **more)
        ours = self.ours.get_messages(session, **more)
        assert [row["content"] for row in ours] == [row["content"] for row in theirs]
        for their, our in zip(theirs, ours, strict=True):
            self.ids[their["id"]] = our["id"]
        self.both("get_messages", session, **more)

    def alike(self, value: object, shape: object, *, ours: bool = False) -> object:
        """Return a value as it is compared: the real one's keys and ids, times in milliseconds."""
        if isinstance(value, dict):
            like = shape if isinstance(shape, dict) else value
            return {
                key: self.column(key, value.get(key, "missing"), like[key], ours=ours)
                for key in like
            }
        if isinstance(value, list | tuple):
            is_like = isinstance(shape, list | tuple) and len(shape) == len(value)
            shapes = shape if isinstance(shape, list | tuple) and is_like else value
            return [self.alike(v, s, ours=ours) for v, s in zip(value, shapes, strict=True)]
        return round(value, 3) if isinstance(value, float) else value

    def column(self, key: str, value: object, shape: object, *, ours: bool) -> object:
        """Return a column as it is compared."""
        if key in {"id", "new_head_id"} and isinstance(value, int) and ours:
            return {mine: real for real, mine in self.ids.items()}.get(value, f"unknown {value}")
        return self.alike(value, shape, ours=ours)


def outcome(call: Callable[..., object], *args: object, **kwargs: object) -> object:
    """Return what a call returns, or the error that it raises."""
    try:
        return call(*args, **kwargs)
    except ValueError as error:
        return "ValueError", str(error).split("message ")[0]
    except (sqlite3.IntegrityError, ImportError) as error:  # sources alone lack what they import
        return "ImportError" if isinstance(error, ImportError) else "IntegrityError"


@pytest.fixture
def pair(journal_dir: Path, clock: Clock) -> Iterator[Pair]:  # noqa: ARG001 - both read it
    """A real store and ours, empty."""
    with loaded(journal_dir.parent) as hermes:
        real = hermes.SessionDB(journal_dir.with_name("state.db"))
        with SessionDB(journal_dir.with_name("journal.db")) as ours:
            yield Pair(real, ours, hermes.SCHEMA_VERSION)
        real.close()


class Script:
    """Random calls, the same for a seed."""

    def __init__(self, pair: Pair, clock: Clock, seed: int) -> None:
        self.pair, self.clock = pair, clock
        self.random = random.Random(seed)  # noqa: S311 - no secret
        self.later = pair.version >= LATER
        self.compacted: set[str] = set()
        self.odd: set[str] = set()  # where the order of moments is not that of writing
        self.names = ["s0", "s1", "s2", "s3"]
        for at, name in enumerate(self.names):
            parent = {"parent_session_id": "s0"} if at == 1 else {}
            source = ["cli", "telegram", "tool", "cli"][at]
            pair.both("create_session", name, source, model="m1", **parent)

    def step(self) -> None:
        """Let some time pass, call a method that writes, and ask everything."""
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
        """Return a moment of the past, or none."""
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
        """Return a transcript: some of what there is, and something new."""
        there = self.pair.real.get_messages_as_conversation(name)
        kept = self.random.sample(there, k=min(len(there), self.random.randrange(4)))
        if any("timestamp" in message for message in kept):
            self.odd.add(name)
        return [*kept, *(self.message() for _ in range(self.random.randrange(3)))]

    def replace(self, name: str) -> None:
        """Rewrite a transcript."""
        active_only = self.later and self.random.random() < 0.5
        more = {"active_only": True} if active_only else {}
        self.pair.both("replace_messages", name, self.transcript(name), **more)

    def compact(self, name: str) -> None:
        """Rewrite a transcript, and keep what there was."""
        self.compacted.add(name)
        self.pair.both("archive_and_compact", name, self.transcript(name))

    def one(self, name: str) -> int:
        """Return the id of a message, mostly one of the session."""
        more = {"include_inactive": True} if self.later else {}
        ids = [row["id"] for row in self.pair.real.get_messages(name, **more)]
        return int(self.random.choice([*ids, 2**53]))

    def rewind(self, name: str) -> None:
        """Take a message back."""
        self.odd.add(name)
        self.pair.both("rewind_to_message", name, self.one(name))

    def restore(self, name: str) -> None:
        """Put back what was taken back."""
        if name not in self.compacted:  # what is put back is found as compacted for ever there
            self.pair.both("restore_rewound", name, self.one(name))

    def sent(self, name: str) -> None:
        """Note what was sent for a message of the user."""
        content = self.random.choice(["docker", *CONTENTS])
        for row in reversed(self.pair.real.get_messages(name)):
            if row["role"] == "user":
                content = self.random.choice([content, row["content"]])
                break
        self.pair.both("set_latest_user_api_content", name, content, "sent")

    def look(self, name: str) -> None:
        """Ask everything that can be asked of messages."""
        both = self.pair.both
        both("get_messages", name)
        both("get_messages_as_conversation", name)
        both("get_messages_as_conversation", name, include_ancestors=True)
        both("get_messages_as_conversation", "s1", include_ancestors=True)
        self.search()
        if name not in self.odd:  # there, what was taken back still counts
            both("get_session", name)
        if self.later:
            self.look_later(name)

    def look_later(self, name: str) -> None:
        """Ask what Hermes after 0.13 can be asked."""
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
        """Search for something: what is found is the same, in an order of one's own."""
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
        """Return what is compared of a message that was found."""
        marked = ">>>" in row["snippet"] and "<<<" in row["snippet"]
        told = {key: value for key, value in row.items() if key not in {"snippet", "context"}}
        if row["session_id"] not in self.odd | self.compacted:
            told["context"] = row["context"]
        return {"marked": marked, **{k: self.pair.alike(v, v) for k, v in told.items()}}


@pytest.mark.parametrize("seed", range(3))
def test_messages_are_what_the_real_one_says(pair: Pair, clock: Clock, seed: int) -> None:
    """Whatever is appended, rewritten, taken back and asked: both say the same."""
    script = Script(pair, clock, seed)
    for _ in range(STEPS):
        script.step()


@pytest.mark.parametrize("seed", range(2))
def test_topics_are_bound_as_the_real_one_binds_them(pair: Pair, clock: Clock, seed: int) -> None:
    """Whatever is bound, unbound, enabled and deleted: both say the same."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    names = ["s0", "s1", "s2"]
    for name in names:
        clock.pass_(1000)
        pair.both("create_session", name, "telegram", user_id="7")
    clock.pass_(1000)
    pair.append("s1", "user", "a first\nquestion " * 9)
    for _ in range(STEPS):
        clock.pass_(1000)
        chat, thread = chance.choice(["1", "2"]), chance.choice(["8", "9"])
        name = chance.choice([*names, "nobody"])
        step = chance.randrange(8)
        if step == 0:
            pair.both("enable_telegram_topic_mode", chat_id=chat, user_id="7")
        elif step == 1 and chance.random() < 0.3:
            clear = chance.random() < 0.5
            pair.both("disable_telegram_topic_mode", chat_id=chat, clear_bindings=clear)
        elif step == 2 and pair.version >= LATER:
            pair.both("delete_telegram_topic_binding", chat_id=chat, thread_id=thread)
        elif step == 3 and chance.random() < 0.2 and name != "nobody":
            pair.both("delete_session", name)
            names.append(f"t{clock.millis}")
            pair.both("create_session", names[-1], "telegram", user_id="7")
        else:
            pair.both(
                "bind_telegram_topic",
                chat_id=chat,
                thread_id=thread,
                user_id="7",
                session_key="k",
                session_id=name,
            )
        pair.both("is_telegram_topic_mode_enabled", chat_id=chat, user_id="7")
        pair.both("is_telegram_topic_mode_enabled", chat_id=chat, user_id="8")
        pair.both("get_telegram_topic_binding", chat_id=chat, thread_id=thread)
        pair.both("is_telegram_session_linked_to_topic", session_id=name)
        pair.both("get_meta", "telegram_dm_topic_schema_version")
        asked = {"chat_id": chat, "user_id": "7", "limit": 2}
        theirs, ours = pair.call("list_unlinked_telegram_sessions_for_user", **asked)
        assert isinstance(theirs, list)
        assert isinstance(ours, list)
        shown = ("id", "preview", "title")
        assert [[row[key] for key in shown] for row in ours] == [
            [row[key] for key in shown] for row in theirs
        ]
        if pair.version >= LATER:
            pair.both("list_telegram_topic_bindings_for_chat", chat_id=chat)
            pair.both("get_telegram_topic_binding_by_session", session_id=name)


@pytest.mark.parametrize("seed", range(2))
def test_locks_are_given_as_the_real_one_gives_them(pair: Pair, clock: Clock, seed: int) -> None:
    """Locks, their ends, and what is noted of failures: both say the same."""
    if pair.version < LATER:
        pytest.skip("Hermes 0.13 has no locks")
    chance = random.Random(seed)  # noqa: S311 - no secret
    pair.both("create_session", "s0", "cli")
    for _ in range(STEPS):
        clock.pass_(chance.choice([1000, 7000]))
        name, holder = chance.choice(["s0", "s1", ""]), chance.choice(["a", "b"])
        seconds = chance.choice([3.5, 20.5])
        step = chance.randrange(6)
        if step == 0:
            pair.both("refresh_compression_lock", name, holder, seconds)
        elif step == 1:
            pair.both("release_compression_lock", name, holder)
        elif step == 2:
            until = clock.seconds() + chance.choice([-1.0, 4.5])
            pair.both(
                "record_compression_failure_cooldown", name, until, chance.choice([None, "e"])
            )
        elif step == 3:
            pair.both("set_compression_fallback_streak", name, chance.choice([-1, 2]))
            if chance.random() < 0.3:
                pair.both("clear_compression_failure_cooldown", name)
        else:
            pair.both("try_acquire_compression_lock", name, holder, seconds)
        pair.both("get_compression_lock_holder", name)
        pair.both("get_compression_failure_cooldown", name)
        pair.both("get_compression_fallback_streak", name)
        pair.both("get_session", "s0")


@pytest.mark.parametrize("seed", range(2))
def test_routes_are_kept_as_the_real_one_keeps_them(pair: Pair, clock: Clock, seed: int) -> None:
    """Routes of the gateway and the sessions of its peers: both say the same."""
    if pair.version < LATER:
        pytest.skip("Hermes 0.13 keeps no routes in its database")
    chance = random.Random(seed)  # noqa: S311 - no secret
    names = [f"s{n}" for n in range(4)]
    for name in names:
        clock.pass_(1000)
        pair.both("create_session", name, "telegram")
    for _ in range(STEPS):
        clock.pass_(1000)
        key, scope = chance.choice(["k1", "k2", "k3"]), chance.choice(["", "/profile"])
        name = chance.choice(names)
        user, chat = chance.choice([None, "7", "8"]), chance.choice([None, "1", "2"])
        step = chance.randrange(7)
        if step == 0:
            pair.both("save_gateway_routing_entry", key, chance.choice(["{}", ""]), scope=scope)
        elif step == 1:
            wanted = {k: f'"{clock.millis}"' for k in ("k1", "k2") if chance.random() < 0.5}
            pair.both("replace_gateway_routing_entries", wanted, scope=scope)
        elif step == 2:
            pair.both("delete_gateway_routing_entries", [key], scope=scope)
        elif step == 3:
            pair.both("set_expiry_finalized", name, chance.random() < 0.5)
            pair.both("end_session", name, chance.choice(["agent_close", "user_exit"]))
        elif step == 4:
            pair.both("reopen_session", name)
            pair.append(name, "user", "hello")
        else:
            peer = {
                "source": chance.choice(["telegram", "Discord"]),
                "user_id": user,
                "session_key": chance.choice([key, None]),
                "chat_id": chat,
                "chat_type": chance.choice([None, "dm"]),
                "thread_id": chance.choice([None, "9"]),
                "display_name": chance.choice([None, "Ann"]),
                "origin_json": chance.choice([None, "{}"]),
            }
            pair.both("record_gateway_session_peer", name, **peer)
        pair.both("get_session", name)
        pair.both("load_gateway_routing_entries", scope=scope)
        pair.both("list_gateway_sessions", active_only=chance.random() < 0.5)
        pair.both("list_gateway_sessions", platform="discord")
        pair.both("find_session_by_origin", platform="TELEGRAM", chat_id=chat, user_id=user)
        pair.both("find_session_by_origin", platform="telegram", chat_id="1", thread_id="9")
        asked = {"source": "telegram", "session_key": key, "chat_id": chat, "chat_type": "dm"}
        pair.both("find_latest_gateway_session_for_peer", **asked, user_id=user)


def test_maintenance_is_done_when_the_real_one_does_it(pair: Pair, clock: Clock) -> None:
    """Old sessions are deleted once in so many hours, and the answers are the same."""
    for name in ("old", "open"):
        pair.both("create_session", name, "cli")
    pair.both("end_session", "old", "user_exit")
    for hours in (1, 100 * 24, 1, 30):
        clock.pass_(hours * 3_600_000)
        theirs, ours = pair.call("maybe_auto_prune_and_vacuum", 90)
        assert isinstance(theirs, dict)
        assert isinstance(ours, dict)
        assert ours | {"vacuumed": False} == theirs | {"vacuumed": False}
        pair.both("session_count")
        pair.both("get_meta", "last_auto_prune")
    pair.both("set_meta", "k", "v")
    pair.both("get_meta", "k")
    pair.both("get_meta", "none")
