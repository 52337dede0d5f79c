"""Which message of a list is which of a transcript: pure functions."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

from projector.store.flush.align import align
from projector.store.flush.words import Words, digest, grows, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from projector.store.flush.handed import Handed
    from projector.store.flush.plan import Held
    from projector.store.flush.standing import Known

_SYSTEM = ("system", "developer")
"""Roles of a message that stands in front of a conversation, and is written anew for each turn."""


class Pairing:
    """One list beside one transcript.

    Attributes:
        at: of each message of the list that stands in the transcript its index there, where both
            are in one order.
        moved: the same of those that stand there in another order.
    """

    def __init__(self, handed: Sequence[Handed], there: Sequence[Known], held: Held) -> None:
        self._handed, self._there, self._held = handed, there, held
        self._given = {message.id for message in handed if message.id is not None}
        self.at: dict[int, int] = {}
        self.moved: dict[int, int] = {}
        self._align()
        if len(self.at) < len(handed):
            self._find_by_id()
            self._find_grown()
            self._find_edited()
            self._find_moved()

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
        self.at = {i: i for i in range(start)}
        self.at |= {start + i: start + j for i, j in pairs}
        if len(self.at) == len(handed):
            return
        ends = [(-1, -1), *self.at.items(), (len(handed), len(there))]
        for (i, j), (next_i, next_j) in pairwise(ends):
            if next_i - i == 1 or next_j - j == 1:
                continue
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
        self.at |= {mine[i]: theirs[j] for i, j in pairs}

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
        return says(message, known) and known.id not in self._given

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
            if i not in self.at and message.id is not None and message.id in places:
                self.moved[i] = places[message.id]

    def _find_grown(self) -> None:
        """Pair the message that was last in the list of before with one that goes on from it."""
        if self._held.last is None:
            return
        id, data = self._held.last
        last_i, last_j = max(self.at.items(), default=(-1, -1))
        behind = range(len(self._there) - 1, last_j, -1)
        i, j = last_i + 1, next((j for j in behind if self._there[j].id == id), -1)
        if j < 0 or i >= len(self._handed) or i in self.moved or j in self.moved.values():
            return
        message = self._handed[i]
        # it must still say what was handed over: what somebody else revised is not ours to go on
        if message.id is None and self._there[j].words == words(data) and grows(data, message.data):
            self.at[i] = j

    def _find_edited(self) -> None:
        """Pair messages between two common ones that stand where as many others stood."""
        pairs = sorted(self.at.items())
        taken = set(self.moved.values())
        for (i, j), (next_i, next_j) in pairwise(pairs):
            if next_i - i > 1:
                mine = [n for n in range(j + 1, next_j) if self.is_free(n, taken)]
                self._pair(range(i + 1, next_i), mine)
        # a system prompt is made anew for every turn: it is the same one
        if pairs and min(pairs[0]) > 0 and self._there[0].words.role in _SYSTEM:
            self._pair([0], [n for n in (0,) if self.is_free(n, taken)])

    def is_free(self, j: int, taken: set[int]) -> bool:
        """Say whether a message is the caller's own, and none of some."""
        return j not in taken and self._is_own(self._there[j])

    def _pair(self, mine: Sequence[int], theirs: Sequence[int]) -> None:
        if len(mine) == len(theirs) and all(
            self._is_edited(self._handed[i], self._there[j])
            for i, j in zip(mine, theirs, strict=True)
        ):
            self.at |= dict(zip(mine, theirs, strict=True))

    def _is_edited(self, message: Handed, known: Known) -> bool:
        new, old = message.words, known.words
        return (
            message.id is None
            and known.id not in self._given
            and (new.role, new.tool_call_id) == (old.role, old.tool_call_id)
        )

    def _find_moved(self) -> None:
        """Find messages of the same words at another place between the same common ones."""
        if len(self.at) == len(self._handed):
            return
        (first_i, first_j), (last_i, last_j) = (
            choose(self.at.items(), default=(0, 0)) for choose in (min, max)
        )
        taken = {*self.at.values(), *self.moved.values()}
        left: defaultdict[Words, list[int]] = defaultdict(list)
        for j in range(last_j - 1, first_j, -1):
            known = self._there[j]
            if j not in taken and self._is_own(known) and known.id not in self._given:
                left[known.words].append(j)
        for i in range(first_i + 1, last_i):
            message = self._handed[i]
            if i not in self.at and message.id is None and left.get(message.words):
                self.moved[i] = left[message.words].pop()


def says(message: Handed, known: Known) -> bool:
    """Say whether a message says what another does, or what that stands for."""
    if known.refused is not None:
        return known.refused == digest(message.data)
    return message.words == known.words


def _label(message: Handed) -> str | Words:
    return message.words if message.id is None else message.id
