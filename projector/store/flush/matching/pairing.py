"""Matches between the messages of a list and those of a transcript: pure functions."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

from projector.store.flush.matching.align import align
from projector.store.flush.words import Words, digest, grows, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from projector.store.flush.listed import Listed
    from projector.store.flush.plan import Remembered
    from projector.store.flush.transcript import Recorded

_SYSTEM = ("system", "developer")
"""Roles of prompts, which may be rewritten for every turn."""


class Pairing:
    """The matches between one list and one transcript.

    Attributes:
        at: index in the transcript by index in the list, for messages that are in the same order
            in both.
        moved: the same for messages in another order.
    """

    def __init__(
        self, listed: Sequence[Listed], there: Sequence[Recorded], remembered: Remembered
    ) -> None:
        self._listed, self._there, self._remembered = listed, there, remembered
        self._given = {message.id for message in listed if message.id is not None}
        self.at: dict[int, int] = {}
        self.moved: dict[int, int] = {}
        self._align()
        if len(self.at) < len(listed):
            self._find_by_id()
            self._find_grown()
            self._find_reordered()
            self._find_edited()
            self._find_moved()

    def _align(self) -> None:
        """Match equal messages; then, in the gaps, messages that were equal before a revision.

        If that leaves out messages of the list, and more of them match where earlier words count
        like present ones, these matches are used. Else a message that is new in front of a revised
        one with the same earlier words would match in its place the next time.
        """
        listed, there = self._listed, self._there
        start = 0
        for message, known in zip(listed, there, strict=False):
            if not self._is_same(message, known):
                break
            start += 1
        pairs = align(
            len(listed) - start,
            len(there) - start,
            lambda i, j: self._is_same(listed[start + i], there[start + j]),
            lambda i: _label(listed[start + i]),
            lambda j: self._labels(there[start + j]),
        )
        self.at = {i: i for i in range(start)}
        self.at |= {start + i: start + j for i, j in pairs}
        if len(self.at) == len(listed):
            return
        revised = {j for j, known in enumerate(there) if self._has_earlier_words(known)}
        if not revised:
            return
        ends = [(-1, -1), *self.at.items(), (len(listed), len(there))]
        for (i, j), (next_i, next_j) in pairwise(ends):
            if next_i - i == 1 or next_j - j == 1:
                continue
            mine = [n for n in range(i + 1, next_i) if listed[n].id is None]
            theirs = [n for n in range(j + 1, next_j) if n in revised]
            if mine and theirs:
                self._align_earlier(mine, theirs)
        if len(self.at) < len(listed):
            self._align_all(revised)

    def _align_all(self, revised: set[int]) -> None:
        """Match by present and earlier words alike, if more messages of the list match so."""
        listed = self._listed
        labels = [self._labels(known) for known in self._there]
        for j in revised:
            labels[j] += (self._earlier(self._there[j]),)
        pairs = align(
            len(listed),
            len(labels),
            lambda i, j: _label(listed[i]) in labels[j],
            lambda i: _label(listed[i]),
            lambda j: labels[j],
        )
        if len(pairs) > len(self.at):
            self.at = dict(pairs)

    def _align_earlier(self, mine: list[int], theirs: list[int]) -> None:
        earlier = [self._earlier(self._there[j]) for j in theirs]
        pairs = align(
            len(mine),
            len(theirs),
            lambda i, j: self._listed[mine[i]].words == earlier[j],
            lambda i: self._listed[mine[i]].words,
            lambda j: (earlier[j],),
        )
        self.at |= {mine[i]: theirs[j] for i, j in pairs}

    def _earlier(self, known: Recorded) -> Words:
        """Return a message's words when this handle flushed it last, else when it was appended."""
        return self._remembered.words.get(known.id) or known.first

    def _has_earlier_words(self, known: Recorded) -> bool:
        return self._earlier(known) != known.words and known.id not in self._given

    def _is_same(self, message: Listed, known: Recorded) -> bool:
        if message.id is not None:
            return message.id == known.id
        return is_equal(message, known) and known.id not in self._given

    def _labels(self, known: Recorded) -> tuple[object, ...]:
        if known.id in self._given:
            return (known.id,)
        if known.refused is None:
            return (known.words,)
        return tuple({m.words for m in self._listed if digest(m.data) == known.refused})

    def _is_own(self, known: Recorded) -> bool:
        return known.id in self._remembered.words

    def _find_by_id(self) -> None:
        places = {known.id: j for j, known in enumerate(self._there)}
        for i, message in enumerate(self._listed):
            if i not in self.at and message.id is not None and message.id in places:
                self.moved[i] = places[message.id]

    def _find_grown(self) -> None:
        """Match the last message of the previous flush with one that has grown from it."""
        if self._remembered.last is None:
            return
        id, data = self._remembered.last
        last_i, last_j = max(self.at.items(), default=(-1, -1))
        behind = range(len(self._there) - 1, last_j, -1)
        i, j = last_i + 1, next((j for j in behind if self._there[j].id == id), -1)
        if j < 0 or i >= len(self._listed) or i in self.moved or j in self.moved.values():
            return
        message = self._listed[i]
        # if another writer has revised it, it is not the message that grew
        if message.id is None and self._there[j].words == words(data) and grows(data, message.data):
            self.at[i] = j

    def _find_reordered(self) -> None:
        """Match equal messages in another order, if the list has every own message.

        A list that lacks none has lost none to a window, so equal messages are the same message.
        But messages at the beginning that come again behind the others, in the same order, may
        have left a window and been written again: these are not matched.
        """
        matched = {*self.at.values(), *self.moved.values()}
        missing = [j for j in range(len(self._there)) if self.is_free(j, matched)]
        places: defaultdict[Words, list[int]] = defaultdict(list)
        for i, message in enumerate(self._listed):
            if message.id is None and i not in self.at and i not in self.moved:
                places[message.words].append(i)
        found: dict[int, int] = {}
        for j in missing:
            known = self._there[j]
            left = places.get(known.words)
            if not left or known.id in self._given or not is_equal(self._listed[left[0]], known):
                return
            found[left.pop(0)] = j
        last_i, first_j = max(self.at, default=-1), min(self.at.values(), default=-1)
        if found and max(missing) < first_j and last_i < min(found) and sorted(found) == [*found]:
            return
        self.moved |= found

    def _find_edited(self) -> None:
        """Match edits: as many new messages between two matches as own ones are missing there."""
        pairs = sorted(self.at.items())
        matched = set(self.moved.values())
        for (i, j), (next_i, next_j) in pairwise(pairs):
            if next_i - i > 1:
                mine = [n for n in range(j + 1, next_j) if self.is_free(n, matched)]
                self._pair(range(i + 1, next_i), mine)
        # a prompt that is rewritten for every turn is one message
        if pairs and min(pairs[0]) > 0 and self._there[0].words.role in _SYSTEM:
            self._pair([0], [n for n in (0,) if self.is_free(n, matched)])

    def is_free(self, j: int, matched: set[int]) -> bool:
        """Return whether this handle flushed a message, and it is not matched yet."""
        return j not in matched and self._is_own(self._there[j])

    def _pair(self, mine: Sequence[int], theirs: Sequence[int]) -> None:
        if len(mine) == len(theirs) and all(
            self._is_edited(self._listed[i], self._there[j])
            for i, j in zip(mine, theirs, strict=True)
        ):
            self.at |= dict(zip(mine, theirs, strict=True))

    def _is_edited(self, message: Listed, known: Recorded) -> bool:
        new, old = message.words, known.words
        return (
            message.id is None
            and known.id not in self._given
            and (new.role, new.tool_call_id) == (old.role, old.tool_call_id)
        )

    def _find_moved(self) -> None:
        """Match equal messages at another place between the first and the last match."""
        if len(self.at) == len(self._listed):
            return
        (first_i, first_j), (last_i, last_j) = (
            choose(self.at.items(), default=(0, 0)) for choose in (min, max)
        )
        matched = {*self.at.values(), *self.moved.values()}
        left: defaultdict[Words, list[int]] = defaultdict(list)
        for j in range(last_j - 1, first_j, -1):
            known = self._there[j]
            if j not in matched and self._is_own(known) and known.id not in self._given:
                left[known.words].append(j)
        for i in range(first_i + 1, last_i):
            message = self._listed[i]
            if i not in self.at and message.id is None and left.get(message.words):
                self.moved[i] = left[message.words].pop()


def is_equal(message: Listed, known: Recorded) -> bool:
    """Return whether two messages have the same words, or one is a placeholder of the other."""
    if known.refused is not None:
        return known.refused == digest(message.data)
    return message.words == known.words


def _label(message: Listed) -> str | Words:
    return message.words if message.id is None else message.id
