"""Random calls of the methods for sessions give what the real class gives."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.hermes.real.package import loaded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from projector.adapters.hermes import SessionDB

STEPS = int(os.environ.get("HERMES_STEPS", "30"))
SEEDS = int(os.environ.get("HERMES_SEEDS", "3"))
LATER = 12
"""Schemas from this version on are of a Hermes after 0.13."""
DAY = 86_400.0

TITLES = [
    "Parser",
    "Parser #2",
    "parser",
    "50% off_",
    "  spaced \u200b out ",
    "",
    "x" * 101,
    "北京",
]
SOURCES = ["cli", "tui", "telegram", "tool"]
REASONS = ["compression", "branched", "user_exit", "agent_close", "tui_shutdown"]


class Clock:
    """The clock of both stores: it advances only between calls."""

    def __init__(self) -> None:
        self._micros = 1_790_000_000_000_000

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self._micros / 1_000_000

    def pass_(self, seconds: float) -> None:
        """Advance the clock."""
        self._micros += round(seconds * 1_000_000)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that both stores read."""
    clock = Clock()
    monkeypatch.setattr(time, "time", clock)
    return clock


class Pair:
    """A real store and ours, which get the same calls."""

    def __init__(self, real: Any, ours: SessionDB, version: int) -> None:  # noqa: ANN401 - a foreign class
        self.real, self.ours, self.version = real, ours, version

    def both(self, name: str, *args: object, **kwargs: object) -> object:
        """Call a method of both and compare the results; return them."""
        try:
            theirs = outcome(getattr(self.real, name), *args, **kwargs)
        except sqlite3.IntegrityError:  # the real one fails on sessions with children
            return None
        got = outcome(getattr(self.ours, name), *args, **kwargs)
        assert alike(got, theirs) == alike(theirs, theirs), f"{name}{args}{kwargs}"
        return theirs

    def say(self, session: str, role: str, content: str, at: float) -> None:
        """Append a message to an existing session."""
        self.real.append_message(session, role, content)
        self.ours._store.append(session, role, content, timestamp=round(at * 1e6))


def outcome(call: Callable[..., object], *args: object, **kwargs: object) -> object:
    """Return what a call returns, or the error that it raises."""
    try:
        return call(*args, **kwargs)
    except (ValueError, TypeError) as error:
        return type(error).__name__, str(error).split("() ", maxsplit=1)[-1]


def alike(value: object, shape: object) -> object:
    """Return a value for the comparison: the keys of the real one, times in microseconds."""
    if isinstance(value, dict):
        keys = shape.keys() if isinstance(shape, dict) else value.keys()
        of = shape if isinstance(shape, dict) else value
        return {key: column(key, value.get(key, "missing"), of.get(key)) for key in keys}
    if isinstance(value, list | tuple):
        shapes = shape if isinstance(shape, list | tuple) and len(shape) == len(value) else value
        return [alike(item, like) for item, like in zip(value, shapes, strict=True)]
    return round(value, 6) if isinstance(value, float) else value


def column(key: str, value: object, shape: object) -> object:
    """Return a column for the comparison."""
    if key == "model_config" and isinstance(value, str):
        return json.loads(value)
    if key == "messages":
        return [message["content"] for message in value] if isinstance(value, list) else value
    return alike(value, shape)


@pytest.fixture
def pair(db: SessionDB, tmp_path: Path, clock: Clock) -> Iterator[Pair]:  # noqa: ARG001 - both read it
    """A real store and ours, both empty."""
    with loaded(tmp_path) as hermes:
        real = hermes.SessionDB(tmp_path / "state.db")
        yield Pair(real, db, hermes.SCHEMA_VERSION)
        real.close()


class Script:
    """Random calls, the same for each seed."""

    def __init__(self, pair: Pair, clock: Clock, seed: int) -> None:
        self.pair, self.clock = pair, clock
        self.random = random.Random(seed)  # noqa: S311 - no secret
        self.there: list[str] = []
        self.count = 0

    def step(self) -> None:
        """Advance the clock and call a method."""
        self.clock.pass_(self.random.choice([0.001, 1.0, 60.0, 3600.0, DAY, 10 * DAY]))
        write = self.random.choice(
            [
                self.create, self.create, self.create, self.say, self.say, self.say,
                self.count_used, self.count_used, self.title, self.title, self.end, self.end,
                self.reopen,
                self.prompt, self.delete, self.handoff, self.clear, self.sweep,
            ]
        )  # fmt: skip
        write()
        self.look()

    def one(self) -> str:
        """Return a session, which exists in most cases."""
        return self.random.choice([*self.there, *self.there, "nobody", ""])

    def create(self) -> None:
        """Create a session."""
        self.count += 1
        name = self.random.choice([f"s{self.count}", f"cron_j_{self.count}", f"S_{self.count}%"])
        given: dict[str, Any] = {"model": self.random.choice([None, "m1"])}
        if self.there and self.random.random() < 0.6:
            given["parent_session_id"] = self.random.choice(self.there)
        if self.random.random() < 0.4:
            marks = [{}, {"b": [1, 2], "a": "ü"}]
            if self.pair.version >= LATER and "parent_session_id" in given:
                parent = given["parent_session_id"]
                marks += [{"_branched_from": parent}, {"_delegate_from": parent}]
            given["model_config"] = self.random.choice(marks)
        if self.pair.version >= LATER:
            given["cwd"] = self.random.choice([None, "/src/a", "/src/ab"])
        self.pair.both("create_session", name, self.random.choice(SOURCES), **given)
        self.there.append(name)

    def say(self) -> None:
        """Append a message."""
        if self.there:
            role = self.random.choice(["user", "assistant"])
            content = self.random.choice(["Where\nis it? " * 9, "北京", "short"])
            self.pair.say(self.random.choice(self.there), role, content, self.clock())

    def count_used(self) -> None:
        """Add or set the usage of a session."""
        counts = {
            name: self.random.randrange(100)
            for name in ("input_tokens", "output_tokens", "reasoning_tokens", "api_call_count")
            if self.random.random() < 0.5
        }
        fields = {
            name: self.random.choice([None, "x", "y"])
            for name in ("model", "cost_status", "pricing_version", "billing_provider")
        }
        costs = {
            name: self.random.choice([None, 0.25, 0.001])
            for name in ("estimated_cost_usd", "actual_cost_usd")
        }
        absolute = self.random.random() < 0.3
        if not self.there:
            return
        session = self.random.choice(self.there)
        self.pair.both(
            "update_token_counts", session, **counts, **fields, **costs, absolute=absolute
        )

    def title(self) -> None:
        """Give a session a title."""
        title = self.random.choice(TITLES)
        names = ["set_session_title"]
        if self.pair.version >= LATER:
            names.append("set_auto_title_if_empty")
        self.pair.both(self.random.choice(names), self.one(), title)

    def end(self) -> None:
        """End a session."""
        name = self.one()
        reason = self.random.choice(REASONS)
        if self.pair.version >= LATER and self.random.random() < 0.3:
            self.pair.both("promote_to_session_reset", name, reason)
        elif name:
            self.pair.both("end_session", name, reason)

    def reopen(self) -> None:
        """Reopen a session."""
        self.pair.both("reopen_session", self.one() or "nobody")

    def prompt(self) -> None:
        """Change a session's fields."""
        name = self.one() or "nobody"
        self.pair.both("update_system_prompt", name, self.random.choice(["Be brief.", None]))
        if self.pair.version >= LATER:
            self.pair.both("update_session_model", name, "m9")
            self.pair.both(
                "update_session_meta", name, '{"x": 1}', self.random.choice([None, "m2"])
            )
            self.pair.both("update_session_cwd", name, "/src/a", " main ", None)
            if self.random.random() < 0.3:
                self.pair.both("set_session_archived", name, self.random.random() < 0.7)
            if self.random.random() < 0.3:
                self.pair.both("backfill_repo_roots", {"/src/a": "/src"})
                self.pair.both("update_session_billing_route", name, provider="p", base_url="u")

    def delete(self) -> None:
        """Delete a session."""
        names = ["delete_session"]
        if self.pair.version >= LATER:
            names.append("delete_session_if_empty")
        self.pair.both(self.random.choice(names), self.one())
        self.recount()

    def clear(self) -> None:
        """Clear the messages of a session."""
        self.pair.both("clear_messages", self.one() or "nobody")

    def sweep(self) -> None:
        """Delete old and empty sessions."""
        self.pair.both("finalize_orphaned_compression_sessions")
        self.pair.both("prune_empty_ghost_sessions")
        if self.random.random() < 0.2:
            self.pair.both("prune_sessions", self.random.choice([5, 90]))
        if self.pair.version >= LATER and self.random.random() < 0.2:
            self.pair.both("delete_sessions", [self.one(), self.one()])
            self.pair.both("archive_sessions", 20, title_like="pars")
            self.pair.both("delete_empty_sessions")
        self.recount()

    def handoff(self) -> None:
        """Request, claim and complete a handoff."""
        name = self.one() or "nobody"
        self.pair.both(self.random.choice(["request_handoff"]), name, "telegram")
        self.pair.both("get_handoff_state", name)
        self.pair.both("claim_handoff", name)
        self.pair.both("list_pending_handoffs")
        if self.random.random() < 0.5:
            self.pair.both("fail_handoff", name, "e" * 600)
        else:
            self.pair.both("complete_handoff", name)

    def recount(self) -> None:
        """Compare which sessions exist."""
        self.there = [name for name in self.there if self.pair.real.get_session(name) is not None]

    def look(self) -> None:
        """Call all methods that read sessions."""
        both, name = self.pair.both, self.one()
        limit = self.random.choice([3, 100])
        both("get_session", name)
        both("get_session_title", name)
        both("resolve_session_id", self.random.choice([name, name[:2], "S_1%"]))
        title = self.random.choice(TITLES)
        both("get_session_by_title", title)
        both("resolve_session_by_title", title)
        both("get_next_title_in_lineage", title)
        both("get_compression_tip", name)
        both("resolve_resume_session_id", name)
        both("get_handoff_state", name)
        both("session_count", self.random.choice([None, "cli"]))
        both("message_count", self.random.choice([None, name]))
        both("search_sessions", self.random.choice([None, "tui"]), limit)
        both("export_session", name)
        both("list_sessions_rich", limit=limit, offset=self.random.choice([0, 2]))
        both("list_sessions_rich", exclude_sources=["tool"], order_by_last_active=True)
        both("list_sessions_rich", include_children=True, limit=limit)
        both("list_sessions_rich", source="cli", project_compression_tips=False)
        if self.random.random() < 0.1:
            both("export_all")
        if self.pair.version >= LATER:
            self.look_later(name)

    def look_later(self, name: str) -> None:
        """Call the methods of Hermes after 0.13 that read sessions."""
        both = self.pair.both
        both("get_conversation_root", name)
        both("get_compression_lineage", name)
        both("count_empty_sessions")
        both("distinct_session_cwds", self.random.random() < 0.5)
        both("search_sessions_by_id", self.random.choice(["s", "1", "S_", name]))
        both("list_cron_job_runs", "j")
        both("session_count", cwd_prefix="/src/a", exclude_children=True, min_message_count=1)
        both("list_prune_candidates", 3, max_tokens=50, archived=False)
        both("list_prune_candidates", None, provider="X", min_messages=1)
        both(
            "list_sessions_rich",
            order_by_last_active=True,
            search_query=self.random.choice(["pars", "1", "50%off"]),
            include_archived=True,
            compact_rows=True,
        )
        both("list_sessions_rich", archived_only=True, include_children=True)
        if self.random.random() < 0.1:
            both("export_session_lineage", name)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_random_calls_have_the_results_of_the_real_one(pair: Pair, clock: Clock, seed: int) -> None:
    """Both stores return the same values, and raise the same errors."""
    script = Script(pair, clock, seed)
    for _ in range(STEPS):
        script.step()


def test_titles_are_cleaned_alike(pair: Pair) -> None:
    """Both classes make the same title of any text, or refuse it."""
    chance = random.Random(0)  # noqa: S311 - no secret
    pieces = [*map(chr, range(256)), *map(chr, range(0x2000, 0x2070)), "\ufeff", "\ufff9", "北京"]
    for _ in range(2000):
        text = "".join(chance.choices(pieces, k=chance.choice([0, 1, 3, 20, 99, 130])))
        pair.both("sanitize_title", text)
        pair.both("get_next_title_in_lineage", f"{text} #{chance.choice(['2', '', 'x', '٣'])}")


def test_unknown_filters_are_refused_alike(pair: Pair) -> None:
    """An unknown filter raises TypeError in both classes."""
    if pair.version < LATER:
        pytest.skip("Hermes 0.13 has no filters")
    pair.both("prune_sessions", 1, colour="red")
