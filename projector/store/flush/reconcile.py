"""Which message of a list is which of a transcript: pure functions."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from projector.store.flush.align import align
from projector.store.flush.words import SAID, Words, digest, grows, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from projector.store.flush.handed import Handed
    from projector.store.flush.standing import Known, Standing

_SYSTEM = ("system", "developer")
"""Roles of a message that stands in front of a conversation, and is written anew for each turn."""


@dataclass(slots=True)
class Held:
    """What a handle knows of the caller's own list, from what it flushed or read before.

    Attributes:
        words: of each message that was in it what it said there; None for one that was read.
        last: id and fields of the message that was its last.
    """

    words: dict[str, Words | None] = field(default_factory=dict)
    last: tuple[str, Mapping[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """A message of the transcript to be.

    Attributes:
        id: its id.
        known: the message as it stands; None for a new one.
        handed: the message as it was handed over; None for one that the list has not.
        stays: whether it stands where it stood.
    """

    id: str
    known: Known | None
    handed: Handed | None
    stays: bool


@dataclass(slots=True)
class Plan:
    """What a flush does.

    Attributes:
        ids: the id of each message of the list.
        added, restored, kept: those that are new, that come back, that are there as they are.
        fields: of those that are to say something else, the fields that say it.
        hidden: those that are to be archived.
        before: the message in front of the first slot; None if that is the first of all.
        slots: the transcript to be, from the first message that does not stay as it is.
    """

    ids: list[str]
    added: list[str] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    fields: dict[str, dict[str, Any]] = field(default_factory=dict)
    hidden: list[str] = field(default_factory=list)
    before: Known | None = None
    slots: list[Slot] = field(default_factory=list)


def reconcile(handed: Sequence[Handed], standing: Standing, held: Held) -> Plan:
    """Say how a transcript becomes one that has the messages of a list in their order.

    Args:
        handed: the list.
        standing: what stands.
        held: what the handle flushed or read before.
    """
    return _Reconciliation(handed, standing, held).plan()


class _Reconciliation:
    """One list beside one transcript.

    `_at` has the index in the transcript of each message of the list that stands there, in the
    order of both; `_moved` of each that stands there in another order.
    """

    def __init__(self, handed: Sequence[Handed], standing: Standing, held: Held) -> None:
        self._handed, self._standing, self._held = handed, standing, held
        self._there = standing.transcript()
        self._given = {message.id for message in handed if message.id is not None}
        self._at: dict[int, int] = {}
        self._moved: dict[int, int] = {}
        self._ids: list[str] = []

    def plan(self) -> Plan:
        self._align()
        if len(self._at) < len(self._handed):
            self._find_by_id()
            self._find_grown()
            self._find_edited()
            self._find_moved()
        self._name()
        plan = Plan(self._ids)
        self._sort(plan)
        plan.hidden = self._hidden()
        self._lay_out(plan, frozenset(plan.hidden))
        return plan

    def _align(self) -> None:
        """Pair what says the same; then, in the gaps, what said the same before it was revised."""
        handed, there = self._handed, self._there
        start = 0
        for message, known in zip(handed, there, strict=False):
            if not self._is_same(message, known):
                break
            start += 1
        pairs = align(
            len(handed) - start,
            len(there) - start,
            lambda i, j: self._is_same(handed[start + i], there[start + j]),
            lambda i: _label(handed[start + i]),
            lambda j: self._labels(there[start + j]),
        )
        self._at = {i: i for i in range(start)}
        self._at |= {start + i: start + j for i, j in pairs}
        if len(self._at) == len(handed):
            return
        ends = [(-1, -1), *self._at.items(), (len(handed), len(there))]
        for (i, j), (next_i, next_j) in pairwise(ends):
            mine = [n for n in range(i + 1, next_i) if handed[n].id is None]
            theirs = [n for n in range(j + 1, next_j) if self._said_other(there[n])]
            if mine and theirs:
                self._align_earlier(mine, theirs)

    def _align_earlier(self, mine: list[int], theirs: list[int]) -> None:
        earlier = [self._earlier(self._there[j]) for j in theirs]
        pairs = align(
            len(mine),
            len(theirs),
            lambda i, j: self._handed[mine[i]].words in earlier[j],
            lambda i: self._handed[mine[i]].words,
            lambda j: earlier[j],
        )
        self._at |= {mine[i]: theirs[j] for i, j in pairs}

    def _earlier(self, known: Known) -> tuple[Words | None, ...]:
        """Return what a message said when it was appended, and when it was handed over last."""
        return tuple({known.first, self._held.words.get(known.id)})

    def _said_other(self, known: Known) -> bool:
        held = self._held.words.get(known.id)
        said = known.first != known.words or (held is not None and held != known.words)
        return said and known.id not in self._given

    def _is_same(self, message: Handed, known: Known) -> bool:
        if message.id is not None:
            return message.id == known.id
        return _says(message, known) and known.id not in self._given

    def _labels(self, known: Known) -> tuple[object, ...]:
        if known.id in self._given:
            return (known.id,)
        if known.refused is None:
            return (known.words,)
        return tuple({m.words for m in self._handed if digest(m.data) == known.refused})

    def _is_own(self, known: Known) -> bool:
        return known.id in self._held.words

    def _find_by_id(self) -> None:
        places = {known.id: j for j, known in enumerate(self._there)}
        for i, message in enumerate(self._handed):
            if i not in self._at and message.id is not None and message.id in places:
                self._moved[i] = places[message.id]

    def _find_grown(self) -> None:
        """Pair the message that was last in the list of before with one that goes on from it."""
        if self._held.last is None:
            return
        id, data = self._held.last
        last_i, last_j = max(self._at.items(), default=(-1, -1))
        behind = range(len(self._there) - 1, last_j, -1)
        i, j = last_i + 1, next((j for j in behind if self._there[j].id == id), -1)
        if j < 0 or i >= len(self._handed) or i in self._moved or j in self._moved.values():
            return
        message = self._handed[i]
        # it must still say what was handed over: what somebody else revised is not ours to go on
        if message.id is None and self._there[j].words == words(data) and grows(data, message.data):
            self._at[i] = j

    def _find_edited(self) -> None:
        """Pair messages between two common ones that stand where as many others stood."""
        pairs = sorted(self._at.items())
        taken = set(self._moved.values())
        for (i, j), (next_i, next_j) in pairwise(pairs):
            if next_i - i > 1:
                mine = [n for n in range(j + 1, next_j) if self._is_free(n, taken)]
                self._pair(range(i + 1, next_i), mine)
        # a system prompt is made anew for every turn: it is the same one
        if pairs and min(pairs[0]) > 0 and self._there[0].words.role in _SYSTEM:
            self._pair([0], [n for n in (0,) if self._is_free(n, taken)])

    def _is_free(self, j: int, taken: set[int]) -> bool:
        return j not in taken and self._is_own(self._there[j])

    def _pair(self, mine: Sequence[int], theirs: Sequence[int]) -> None:
        if len(mine) == len(theirs) and all(
            self._is_edited(self._handed[i], self._there[j])
            for i, j in zip(mine, theirs, strict=True)
        ):
            self._at |= dict(zip(mine, theirs, strict=True))

    def _is_edited(self, message: Handed, known: Known) -> bool:
        new, old = message.words, known.words
        return (
            message.id is None
            and known.id not in self._given
            and (new.role, new.tool_call_id) == (old.role, old.tool_call_id)
        )

    def _find_moved(self) -> None:
        """Find messages of the same words at another place between the same common ones."""
        if len(self._at) == len(self._handed):
            return
        (first_i, first_j), (last_i, last_j) = (
            choose(self._at.items(), default=(0, 0)) for choose in (min, max)
        )
        taken = {*self._at.values(), *self._moved.values()}
        left: defaultdict[Words, list[int]] = defaultdict(list)
        for j in range(last_j - 1, first_j, -1):
            known = self._there[j]
            if j not in taken and self._is_own(known) and known.id not in self._given:
                left[known.words].append(j)
        for i in range(first_i + 1, last_i):
            message = self._handed[i]
            if i not in self._at and message.id is None and left.get(message.words):
                self._moved[i] = left[message.words].pop()

    def _name(self) -> None:
        """Give every message an id: that of the one that it is, or one made of what it is behind.

        The id of a new message without one is made of its words and the id of the message in
        front of it in the list: whoever flushes the same list again makes the same.
        """
        there = self._there
        found = self._at | self._moved
        if len(found) == len(self._handed):
            self._ids = [there[found[i]].id for i in range(len(found))]
            return
        places = {known.id: j for j, known in enumerate(there)}
        taken = {there[j].id for j in found.values()} | self._given
        before = ""
        for i, message in enumerate(self._handed):
            j = found.get(i)
            if j is not None:
                before = there[j].id
            elif message.id is not None:
                before = message.id
            else:
                before = next(
                    id
                    for id in _names(self._standing.epoch, before, digest(message.data))
                    if id not in taken and self._may_be(message, id)
                )
                taken.add(before)
                if before in places:
                    self._moved[i] = places[before]
            self._ids.append(before)

    def _may_be(self, message: Handed, id: str) -> bool:
        known = self._standing.messages.get(id)
        return known is None or _says(message, known)

    def _sort(self, plan: Plan) -> None:
        """Say of each message of the list what becomes of it."""
        messages = self._standing.messages
        for id, message in zip(self._ids, self._handed, strict=True):
            known = messages.get(id)
            if known is None:
                plan.added.append(id)
                continue
            fields = {} if _says(message, known) else self._changed(message, known)
            if fields:
                plan.fields[id] = fields
            if not known.is_there:
                plan.restored.append(id)
            elif not fields:
                plan.kept.append(id)

    def _changed(self, message: Handed, known: Known) -> dict[str, Any]:
        """Return the fields by which a message comes to say what the list says; none if it does."""
        given = [name for name in SAID if name in message.data] if message.id else SAID
        held = self._held.words.get(known.id)
        says = [known.words, *([held] if held is not None else [known.first])]
        # what the caller's list said before it still says: a revision by another stays in force
        if any(_agree(message.words, other, given) for other in says):
            return {}
        fields = {n: v for n, v in message.data.items() if n not in ("timestamp", "parent")}
        gone = {name for name in given if name not in fields and getattr(known.words, name)}
        fields |= {name: [] if name == "tool_calls" else "" for name in gone}
        # it stands for itself from here on
        return fields if known.refused is None else {"extra": {}} | fields

    def _hidden(self) -> list[str]:
        """Return the messages of the caller's own that the list has left behind its common ones."""
        if not self._at:
            return []
        there, last = self._there, max(self._at.values())
        taken = set(self._moved.values())
        return [there[j].id for j in range(last + 1, len(there)) if self._is_free(j, taken)]

    def _lay_out(self, plan: Plan, hidden: frozenset[str]) -> None:
        """Say in which order the transcript is to be read, from the first message that is not kept.

        What the list has not stays in front of what it has that is new there.
        """
        start = next((i for i in range(len(self._handed)) if i not in self._at), None)
        if start is None:
            return
        if self._moved or not self._standing.missing.isdisjoint(self._ids):
            start = 0  # what names a message that moves, or comes, as its parent may be any other
        j = 0
        if start:
            j = self._at[start - 1] + 1
            plan.before = self._there[j - 1]
        taken = {*self._at.values(), *self._moved.values()}
        for i, to in [*self._runs(start), (len(self._handed), len(self._there))]:
            plan.slots += [
                Slot(known.id, known, None, stays=True)
                for n, known in enumerate(self._there[j:to], j)
                if n not in taken and known.id not in hidden
            ]
            plan.slots += [self._slot(n) for n in range(start, i)]
            if i < len(self._handed):
                plan.slots.append(self._slot(i))
            start, j = i + 1, to + 1

    def _runs(self, start: int) -> Iterator[tuple[int, int]]:
        """Yield the messages of the list that stay where they stand: both indices."""
        for i in range(start, len(self._handed)):
            if i in self._at:
                yield i, self._at[i]

    def _slot(self, i: int) -> Slot:
        id = self._ids[i]
        return Slot(id, self._standing.messages.get(id), self._handed[i], stays=i in self._at)


def _says(message: Handed, known: Known) -> bool:
    """Say whether a message says what another does, or what that stands for."""
    if known.refused is not None:
        return known.refused == digest(message.data)
    return message.words == known.words


def _label(message: Handed) -> str | Words:
    return message.words if message.id is None else message.id


def _agree(one: Words, other: Words, names: Sequence[str]) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in names)


def _names(epoch: str, before: str, said: str) -> Iterator[str]:
    """Yield the ids that a message without one may have."""
    number = 0
    while True:
        parts = "\0".join((epoch, before, said, str(number)))
        name = blake2b(parts.encode(errors="surrogatepass"), digest_size=12).hexdigest()
        yield f"f-{name}"
        number += 1
