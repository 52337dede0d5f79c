"""The session store of the Claude Agent SDK."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal import EventError
from journal.process import clock
from projector import Projection, SessionStore
from projector.adapters.claude_agent_sdk import JournalSessionStore
from projector.adapters.claude_agent_sdk.entries import ENTRY, entry_of, events_of, held_entry
from projector.errors import Behind, NotProjected
from projector.views.freshness import Freshness
from tests.adapters.forked import longest_gap
from tests.support.transcripts import import_all

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from subprocess import Popen

KEY = {"project_key": "-home-me-app", "session_id": "0b9ae43c-9a1c-4f2e-8d55-0123456789ab"}
NAME = f"{KEY['project_key']}/{KEY['session_id']}"
SUB = {**KEY, "subpath": "subagents/agent-7"}

PROMPT = {
    "type": "user",
    "uuid": "1c2a8f5e-0000-4000-8000-000000000001",
    "parentUuid": None,
    "timestamp": "2026-11-01T10:00:00.000Z",
    "sessionId": KEY["session_id"],
    "cwd": "/home/me/app",
    "gitBranch": "parser",
    "version": "2.1.0",
    "isSidechain": False,
    "message": {"role": "user", "content": "Why does the tokenizer drop the quokka?"},
}
CALL = {
    "type": "assistant",
    "uuid": "1c2a8f5e-0000-4000-8000-000000000002",
    "parentUuid": PROMPT["uuid"],
    "timestamp": "2026-11-01T10:00:01.000Z",
    "sessionId": KEY["session_id"],
    "cwd": "/home/me/app",
    "requestId": "req_0123456789abcdef",
    "message": {
        "id": "msg_0123456789abcdef0123",
        "role": "assistant",
        "model": "claude-x",
        "content": [
            {"type": "text", "text": "I look at the lexer."},
            {
                "type": "tool_use",
                "id": "toolu_1",
                "name": "Read",
                "input": {"file_path": "/home/me/app/src/lexer.py", "limit": 20},
                "cache_control": {"type": "ephemeral"},
            },
        ],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 100, "output_tokens": 20, "cache_read_input_tokens": 3},
    },
}
RESULT = {
    "type": "user",
    "uuid": "1c2a8f5e-0000-4000-8000-000000000003",
    "parentUuid": CALL["uuid"],
    "timestamp": "2026-11-01T10:00:02.000Z",
    "sessionId": KEY["session_id"],
    "message": {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "def lex(): ..."}],
    },
    "toolUseResult": {"file": {"numLines": 1}},
}
MARKER = {"type": "mode", "mode": "plan", "sessionId": KEY["session_id"]}
TITLE = {"type": "custom-title", "customTitle": "The quokka", "sessionId": KEY["session_id"]}
TRANSCRIPT: list[dict[str, Any]] = [PROMPT, MARKER, CALL, RESULT, TITLE]

APPENDER = """
import asyncio, json, os, sys
from projector.adapters.claude_agent_sdk import JournalSessionStore

path, key, entries, ends = sys.argv[1], *map(json.loads, sys.argv[2:])
store = JournalSessionStore(path)
for entry in entries:
    asyncio.run(store.append(key, [entry]))
print("appended", flush=True)
if ends == "killed":
    sys.stdin.read()
store.close()
"""


def stored(
    path: Path, *batches: list[dict[str, Any]], key: dict[str, str] | None = None
) -> list[dict[str, Any]]:
    """Append batches and load them again."""

    async def run() -> list[dict[str, Any]]:
        async with JournalSessionStore(path) as store:
            for batch in batches:
                await store.append(key or KEY, batch)
            return await store.load(key or KEY) or []

    return asyncio.run(run())


def test_a_transcript_comes_back_equal_and_in_the_order_of_its_appends(journal_dir: Path) -> None:
    """Whatever the dates in it say, and whether or not an entry is a message."""
    transcript: list[dict[str, Any]] = [RESULT, MARKER, CALL, PROMPT, TITLE]
    assert stored(journal_dir, transcript[:2], transcript[2:]) == transcript


def test_batches_of_two_writers_stay_whole(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The entries of one append stay together if another was written at the same time."""

    def batch(name: str) -> list[dict[str, Any]]:
        return [{"type": "x", "uuid": f"{name}{number}"} for number in range(4)]

    soon = time.time_ns() // 1000 + 1_000_000
    with JournalSessionStore(journal_dir) as one, JournalSessionStore(journal_dir) as other:
        for store, name in ((one, "a"), (other, "b")):  # what is read at the first append is known
            asyncio.run(store.append(KEY, batch(name)))
        # each writes before it can have read what the other writes
        monkeypatch.setattr(clock.Clock, "observe", lambda *_: None)
        for at, (store, name) in enumerate([(one, "c"), (other, "d")]):
            # the four entries of a batch are a microsecond apart, and so are the batches
            monkeypatch.setattr(clock, "wall", lambda at=at: soon + at)
            asyncio.run(store.append(KEY, batch(name)))
        found = asyncio.run(one.load(KEY))
    assert found == [entry for name in "abcd" for entry in batch(name)]


def test_an_entry_with_a_uuid_is_there_once_and_one_without_each_time(journal_dir: Path) -> None:
    """A batch that is tried again adds only what has no uuid."""
    assert stored(journal_dir, TRANSCRIPT, TRANSCRIPT) == [*TRANSCRIPT, MARKER, TITLE]
    with Projection.open(journal_dir) as projection:
        assert projection.session(NAME).usage["input_tokens"] == 100


def test_the_session_is_shown_searched_and_counted(journal_dir: Path) -> None:
    """Source, title, folder, tools, tokens: as of a session that was imported."""
    stored(journal_dir, TRANSCRIPT)
    with Projection.open(journal_dir) as projection:
        (hit,) = projection.search("quokka", role="user").hits
        assert (hit.session, hit.source) == (NAME, "claude-agent-sdk")
        assert projection.search("lexer", tool="Read").hits
        view = projection.session(KEY["session_id"])  # as the SDK names it
        assert (view.session, view.title, view.cwd) == (NAME, "The quokka", "/home/me/app")
        assert view.usage["output_tokens"] == 20
        roles = [message.role for message in projection.messages(NAME)]
        assert roles == ["user", "assistant", "tool"]


def test_a_session_that_is_also_imported_counts_once(journal_dir: Path, tmp_path: Path) -> None:
    """Its lines have the same uuids and the same words in both."""
    stored(journal_dir, TRANSCRIPT)
    folder = tmp_path / "projects" / KEY["project_key"]
    folder.mkdir(parents=True)
    lines = "".join(json.dumps(entry) + "\n" for entry in TRANSCRIPT)
    (folder / f"{KEY['session_id']}.jsonl").write_text(lines)
    import_all(journal_dir, folder.parent)
    with Projection.open(journal_dir) as projection:
        views = projection.sessions()
        assert sorted(view.session for view in views) == sorted([NAME, KEY["session_id"]])
        assert sum(view.messages for view in views) == 3
        assert projection.usage().total.input_tokens == 100


def test_a_subagent_belongs_to_its_session(journal_dir: Path) -> None:
    """It is a session of its own, below the one that started it."""
    stored(journal_dir, TRANSCRIPT)
    task = {**PROMPT, "isSidechain": True, "uuid": "1c2a8f5e-0000-4000-8000-00000000000a"}
    assert stored(journal_dir, [task], key=SUB) == [task]
    with Projection.open(journal_dir) as projection:
        (view,) = projection.sessions(parent=NAME)
        assert (view.session, view.relation) == (f"{NAME}/{SUB['subpath']}", "subagent")
        assert projection.messages(view.session)[0].fields["meta"] == "task"


ODD: list[dict[str, Any]] = [
    {"type": "x", "uuid": "surrogate", "text": "half a pair: \ud83d"},
    {"type": "x", "uuid": "wide", "number": 2**70},
    {"type": "x", "uuid": "cwd", "cwd": "\ud800"},
    {"type": "user", "uuid": "m1", "message": {"role": "user", "content": "a numbat \ud83d"}},
    {"type": "user", "uuid": "m2", "message": {"role": "\ud83d", "content": ["numbat", 2**65]}},
    {
        "type": "assistant",
        "uuid": "m3",
        "message": {"content": [{"type": "tool_use", "name": "n"}]},
    },
    {
        "type": "assistant",
        "uuid": "m4",
        "message": {
            "content": [{"type": "tool_use", "id": "t", "name": "n", "input": {"n": 2**65}}]
        },
    },
    {"type": "user", "uuid": "m5", "message": {"content": "", "usage": 7}, "content": None},
    {"type": "system", "uuid": "m6", "content": "said", "parts": [2**65], "entry": {"value": 1}},
    {"type": "user", "uuid": "", "timestamp": "yesterday", "message": {"content": [None, 1, "x"]}},
    {"type": "user", "uuid": "m7", "message": {"content": ""}, "timestamp": "2026-11-01"},
    {"type": "assistant", "uuid": "m8", "message": {"content": [], "usage": {"input_tokens": -1}}},
]


@pytest.mark.parametrize("entry", ODD, ids=lambda entry: entry["uuid"] or "none")
def test_what_a_journal_refuses_is_carried(journal_dir: Path, entry: dict[str, Any]) -> None:
    """JSON of Python has lone surrogates and wide integers: the entry comes back equal."""
    assert stored(journal_dir, [entry]) == [entry]
    text = json.dumps(entry)
    if "numbat" in text:
        with Projection.open(journal_dir) as projection:
            assert projection.search("numbat").hits


@pytest.mark.parametrize("value", [(1, 2), b"x", {1: 2}, {"a"}], ids=str)
def test_what_json_would_change_is_refused(journal_dir: Path, value: object) -> None:
    """Nothing of the batch is written."""
    with pytest.raises(EventError, match="JSON does not have"):
        stored(journal_dir, [PROMPT, {"type": "x", "value": value}])
    assert stored(journal_dir) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
PARTS = st.lists(
    JSON
    | st.fixed_dictionaries(
        {"type": st.just("tool_use"), "name": st.sampled_from(["Read", ""])},
        optional={"id": st.text() | st.integers(), "input": JSON, "more": JSON},
    )
    | st.fixed_dictionaries({"type": st.just("tool_result"), "tool_use_id": JSON}),
    max_size=3,
)


@given(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["user", "assistant", "system", "summary"])},
        optional={
            "uuid": JSON,
            "timestamp": JSON | st.datetimes().map(str),
            "cwd": JSON,
            "gitBranch": JSON,
            "parentUuid": JSON,
            "content": JSON,
            "summary": JSON,
            "message": JSON
            | st.fixed_dictionaries(
                {"content": st.text() | PARTS}, optional={"role": JSON, "usage": JSON, "id": JSON}
            ),
        },
    )
)
def test_events_of_any_entry_give_an_equal_entry(entry: dict[str, Any]) -> None:
    """An entry is any JSON: none is changed, and none is taken for another."""
    events = {event["type"]: event["data"] for event in events_of("s", [entry], {}, 0)}
    if ENTRY in events:
        assert held_entry(events[ENTRY]) == entry
    else:
        data = events["message.appended"]
        assert entry_of(data.get("content"), data.get("tool_calls"), data["extra"]) == entry


def test_a_deleted_session_is_gone_and_can_be_appended_again(journal_dir: Path) -> None:
    """The uuids of before are no obstacle: who appends behind the deletion wants them."""

    async def run() -> None:
        async with JournalSessionStore(journal_dir) as store:
            await store.append(KEY, TRANSCRIPT)
            await store.append(SUB, [PROMPT])
            await store.delete(KEY)
            assert await store.load(KEY) is None
            assert await store.list_subkeys(KEY) == []
            assert await store.list_sessions(KEY["project_key"]) == []
            await store.append(KEY, TRANSCRIPT)
            await store.append(KEY, TRANSCRIPT[:1])
        async with JournalSessionStore(journal_dir) as later:
            await later.append(KEY, TRANSCRIPT[:1])
            assert await later.load(KEY) == TRANSCRIPT
            await later.delete(KEY)
            await later.append(KEY, [MARKER])
            assert await later.load(KEY) == [MARKER]
            assert [s["session_id"] for s in await later.list_sessions("-home-me-app")]

    asyncio.run(run())


def test_a_mirror_that_is_late_brings_no_entry_with_a_uuid_back(journal_dir: Path) -> None:
    """A store that was open before the deletion repeats what it had appended.

    An entry without a uuid is a new one each time, as the SDK demands.
    """
    without = [entry for entry in TRANSCRIPT if "uuid" not in entry]

    async def run() -> None:
        async with (
            JournalSessionStore(journal_dir) as mirror,
            JournalSessionStore(journal_dir) as b,
        ):
            await mirror.append(KEY, TRANSCRIPT)
            await b.delete(KEY)
            await mirror.append(KEY, TRANSCRIPT)
            assert await b.load(KEY) == without
            async with JournalSessionStore(journal_dir) as later:
                await later.append(KEY, TRANSCRIPT[:1])
                assert TRANSCRIPT[0] in (await later.load(KEY) or [])

    asyncio.run(run())


def test_names_of_projects_and_sessions_cannot_be_confused(journal_dir: Path) -> None:
    """A slash or a percent sign in a key is part of that key."""
    odd = [("a/b", "c"), ("a", "b/c"), ("a%2Fb", "c"), ("a", "b%2Fc"), ("a", "b")]

    async def run() -> None:
        async with JournalSessionStore(journal_dir) as store:
            for project, session in odd:
                key = {"project_key": project, "session_id": session}
                await store.append(key, [{"type": "x", "n": f"{project} {session}"}])
            for project, session in odd:
                key = {"project_key": project, "session_id": session}
                assert await store.load(key) == [{"type": "x", "n": f"{project} {session}"}]
            listed = await store.list_sessions("a")
            assert sorted(each["session_id"] for each in listed) == ["b", "b%2Fc", "b/c"]

    asyncio.run(run())


def test_two_processes_and_a_killed_one_lose_and_double_nothing(
    journal_dir: Path, start: Callable[..., Popen[str]]
) -> None:
    """What was acknowledged survives `kill -9`, and who tries again adds nothing."""
    entries = [[{"type": "x", "uuid": f"{who}-{n}"} for n in range(20)] for who in range(2)]
    ends = ("closed", "killed")
    processes = [
        start(APPENDER, journal_dir, json.dumps(KEY), json.dumps(own), json.dumps(end))
        for own, end in zip(entries, ends, strict=True)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "appended\n"
    processes[1].kill()
    processes[0].wait(30)
    loaded = stored(journal_dir, entries[1])
    for own in entries:
        assert [entry for entry in loaded if entry in own] == own
    assert len(loaded) == 40


def test_a_slow_disk_does_not_block_the_event_loop(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An append and a load run in threads; the loop turns meanwhile."""

    async def run() -> int:
        async with JournalSessionStore(journal_dir) as store:
            add = store.store.add

            def slow(events: list[dict[str, Any]]) -> None:
                time.sleep(0.2)
                add(events)

            monkeypatch.setattr(store.store, "add", slow)
            task = asyncio.create_task(store.append(KEY, TRANSCRIPT))
            turns = 0
            while not task.done():
                await asyncio.sleep(0.005)
                turns += 1
            return turns

    assert asyncio.run(run()) > 5


def test_an_answer_that_would_lack_events_is_an_error(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK would resume a conversation without its end."""

    async def run() -> None:
        async with JournalSessionStore(journal_dir) as store:
            await store.append(KEY, TRANSCRIPT)
            read = store.store.projection.read

            def behind(query: Callable[..., object], **_: object) -> tuple[object, Freshness]:
                return read(query)[0], Freshness(Behind(9, 3, None, "it hangs"))

            monkeypatch.setattr(store.store.projection, "whole", behind)
            with pytest.raises(NotProjected, match="would lack events"):
                await store.load(KEY)

    asyncio.run(run())


def test_a_store_that_was_given_stays_open(journal_dir: Path) -> None:
    """Who opened a store closes it."""
    with SessionStore.open(journal_dir) as store:
        with JournalSessionStore(store) as sessions:
            asyncio.run(sessions.append(KEY, TRANSCRIPT))
        assert store.session(NAME).title == "The quokka"


def test_summaries_are_those_of_the_sdk(journal_dir: Path) -> None:
    """They are folded again only where a session changed."""
    sdk = pytest.importorskip("claude_agent_sdk")

    async def run() -> None:
        async with JournalSessionStore(journal_dir) as store:
            await store.append(KEY, TRANSCRIPT[:2])
            await store.append({**KEY, "session_id": "other"}, [PROMPT])
            await store.list_session_summaries(KEY["project_key"])
            await store.append(KEY, TRANSCRIPT[2:])
            found = await store.list_session_summaries(KEY["project_key"])
            listed = await store.list_sessions(KEY["project_key"])
            assert [(s["session_id"], s["mtime"]) for s in found] == [
                (s["session_id"], s["mtime"]) for s in listed
            ]
            made = sdk.fold_session_summary(None, KEY, TRANSCRIPT)
            assert next(s for s in found if s["session_id"] != "other")["data"] == made["data"]

    asyncio.run(run())


def test_the_loop_goes_on_while_another_process_decides(journal_dir: Path) -> None:
    """Reads and writes are done in threads."""

    async def work() -> None:
        async with JournalSessionStore(journal_dir) as store:
            await store.append(KEY, TRANSCRIPT)
            await store.load(KEY)
            await store.list_sessions(KEY["project_key"])
            await store.delete(KEY)

    assert longest_gap(journal_dir, work) < 0.2
