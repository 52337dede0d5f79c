"""Random calls for topics, locks, routes and maintenance give what the real class gives."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.hermes.real.pairs import LATER

if TYPE_CHECKING:
    from tests.hermes.real.pairs import Clock, Pair

STEPS = 60


@pytest.mark.parametrize("seed", range(2))
def test_topics_are_bound_as_the_real_one_binds_them(pair: Pair, clock: Clock, seed: int) -> None:
    """Both stores answer the same after any binding, unbinding, enabling and deletion."""
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
def test_locks_are_acquired_as_the_real_one_acquires_them(
    pair: Pair, clock: Clock, seed: int
) -> None:
    """Both stores answer the same about locks, their expiry, and failures."""
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
def test_routes_are_stored_as_the_real_one_stores_them(pair: Pair, clock: Clock, seed: int) -> None:
    """Both stores answer the same about routes of the gateway and sessions of its peers."""
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
