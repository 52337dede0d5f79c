"""LangGraph's checkpointers on a journal."""

from __future__ import annotations

import asyncio
import os
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("langgraph.graph")

from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.serde.encrypted import EncryptedSerializer
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.graph import START, MessagesState, StateGraph

from journal import AppendError, Journal
from projector import SessionStore
from projector.adapters.langgraph import AsyncJournalSaver, JournalSaver
from tests.adapters.forked import longest_gap, run_forked
from tests.adapters.recipes import run_example

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from langchain_core.runnables import RunnableConfig

pytestmark = pytest.mark.filterwarnings("default")
THREAD: RunnableConfig = {"configurable": {"thread_id": "t1", "checkpoint_ns": ""}}
TALK = [
    HumanMessage("Why does the tokenizer drop the quokka?", id="m1"),
    AIMessage(
        "The lexer skips it.",
        id="m2",
        usage_metadata={"input_tokens": 30, "output_tokens": 5, "total_tokens": 35},
        response_metadata={"model_name": "m-1"},
    ),
]


@pytest.fixture
def saver(journal_dir: Path) -> Iterator[JournalSaver]:
    """A checkpointer in a new journal."""
    with JournalSaver(journal_dir) as opened:
        yield opened


def checkpoint(id: str, **values: Any) -> Any:
    """Return a checkpoint with values of channels."""
    versions = dict.fromkeys(values, id)
    return empty_checkpoint() | {
        "id": id,
        "channel_values": values,
        "channel_versions": versions,
    }


def put(saver: JournalSaver, id: str, config: RunnableConfig = THREAD, **values: Any) -> Any:
    """Store a checkpoint all of whose channels have changed."""
    made = checkpoint(id, **values)
    return saver.put(config, made, {"source": "loop", "step": 1}, made["channel_versions"])


def test_a_graph_continues_its_thread_and_its_messages_are_a_session(saver: JournalSaver) -> None:
    """What is said in a thread is found, shown and counted once, with LangGraph as its source."""

    def answer(state: MessagesState) -> dict[str, Any]:
        return {"messages": [AIMessage(f"answer {len(state['messages'])}")]}

    graph = StateGraph(MessagesState).add_node("answer", answer).add_edge(START, "answer")
    config: RunnableConfig = {"configurable": {"thread_id": "a/b"}}
    for question in ("Where is the wombat?", "And the numbat?"):
        compiled = graph.compile(checkpointer=JournalSaver(saver.store))
        state = compiled.invoke({"messages": [HumanMessage(question)]}, config)
    assert [message.content for message in state["messages"]] == [
        "Where is the wombat?",
        "answer 1",
        "And the numbat?",
        "answer 3",
    ]
    (session,) = saver.store.sessions(source="langgraph")
    assert session.session == "langgraph:a%2Fb"
    assert session.messages == 4
    said = saver.store.messages(session.session)
    assert [(it.role, it.content) for it in said] == [
        ("user", "Where is the wombat?"),
        ("assistant", "answer 1"),
        ("user", "And the numbat?"),
        ("assistant", "answer 3"),
    ]
    assert [hit.session for hit in saver.store.search("numbat", source="langgraph")] == [
        "langgraph:a%2Fb"
    ]


def test_a_step_that_is_tried_again_adds_nothing(saver: JournalSaver) -> None:
    """Its checkpoint, its messages and its usage are there once, and its first writes stay."""
    for _ in range(2):
        config = put(saver, "1", messages=TALK)
        saver.put_writes(config, [("messages", "first")], "task")
    saver.put_writes(config, [("messages", "second"), ("more", 2)], "task")
    (found,) = saver.list(THREAD)
    assert found.pending_writes == [("task", "messages", "first"), ("task", "more", 2)]
    session = saver.store.session("langgraph:t1")
    assert session.messages == 2
    assert session.usage["input_tokens"] == 30
    assert session.usage["output_tokens"] == 5
    assert len(saver.store.search("quokka")) == 1


def test_a_step_whose_process_died_in_the_middle_is_tried_again(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the write of a step ends, the next try completes it and doubles nothing."""
    append = Journal.append_many
    for last in range(4):
        thread: RunnableConfig = {"configurable": {"thread_id": f"t{last}", "checkpoint_ns": ""}}
        calls = iter(range(100))

        def dying(self: Journal, events: Any, *, last: int = last, calls: Any = calls) -> Any:
            if next(calls) >= last:
                raise AppendError("the process died", [])
            return append(self, events)

        with JournalSaver(journal_dir) as saver:
            monkeypatch.setattr(Journal, "append_many", dying)
            # with enough appends the step succeeds
            try:
                put(saver, "1", thread, messages=TALK)
            except AppendError:
                assert saver.get_tuple(thread) is None
        monkeypatch.setattr(Journal, "append_many", append)
        with JournalSaver(journal_dir) as saver:
            put(saver, "1", thread, messages=TALK)
            assert len(list(saver.list(thread))) == 1
            session = saver.store.session(f"langgraph:t{last}")
            assert session.messages == 2
            assert session.usage["input_tokens"] == 30


def write_steps(path: Path, name: str) -> None:
    """Write steps of an own thread, and of one that others write to."""
    with JournalSaver(path) as saver:
        for step in range(20):
            thread: RunnableConfig = {"configurable": {"thread_id": name, "checkpoint_ns": ""}}
            put(saver, f"{step:03}", thread, messages=[HumanMessage(f"say {step}", id=f"m{step}")])
            put(saver, f"{name}-{step:03}", THREAD, count=step)


def test_processes_share_a_journal_and_a_thread(journal_dir: Path) -> None:
    """Nothing is lost, doubled or mixed where two processes write at once."""
    run_forked(write_steps, journal_dir)
    with JournalSaver(journal_dir) as saver:
        for name in ("a", "b"):
            thread: RunnableConfig = {"configurable": {"thread_id": name, "checkpoint_ns": ""}}
            found = list(saver.list(thread))
            assert [it.checkpoint["id"] for it in found] == [f"{n:03}" for n in range(19, -1, -1)]
        shared = [it.checkpoint["id"] for it in saver.list(THREAD)]
        assert sorted(shared) == [f"{name}-{n:03}" for name in "ab" for n in range(20)]


def test_values_come_back_equal(saver: JournalSaver) -> None:
    """What JSON has not is carried: sets, bytes, dates, keys that are no texts."""
    values = {
        "set": {1, 2},
        "bytes": b"\x00\xff" * 1000,
        "date": datetime(2026, 11, 28, 3, 4, 5, 678, tzinfo=UTC),
        "large": 2**64 - 1,
        "keys": {1: "one", 2: "two"},
        "infinite": float("inf"),
        "nothing": None,
    }
    put(saver, "1", **values)
    found = saver.get_tuple(THREAD)
    assert found is not None
    assert found.checkpoint["channel_values"] == values


def test_a_value_that_no_record_can_hold_is_stored_in_parts(saver: JournalSaver) -> None:
    """A record holds at most 16 MiB."""
    value = os.urandom(13 * 1024 * 1024)
    put(saver, "1", large=value)
    found = saver.get_tuple(THREAD)
    assert found is not None
    assert found.checkpoint["channel_values"]["large"] == value


def test_a_channel_that_did_not_change_is_stored_once(saver: JournalSaver) -> None:
    """The journal grows by what changed, also if another process continues the thread."""
    state = [f"line {n} of the state" for n in range(20_000)]
    made = checkpoint("000", state=state, step=0)
    saver.put(THREAD, made, {}, made["channel_versions"])
    whole = size(saver)
    for step in range(1, 20):
        made = made | {"id": f"{step:03}"}
        made["channel_values"] = {"state": state, "step": step}
        made["channel_versions"] = made["channel_versions"] | {"step": step}
        saver.put(THREAD, made, {}, {"step": step})
    assert size(saver) < 1.3 * whole
    last = saver.get_tuple(THREAD)
    assert last is not None
    assert last.checkpoint["channel_values"] == {"state": state, "step": 19}
    assert len(saver.store.search("state")) == 0, "no checkpoint is in the full-text index"


def size(saver: JournalSaver) -> int:
    """Return how many bytes the journal has."""
    return sum(path.stat().st_size for path in saver.store.journal.path.rglob("*.jsonl"))


class _Cipher:
    """Replaces bytes, so that no text can be read."""

    def encrypt(self, plaintext: bytes) -> tuple[str, bytes]:
        return "swapped", bytes(byte ^ 0xAA for byte in plaintext)

    def decrypt(self, ciphername: str, ciphertext: bytes) -> bytes:
        assert ciphername == "swapped"
        return bytes(byte ^ 0xAA for byte in ciphertext)


def test_of_an_encrypted_checkpoint_nothing_is_in_clear_text(journal_dir: Path) -> None:
    """Its messages are not in the index, either."""
    serde = EncryptedSerializer(_Cipher(), JsonPlusSerializer())
    with JournalSaver(journal_dir, serde=serde) as saver:
        put(saver, "1", messages=TALK)
        found = saver.get_tuple(THREAD)
        assert found is not None
        assert found.checkpoint["channel_values"] == {"messages": TALK}
        assert not saver.store.search("quokka")
    assert not any(b"quokka" in path.read_bytes() for path in journal_dir.rglob("*.jsonl"))


def test_messages_that_an_agent_takes_back_leave_its_transcript(saver: JournalSaver) -> None:
    """A transcript follows the channel: an edit is a revision, what is gone is archived."""
    put(saver, "1", messages=TALK)
    edited = [HumanMessage("Why does the parser drop the quokka?", id="m1")]
    put(saver, "2", messages=edited)
    assert [it.content for it in saver.store.messages("langgraph:t1")] == [edited[0].content]


def test_a_subgraph_has_a_session_below_that_of_its_thread(saver: JournalSaver) -> None:
    """Its messages are no messages of the thread."""
    put(saver, "1", messages=TALK)
    below: RunnableConfig = {"configurable": {"thread_id": "t1", "checkpoint_ns": "child:7"}}
    put(saver, "1", below, messages=[HumanMessage("look", id="c1")])
    child = saver.store.session("langgraph:t1/child:7")
    assert (child.parent, child.relation, child.messages) == ("langgraph:t1", "subagent", 1)
    assert saver.store.session("langgraph:t1").messages == 2


def test_a_deleted_thread_is_gone_and_can_begin_again(saver: JournalSaver) -> None:
    """Its messages, too, are not found any more; a new run with the same ids is."""
    put(saver, "1", messages=TALK)
    saver.delete_thread("t1")
    assert saver.get_tuple(THREAD) is None
    assert not saver.store.search("quokka")
    put(saver, "1", messages=TALK)
    found = saver.get_tuple(THREAD)
    assert found is not None
    assert found.checkpoint["channel_values"] == {"messages": TALK}
    assert len(saver.store.search("quokka")) == 1


def test_what_a_step_left_that_was_cut_off_is_deleted_with_its_thread(
    saver: JournalSaver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its messages may be there before its checkpoint."""

    def dying(*_: object) -> None:
        raise AppendError("the process died", [])

    monkeypatch.setattr(JournalSaver, "_set", dying)
    with pytest.raises(AppendError):
        put(saver, "1", messages=TALK)
    assert len(saver.store.search("quokka")) == 1
    saver.delete_thread("t1")
    assert not saver.store.search("quokka")


def test_pruning_keeps_what_a_delta_channel_is_read_from(saver: JournalSaver) -> None:
    """The last snapshot of such a channel and the writes behind it are still there."""
    config = THREAD
    for step in range(5):
        values = {"count": step} | ({"log": ["snapshot"]} if step == 2 else {})
        made = checkpoint(f"{step}", **values)
        config = saver.put(
            config,
            made,
            {"counters_since_delta_snapshot": {"log": (1, 1)}},
            made["channel_versions"],
        )
        saver.put_writes(config, [("log", f"w{step}")], "task")
    before = saver.get_delta_channel_history(config=config, channels=["log"])
    saver.prune(["t1"])
    assert [it.checkpoint["id"] for it in saver.list(THREAD)] == ["4", "3", "2"]
    assert saver.get_delta_channel_history(config=config, channels=["log"]) == before
    assert [write[2] for write in before["log"]["writes"]] == ["w2", "w3"]


def test_pruning_removes_the_values_that_only_older_checkpoints_have(saver: JournalSaver) -> None:
    """What the last checkpoint shares with them stays."""
    large, shared = "x" * 5000 + "old", [f"shared {n}" for n in range(1000)]
    put(saver, "1", state=large, shared=shared)
    put(saver, "2", state="new", shared=shared)
    saver.prune(["t1"])
    (found,) = saver.list(THREAD)
    assert found.checkpoint["channel_values"] == {"state": "new", "shared": shared}
    blobs = saver.store.keys.ask(lambda keys: keys.names("b/", namespace="@langgraph:t1"))
    assert len(blobs) == 1


class _Noting(JsonPlusSerializer):
    """Notes in which threads values are serialized."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: set[int] = set()

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        self.threads.add(threading.get_ident())
        typed: tuple[str, bytes] = super().dumps_typed(obj)
        return typed


def test_coroutines_work_in_other_threads_and_plain_methods_are_refused(journal_dir: Path) -> None:
    """The event loop is never blocked, also by the opening of the journal."""
    serde = _Noting()

    async def run() -> None:
        async with AsyncJournalSaver(journal_dir, serde=serde) as saver:
            made = checkpoint("1", messages=TALK)
            configs = await asyncio.gather(
                *(
                    saver.aput(THREAD, made | {"id": f"{n}"}, {}, {"messages": "1"})
                    for n in range(9)
                )
            )
            await asyncio.gather(*(saver.aput_writes(it, [("c", 1)], "t") for it in configs))
            assert [it.checkpoint["id"] async for it in saver.alist(THREAD, limit=2)] == ["8", "7"]
            with pytest.raises(asyncio.InvalidStateError, match="await aget_tuple"):
                saver.get_tuple(THREAD)

    asyncio.run(run())
    assert serde.threads
    assert threading.get_ident() not in serde.threads


def test_event_loops_share_a_checkpointer(journal_dir: Path) -> None:
    """Each loop in its own thread: a checkpointer belongs to none of them."""
    with SessionStore.open(journal_dir) as store:
        saver = AsyncJournalSaver(store)

        async def run(name: str) -> None:
            for step in range(5):
                made = checkpoint(f"{name}{step}", count=step)
                await saver.aput(THREAD, made, {}, made["channel_versions"])

        threads = [threading.Thread(target=lambda n=name: asyncio.run(run(n))) for name in "abc"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len(list(JournalSaver(store).list(THREAD))) == 15
        saver.close()
        store.keys.get("a given store stays open")


def test_the_example_of_the_docs_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is written, with a graph whose model answers one thing."""
    builder = StateGraph(MessagesState)
    builder.add_node("model", lambda _: {"messages": [AIMessage("In line three.")]})
    builder.add_edge(START, "model")
    run_example("LangGraph", monkeypatch, tmp_path, builder=builder)
    with SessionStore.open(tmp_path / "agents") as store:
        assert [message.content for message in store.messages("langgraph:t1")] == [
            "Where is the bug?",
            "In line three.",
        ]


def test_the_loop_goes_on_while_another_process_decides(journal_dir: Path) -> None:
    """Reads and writes are done in threads."""

    async def work() -> None:
        async with AsyncJournalSaver(journal_dir) as saver:
            made = checkpoint("c1", messages=TALK)
            versions = made["channel_versions"]
            await saver.aput(THREAD, made, {"source": "loop", "step": 1}, versions)
            assert await saver.aget_tuple(THREAD) is not None
            await saver.adelete_thread("t1")

    assert longest_gap(journal_dir, work) < 0.2
