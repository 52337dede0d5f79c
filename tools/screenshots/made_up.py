"""A journal with sessions of agents in a company that does not exist."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from random import Random
from typing import TYPE_CHECKING, Any

from journal import Journal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAIN = "0199a4c2-5d1e-7b60-9c44-1f0e8a7d2b31"
"""Id of the session that is shown in full."""
LIVE = "0199a4c2-8f20-7d11-8e5b-6a2c90d7e4f8"
"""Id of the session that has just been written to."""
_MINUTE = 60_000_000
_DAY = 1_440 * _MINUTE
_SESSIONS = 130
_PROJECTS = ("orchard/web", "orchard/api", "orchard/ingest", "tools/reports", "infra/deploy")
_AGENTS = (
    ("claude-code", "claude-opus-4-5"),
    ("codex", "gpt-5.2-codex"),
    ("claude-code", "claude-sonnet-4-5"),
    ("gemini-cli", "gemini-3-pro"),
    ("opencode", "claude-sonnet-4-5"),
)
_ASKED = (
    "Fix the flaky checkout test",
    "Add a retry to the price feed",
    "Why is the import of orders slow?",
    "Rename Customer to Account everywhere",
    "Write a migration for the new harvest table",
    "Upgrade the web framework",
    "Explain how the cache is invalidated",
    "Add pagination to GET /orders",
    "The map of orchards is empty on phones",
    "Move the nightly report to the new queue",
    "Reduce the memory of the ingest worker",
    "Draw a diagram of the deployment",
)
_TOOLS = ("Bash", "Read", "Edit", "Grep", "Write", "WebFetch")
_ANSWER = (
    "The client opens a new connection for each price, and the feed closes it after two seconds."
    " I changed it to keep one connection, and to try again twice."
)
_ANSWERS = (
    _ANSWER,
    "The test waited for the clock of the machine. It now gets a clock of its own.",
    "The query read all orders of a customer. With an index on the date it takes 4 ms.",
    "All 212 places are renamed; the old name is still accepted in requests, with a warning.",
    "The migration adds the table, and fills it in portions of a thousand rows.",
    "The worker kept each file in memory until the end. It now reads one record at a time.",
    "The map asked for its size before the page had one. It asks again when the page is shown.",
)


def write(path: Path, now: int) -> None:
    """Make the journal.

    Args:
        path: its folder, which does not exist yet.
        now: the time at which the last session is written to; microseconds since 1970.
    """
    with Journal.open(path, fsync="never") as journal:
        for number in range(_SESSIONS):
            journal.append_many(list(_usual(number, now)))
        journal.append_many(list(_shown(now - 3 * 60 * _MINUTE)))
        journal.append_many(list(_below(now - 3 * 60 * _MINUTE)))
        journal.append_many(list(_live(now)))


def _event(session: str, id: str, type: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"session": session, "id": id, "type": type, "data": data}


def _created(session: str, **data: str | int) -> dict[str, Any]:
    return _event(session, "created", "session.created", dict(data))


def _said(session: str, id: str, time: int, role: str, content: Any, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    data = {"role": role, "content": content, "timestamp": time, **more}
    return _event(session, id, "message.appended", data)


def _used(session: str, id: str, time: int, model: str, size: int) -> dict[str, Any]:
    data = {
        "call": id,
        "model": model,
        "timestamp": time,
        "input_tokens": size // 9,
        "output_tokens": size // 20,
        "cache_read_tokens": size,
        "estimated_cost": size / 400_000,
        "api_calls": 1,
    }
    return _event(session, f"used-{id}", "usage.added", data)


def _call(id: str, tool: str, **arguments: str) -> dict[str, Any]:
    return {"id": id, "function": {"name": tool, "arguments": json.dumps(arguments)}}


def _usual(number: int, now: int) -> Iterator[dict[str, Any]]:
    """Yield a session of the last months: more of them lately, and by day."""
    rng = Random(number)
    days = int(88 * (1 - number / _SESSIONS) ** 1.6) + 1
    hour = min(max(round(rng.gauss(13, 3)), 6), 22)
    began = (now // _DAY - days) * _DAY + hour * 60 * _MINUTE + rng.randrange(60) * _MINUTE
    source, model = rng.choice(_AGENTS)
    name = f"0199{number:04x}-{rng.getrandbits(16):04x}-7a3c-{rng.getrandbits(64):016x}"
    asked, project = rng.choice(_ASKED), rng.choice(_PROJECTS)
    data: dict[str, str | int] = {"source": source, "model": model, "started": began}
    data |= {"cwd": f"/home/ada/work/{project}", "branch": rng.choice(("main", "main", "fix/feed"))}
    if rng.random() < 0.7:  # noqa: PLR2004 - a share
        data["title"] = asked
    yield _created(name, **data)
    yield _said(name, "m0", began, "user", f"{asked}, please.")
    time = began
    for at in range(rng.randrange(3, 16)):
        tool = rng.choice(_TOOLS)
        call = _call(f"c{at}", tool, command="pytest -q", file_path="src/feed.py")
        time += rng.randrange(5, 90) * 1_000_000
        yield _said(name, f"a{at}", time, "assistant", "", model=model, tool_calls=[call])
        yield _used(name, f"a{at}", time, model, rng.randrange(20_000, 120_000))
        time += rng.randrange(1, 30) * 1_000_000
        failed = {"exit_code": 1} if tool == "Bash" and rng.random() < 0.25 else {}  # noqa: PLR2004 - a share
        text = "2 failed, 40 passed" if failed else "42 passed"
        yield _said(name, f"r{at}", time, "tool", text, tool_call_id=f"c{at}", extra=failed)
    answer = rng.choice(_ANSWERS)
    yield _said(name, "last", time + 9_000_000, "assistant", answer, model=model)


def _shown(began: int) -> Iterator[dict[str, Any]]:
    """Yield the session that has one of everything."""
    model, name = "claude-opus-4-5", MAIN
    yield _created(
        name,
        source="claude-code",
        model=model,
        title="Keep one connection to the price feed",
        cwd="/home/ada/work/orchard/ingest",
        branch="fix/feed",
        commit="5f2c9e01ab34d7",
        started=began,
    )
    second, steps = 1_000_000, list(_steps())
    for at, (role, content, more) in enumerate(steps):
        time = began + at * 41 * second + at * at * 900_000
        extra = {"model": model} if role == "assistant" else {}
        yield _said(name, f"m{at:02}", time, role, content, **more, **extra)
        if role == "assistant":
            yield _used(name, f"m{at:02}", time, model, 38_000 + 4_100 * at)


def _steps() -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Yield the role, the content and the other fields of each message."""
    yield "user", "The price feed loses about one price in fifty. Find out why and **fix it**.", {}
    thought = (
        "The log says that the connection was reset. Prices are fetched one by one, so each has a"
        " connection of its own. I look at the client first, then at how the tests start the feed."
    )
    text = "I look at the client and at the log of the last night."
    calls = [_call("c1", "Read", file_path="/home/ada/work/orchard/ingest/src/feed.py")]
    calls.append(_call("c2", "Bash", command="grep -c 'connection reset' logs/feed.log"))
    yield "assistant", text, {"reasoning": thought, "tool_calls": calls}
    source = (
        "import asyncio\n\nclass Feed:\n    def __init__(self, url: str) -> None:\n"
        "        self._url = url\n\n    async def price(self, fruit: str) -> float:\n"
        "        async with connect(self._url) as connection:\n"
        "            return await connection.ask(fruit)\n"
    )
    yield "tool", source, {"tool_call_id": "c1"}
    yield "tool", "1042", {"tool_call_id": "c2"}
    change = _call(
        "c3",
        "Edit",
        file_path="/home/ada/work/orchard/ingest/src/feed.py",
        old_string=(
            "    async def price(self, fruit: str) -> float:\n"
            "        async with connect(self._url) as connection:\n"
            "            return await connection.ask(fruit)\n"
        ),
        new_string=(
            "    async def price(self, fruit: str) -> float:\n"
            "        for pause in (0.1, 0.4, None):\n"
            "            try:\n"
            "                return await (await self._connection()).ask(fruit)\n"
            "            except ConnectionResetError:\n"
            "                if pause is None:\n"
            "                    raise\n"
            "                await asyncio.sleep(pause)\n"
        ),
    )
    yield "assistant", "Each price opens a connection of its own.", {"tool_calls": [change]}
    yield "tool", "The file has been updated.", {"tool_call_id": "c3"}
    run = _call("c4", "Bash", command="pytest -q tests/test_feed.py")
    yield "assistant", "", {"tool_calls": [run]}
    failure = "F..\nE       AssertionError: 3 connections, expected 1\n1 failed, 2 passed in 0.41s"
    yield "tool", failure, {"tool_call_id": "c4", "extra": {"exit_code": 1}}
    again = _call("c5", "Bash", command="pytest -q tests/test_feed.py")
    yield "assistant", "The pool was made anew for each test.", {"tool_calls": [again]}
    yield "tool", "...\n3 passed in 0.38s", {"tool_call_id": "c5"}
    table = (
        "Fixed. The client keeps **one** connection and tries twice more:\n\n"
        "| | before | now |\n|---|---|---|\n| lost prices | 1,042 | 0 |\n"
        "| connections a minute | 600 | 1 |\n\n"
        '```python\nfeed = Feed(url)\nawait feed.price("pear")\n```\n\n'
        "1. `src/feed.py` keeps the connection.\n2. `tests/test_feed.py` counts connections."
    )
    yield "assistant", table, {}
    yield "user", "Good. Show me how the prices look now.", {}
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{chart()}"}}
    yield "assistant", [{"type": "text", "text": "No gaps since the change:"}, image], {}


def _below(began: int) -> Iterator[dict[str, Any]]:
    """Yield a fork and a sub-agent of the session that is shown."""
    for number, (relation, asked) in enumerate(
        (("fork", "Try it with a pool of connections instead"), ("subagent", "Read the feed's log"))
    ):
        name = f"{MAIN[:-1]}{number + 5}"
        parent: dict[str, str] = {"parent": MAIN, "relation": relation}
        time = began + (40 + number) * _MINUTE
        yield _created(name, source="claude-code", model="claude-opus-4-5", started=time, **parent)
        yield _said(name, "m0", time, "user", asked)
        yield _said(name, "m1", time + 20_000_000, "assistant", _ANSWER)


def _live(now: int) -> Iterator[dict[str, Any]]:
    """Yield a session whose agent is at work."""
    yield _created(
        LIVE,
        source="codex",
        model="gpt-5.2-codex",
        title="Add pagination to GET /orders",
        cwd="/home/ada/work/orchard/api",
        started=now - 5 * _MINUTE,
    )
    yield _said(LIVE, "m0", now - 5 * _MINUTE, "user", "Add pagination to GET /orders.")
    call = _call("c0", "Grep", pattern="def list_orders")
    yield _said(LIVE, "m1", now - _MINUTE // 2, "assistant", "", tool_calls=[call])


def chart() -> str:
    """Return a small line chart as the base64 of a PNG."""
    width, height, rng = 420, 120, Random(8)
    rows = [bytearray(b"\xf6\xf7\xf9" * width) for _ in range(height)]
    level = 60.0
    for x in range(8, width - 8):
        level = min(max(level + rng.uniform(-2.4, 2.4), 20), 100)
        for y in (int(level), int(level) + 1):
            rows[y][3 * x : 3 * x + 3] = b"\x2f\x51\xc4"
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
    return base64.b64encode(png).decode()
