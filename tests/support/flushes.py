"""Random conversations that are flushed, and the rules that must hold after each flush."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from journal.errors import AppendError
from journal.fs.directory import open_directory
from projector import FlushReport, NotFound, SessionStore
from projector.run.build import rebuild
from tests.support.skewed import SkewedClock, Ticking, elsewhere, offset

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from projector import Listing, MessageView

Message = dict[str, Any]
SESSION = "s1"
_WORDS = ("yes", "no", "go on", "done", "why?", "because")
_ROLES = ("user", "assistant")
_START = 1_750_000_000 * 10**9
"""The time at which a conversation begins, nanoseconds since 1970."""
_PATIENCE = 20
"""Reads after which a projection that is still behind is an error."""


@dataclass(slots=True)
class Agent:
    """A handle, the list of its caller, and the messages that it flushed or read before.

    Attributes:
        store: the handle.
        talk: the list that the next flush gets.
        own: ids that it flushed, or read before it flushed anything.
        flushed: for each id that it flushed, the content of the last flush.
    """

    store: SessionStore
    talk: list[Message] = field(default_factory=list)
    own: set[str] = field(default_factory=set)
    flushed: dict[str, Any] = field(default_factory=dict)


class Conversation:
    """A session that several agents flush while others write to it; checked after each flush.

    Attributes:
        done: how often each kind of change was made.
    """

    def __init__(self, folder: Path, random: Random) -> None:
        self.done: Counter[str] = Counter()
        self._folder, self._random = folder, random
        # the clocks have random numbers of their own: a look more or less changes nothing else
        self._chance = Random(random.random())  # noqa: S311 - a test case
        self._right = Ticking(self._chance, _START)
        self._stores = ExitStack()
        self._observer = self._open()
        self._other = self._open()
        self._agents = [self._agent() for _ in range(2)]
        self._has_ids = random.random() < 1 / 3
        self._number = 0
        self._first: dict[str, Any] = {}

    def _open(self) -> SessionStore:
        """Open a handle as another process with a wrong clock does."""
        clock = SkewedClock(self._chance, self._right)
        store = elsewhere(lambda: SessionStore.open(self._folder, fsync="never"), clock)
        self._stores.callback(store.close)
        return store

    def _agent(self) -> Agent:
        return Agent(self._open())

    def run(self, steps: int) -> None:
        """Make random changes and flushes; close all handles at the end.

        Raises:
            AssertionError: a rule of flush is broken.
        """
        with self._stores:
            for agent in self._random.choices(self._agents, k=steps):
                self._change(agent)
                self._flush(agent)
            digest = self._observer.projection.digest()
        rebuild(open_directory(self._folder))
        with SessionStore.open(self._folder) as fresh:
            assert fresh.projection.digest() == digest

    # changes of a list, and changes by others

    def _change(self, agent: Agent) -> None:
        changes = {
            "append": self._append,
            "undo": self._undo,
            "regenerate": self._regenerate,
            "edit": self._edit,
            "insert": self._insert,
            "in front": self._in_front,
            "window": self._window,
            "compress": self._compress,
            "stream": self._stream,
            "swap": self._swap,
            "reverse": self._reverse,
            "shuffle": self._shuffle,
            "resume": self._resume,
            "new handle": self._new_handle,
            "rewind": self._rewind,
            "clear": self._clear,
            "delete": self._delete,
            "take out": self._take_out,
            "revise": self._revise,
            "replace": self._replace,
            "others": self._others,
            "take over": self._take_over,
        }
        weights = (6, 2, 2, 1, 2, 1, 2, 2, 3, 1, 0.5, 0.5, 1, 1, 1, 0.3, 0.2, 1, 1, 1, 2, 1)
        [name] = self._random.choices(list(changes), weights)
        self.done[name] += 1
        changes[name](agent)

    def _message(self, text: str | None = None) -> Message:
        self._number += 1
        if text is None:
            is_common = self._random.random() < 1 / 2
            text = self._random.choice(_WORDS) if is_common else f"words {self._number}"
        message: Message = {"role": self._random.choice(_ROLES), "content": text}
        if self._has_ids and self._random.random() < 2 / 3:
            message["id"] = f"m{self._number}"
            if self._random.random() < 1 / 8:
                message["parent"] = f"m{self._number + self._random.randint(-9, 1)}"
        if self._random.random() < 1 / 12:
            wrong = offset(self._random) if self._random.random() < 1 / 2 else 0
            message["timestamp"] = (self._right() + wrong) // 1000
        if self._random.random() < 1 / 20:
            message["extra"] = {"odd": self._random.choice(["\ud800", float("nan"), 2**70])}
        return message

    def _place(self, agent: Agent) -> int:
        return self._random.randrange(len(agent.talk) + 1)

    def _append(self, agent: Agent) -> None:
        agent.talk += [self._message() for _ in range(self._random.randint(1, 3))]

    def _undo(self, agent: Agent) -> None:
        del agent.talk[max(0, len(agent.talk) - self._random.randint(1, 3)) :]

    def _regenerate(self, agent: Agent) -> None:
        self._undo(agent)
        self._append(agent)

    def _edit(self, agent: Agent) -> None:
        if agent.talk:
            at = self._random.randrange(len(agent.talk))
            agent.talk[at] = agent.talk[at] | {"content": self._message()["content"]}

    def _insert(self, agent: Agent) -> None:
        at = self._place(agent)
        agent.talk[at:at] = [self._message() for _ in range(self._random.randint(1, 3))]

    def _in_front(self, agent: Agent) -> None:
        self._number += 1
        agent.talk.insert(0, {"role": "system", "content": f"prompt {self._number}"})

    def _window(self, agent: Agent) -> None:
        del agent.talk[: self._random.randint(1, 3)]
        self._append(agent)

    def _compress(self, agent: Agent) -> None:
        agent.talk[: self._random.randint(1, 4)] = [self._message()]

    def _stream(self, agent: Agent) -> None:
        message = self._message("So")
        for n in range(self._random.randint(1, 3)):
            self._flush(agent, [*agent.talk, message])
            message = message | {"content": f"{message['content']} and {n}"}
        agent.talk.append(message)

    def _swap(self, agent: Agent) -> None:
        if len(agent.talk) > 1:
            at = self._random.randrange(len(agent.talk) - 1)
            agent.talk[at : at + 2] = reversed(agent.talk[at : at + 2])

    def _reverse(self, agent: Agent) -> None:
        agent.talk.reverse()

    def _shuffle(self, agent: Agent) -> None:
        self._random.shuffle(agent.talk)

    def _resume(self, agent: Agent) -> None:
        """Let a new handle continue with a list that it read."""
        agent.store.close()
        agent.store, agent.own, agent.flushed = self._open(), set(), {}
        found: list[MessageView] = []
        with suppress(NotFound):
            found = agent.store.messages(SESSION)
        agent.own = {message.id for message in found}
        agent.talk = [{"role": m.role, "content": m.content, "id": m.id} for m in found]
        self._undo(agent)

    def _new_handle(self, agent: Agent) -> None:
        agent.store.close()
        agent.store, agent.own, agent.flushed = self._open(), set(), {}

    def _rewind(self, agent: Agent) -> None:
        transcript = self._transcript()
        if transcript:
            agent.store.rewind(SESSION, self._random.choice(list(transcript)))

    def _clear(self, agent: Agent) -> None:
        agent.store.clear(SESSION)

    def _delete(self, _agent: Agent) -> None:
        self._other.delete(SESSION)

    def _take_out(self, _agent: Agent) -> None:
        transcript = list(self._transcript())
        some = self._random.sample(transcript, min(len(transcript), self._random.randint(1, 3)))
        way = self._random.choice([self._other.remove_messages, self._other.archive_messages])
        way(SESSION, some)

    def _revise(self, _agent: Agent) -> None:
        transcript = list(self._transcript())
        if transcript:
            text = self._message()["content"]
            self._other.revise_message(SESSION, self._random.choice(transcript), content=text)

    def _replace(self, agent: Agent) -> None:
        """Let an agent make new messages and some of the transcript the whole transcript."""
        transcript = self._transcript()
        kept = list(transcript)[-2:]
        if self._random.random() < 1 / 2:
            kept = self._random.sample(list(transcript), self._random.randint(0, len(transcript)))
        talk = [{"id": id, "role": transcript[id][0], "content": transcript[id][1]} for id in kept]
        new: list[Message] = [{"role": "system", "content": self._message()["content"]}]
        if self._random.random() < 1 / 2:
            new += [self._message() for _ in range(self._random.randint(0, 2))]
        new = [{name: value for name, value in m.items() if name != "extra"} for m in new]
        for message in new:
            talk.insert(self._random.choice([0, self._random.randint(0, len(talk))]), message)
        listed = [{"id": m["id"]} if m.get("id") in kept else m for m in talk]
        rest = self._random.choice(["removed", "archived"])
        ids = agent.store.replace_messages(SESSION, listed, rest=rest)
        assert list(self._transcript()) == ids, f"replaced by {listed}: {ids}"
        agent.talk = [m | {"id": id} if id in kept else m for id, m in zip(ids, talk, strict=True)]
        agent.own |= set(ids)

    def _others(self, _agent: Agent) -> None:
        for _ in range(self._random.randint(1, 2)):
            message = self._message()
            self._other.append(SESSION, message["role"], message["content"])

    def _take_over(self, agent: Agent) -> None:
        """Give an agent the list of the other agent."""
        [other] = [one for one in self._agents if one is not agent]
        agent.talk = list(other.talk)

    # a flush, and its checks

    def _flush(self, agent: Agent, talk: Sequence[Message] | None = None) -> None:
        talk = list(agent.talk if talk is None else talk)
        self.done["flush"] += 1
        if self._random.random() < 1 / 6:
            self._flush_in_part(agent, talk)
        before = self._transcript()
        report = agent.store.flush(SESSION, talk)
        if self._random.random() < 1 / 3:
            self.done["twice"] += 1
            again = agent.store.flush(SESSION, talk)
            assert again == FlushReport(ids=again.ids, kept=again.ids), f"again: {again}"
            assert len(again.kept) == len(talk)
        after = self._transcript()
        check(talk, before, after, report, agent.own, self._first | agent.flushed)
        agent.own |= set(report.ids)
        agent.flushed |= dict(zip(report.ids, map(content_of, talk), strict=True))
        self._check_again(talk, after, report)

    def _flush_in_part(self, agent: Agent, talk: Sequence[Message]) -> None:
        """Let a process die in the write of a flush, with any number of its events written."""
        self.done["in part"] += 1
        journal = agent.store.journal
        write = journal.append_many

        def in_part(events: Sequence[Mapping[str, Any]]) -> Any:  # noqa: ANN401 - never returns
            write(events[: self._random.randint(0, len(events))])
            raise AppendError("the process died", ())

        with patch.object(journal, "append_many", in_part):
            try:
                agent.store.flush(SESSION, talk)
            except AppendError:
                if self._random.random() < 1 / 2:
                    self._new_handle(agent)

    def _check_again(
        self, talk: Sequence[Message], after: Mapping[str, Any], report: FlushReport
    ) -> None:
        """Flush the same list with a new handle: nothing is added or hidden."""
        # others revised these messages, and a new handle does not know the list's older contents
        is_old = [after[id] for id in report.ids] != [content_of(message) for message in talk]
        if not is_old and self._random.random() < 1 / 4:
            self.done["by a new handle"] += 1
            with closing(self._open()) as fresh:
                again = fresh.flush(SESSION, talk)
            # of two equal messages, one of another writer, either may be matched with the list's
            assert again == FlushReport(ids=again.ids, kept=again.ids), (
                f"new handle: {again}, {report}"
            )
            assert [after[id] for id in again.ids] == [content_of(message) for message in talk]
            assert list(self._transcript().items()) == list(after.items())

    def _transcript(self) -> dict[str, Any]:
        """Return the transcript that all readers see: role and content by id, in order."""
        found = self._seen()
        assert len({message.id for message in found}) == len(found)
        transcript = {message.id: (message.role, message.content) for message in found}
        self._first = transcript | self._first
        return transcript

    def _seen(self) -> Listing[MessageView] | list[MessageView]:
        """Return the messages after all events are applied, perhaps by another handle."""
        for _ in range(_PATIENCE):
            try:
                found = self._observer.messages(SESSION)
            except NotFound as error:
                if error.behind is None:
                    return []
            else:
                if found.behind is None:
                    return found
        raise AssertionError("the projection stays behind")


def content_of(message: Message) -> tuple[str, Any]:
    """Return the role and the content of a message."""
    return message["role"], message["content"]


def check(
    talk: Sequence[Message],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    report: FlushReport,
    own: set[str],
    earlier: Mapping[str, Any],
) -> None:
    """Check a flush against its rules.

    Args:
        talk: the list.
        before: the transcript before: role and content by id, in order.
        after: the transcript after it.
        report: the report of the flush.
        own: ids that the handle flushed, or read before it flushed anything.
        earlier: content of messages when the handle flushed them last, or else their first
            content: a list that still has it reverts no revision of others.

    Raises:
        AssertionError: the rule is broken.
    """
    listed = [content_of(message) for message in talk]
    context = f"\n  list {listed}\n  before {before}\n  after {after}\n  {report}"
    # the list is in the transcript, each message once, in its order
    assert len(report.ids) == len(talk) == len(set(report.ids)), f"ids{context}"
    for id, wanted in zip(report.ids, listed, strict=True):
        is_old = wanted == earlier.get(id) and id not in report.added
        assert after[id] == wanted or is_old, f"the content of {id}{context}"
    assert is_ordered(report.ids, after), f"the order of the list{context}"
    # each message of the list is in exactly one field of the report
    parts = (report.added, report.restored, report.revised, report.kept)
    assert sorted(id for part in parts for id in part) == sorted(report.ids), f"parts{context}"
    assert {*report.revised, *report.kept} <= before.keys(), f"kept{context}"
    assert not before.keys() & {*report.added, *report.restored}, f"added{context}"
    assert all(before[id] == after[id] for id in report.kept), f"kept unchanged{context}"
    given = {message["id"]: i for i, message in enumerate(talk) if "id" in message}
    assert all(report.ids[i] == id for id, i in given.items()), f"ids that were given{context}"
    # messages that are not in the list
    places = {id: place for place, id in enumerate(before)}
    common = [id for id in report.ids if id in before]
    behind = max((places[id] for id in common if id not in report.moved), default=len(before))
    gone = [id for id in before if id not in after]
    assert sorted(gone) == sorted(report.hidden), f"hidden{context}"
    left = [id for id in before if id not in report.ids]
    if not report.moved:
        expected = [id for id in left if places[id] > behind and id in own]
        assert gone == expected, f"hidden, not {expected}{context}"
    assert set(gone) <= own, f"hidden of others{context}"
    stays = [id for id in left if id not in gone]
    assert is_ordered(stays, after), f"the order of the others{context}"
    assert all(after[id] == before[id] for id in stays), f"the content of the others{context}"
    assert set(after) == {*report.ids, *stays}, f"the whole transcript{context}"
    # a list that has all messages of the handle duplicates none, unless it may be a window
    is_plain = not given and not any("extra" in message for message in talk)
    if is_plain and is_reordered(listed, before, own):
        assert not left, f"{left} are in it twice{context}"
    # no message is added that could be one of the transcript
    if not given:
        alike = common_length(listed, list(before.values()))
        assert len(report.kept) >= alike, f"{alike} could be kept{context}"


def is_reordered(listed: Sequence[Any], before: Mapping[str, Any], own: set[str]) -> bool:
    """Return whether a list is a permutation of a transcript of the handle's own messages.

    It is none if some first messages may have left a window and be new at its end: then they come
    after all the others, and both parts keep their order.
    """
    transcript = list(before.values())
    if not before.keys() <= own or Counter(map(repr, transcript)) - Counter(map(repr, listed)):
        return False
    turned = (transcript[start:] + transcript[:start] for start in range(1, len(transcript)))
    return not any(common_length(listed, items) == len(items) for items in turned)


def is_ordered(ids: Sequence[str], transcript: Mapping[str, Any]) -> bool:
    """Return whether ids occur in a transcript in their order."""
    places = {id: place for place, id in enumerate(transcript)}
    return all(places[one] < places[other] for one, other in pairwise(ids))


def common_length(one: Sequence[object], other: Sequence[object]) -> int:
    """Return the length of the longest common subsequence."""
    row = [0] * (len(other) + 1)
    for item in one:
        above, row = row, [0]
        for j, other_item in enumerate(other):
            row.append(above[j] + 1 if item == other_item else max(above[j + 1], row[j]))
    return row[-1]
