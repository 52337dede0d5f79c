"""Plans that make a transcript contain a list in its order: pure functions."""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from projector.store.flush.matching.pairing import Pairing, is_equal
from projector.store.flush.plan import Plan, Remembered, Slot
from projector.store.flush.transcript import Recorded
from projector.store.flush.words import COMPARED, Words, digest, revised

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from projector.store.flush.listed import Listed
    from projector.store.flush.transcript import Transcript


def reconcile(listed: Sequence[Listed], transcript: Transcript, remembered: Remembered) -> Plan:
    """Plan the changes after which a transcript contains the messages of a list in their order.

    Args:
        listed: the list.
        transcript: the transcript now.
        remembered: what this handle flushed or read before.
    """
    return _Reconciliation(listed, transcript, remembered).plan()


class _Reconciliation:
    """One list, one transcript, and the matches between them."""

    def __init__(
        self, listed: Sequence[Listed], transcript: Transcript, remembered: Remembered
    ) -> None:
        self._listed, self._transcript, self._remembered = listed, transcript, remembered
        self._there = transcript.visible()
        self._pairing = Pairing(listed, self._there, remembered)
        self._at, self._moved = self._pairing.at, self._pairing.moved
        self._ids: list[str] = []

    def plan(self) -> Plan:
        """Return what is to be done."""
        plan = self._draft()
        while (earlier := self._next_matches(plan)) is not None:
            self._at, self._moved = earlier
            plan = self._draft()
        return plan

    def _draft(self) -> Plan:
        """Return what the matches say."""
        self._name()
        plan = Plan(self._ids)
        self._sort(plan)
        plan.hidden = self._hidden()
        self._lay_out(plan, frozenset(plan.hidden))
        return plan

    def _next_matches(self, plan: Plan) -> tuple[dict[int, int], dict[int, int]] | None:
        """Return the matches of the next flush of the list, if its last one is an earlier one.

        With messages that are new, edited or moved, the common beginning can be longer, or another
        one of equal messages match. The next flush of the list would then hide own messages behind
        its last match, so this one does.
        """
        left = len(self._there) - len(plan.hidden) - len(self._at) - len(self._moved)
        if not left or not self._at:
            return None
        places = {known.id: j for j, known in enumerate(self._there)}
        after = self._to_be(plan, places)
        remembered = dict(self._remembered.words)
        remembered.update((id, m.words) for id, m in zip(self._ids, self._listed, strict=True))
        found = Pairing(self._listed, after, Remembered(remembered)).at
        if len(found) < len(self._listed):
            return None
        there = {i: after[j].id for i, j in found.items() if after[j].id in places}
        going = {slot.id for slot in plan.slots if not slot.stays}
        at = {i: places[id] for i, id in there.items() if id not in going}
        if not at or max(at.values()) >= max(self._at.values()):
            return None
        return at, {i: places[id] for i, id in there.items() if id in going}

    def _to_be(self, plan: Plan, places: Mapping[str, int]) -> list[Recorded]:
        """Return the transcript to be; `places` has the indices of the messages that are there."""
        front = len(self._there)
        if plan.slots:
            front = 0 if plan.before is None else places[plan.before.id] + 1
        hidden = frozenset(plan.hidden)
        after = [known for known in self._there[:front] if known.id not in hidden]
        new = dict(zip(self._ids, self._listed, strict=True))
        after += [slot.known or _recorded(slot.id, new[slot.id]) for slot in plan.slots]
        for j, known in enumerate(after):
            if known.id in plan.fields:
                words = revised(known.words, plan.fields[known.id])
                after[j] = replace(known, words=words, refused=None)
        return after

    def _name(self) -> None:
        """Give every message of the list an id.

        The id of a new message without one is made from its words and the id of the message before
        it in the list, so that every process that flushes the same list makes the same id.
        """
        there = self._there
        found = self._at | self._moved
        if len(found) == len(self._listed):
            self._ids = [there[found[i]].id for i in range(len(found))]
            return
        self._ids = []
        places = {known.id: j for j, known in enumerate(there)}
        used = {there[j].id for j in found.values()}
        used |= {message.id for message in self._listed if message.id is not None}
        before = ""
        for i, message in enumerate(self._listed):
            j = found.get(i)
            if j is not None:
                before = there[j].id
            elif message.id is not None:
                before = message.id
            else:
                before = next(
                    id
                    for id in made_ids(self._transcript.epoch, before, digest(message.data))
                    if id not in used and self._may_be(message, id)
                )
                used.add(before)
                if before in places:
                    self._moved[i] = places[before]
            self._ids.append(before)

    def _may_be(self, message: Listed, id: str) -> bool:
        known = self._transcript.messages.get(id)
        return known is None or is_equal(message, known)

    def _sort(self, plan: Plan) -> None:
        """Sort the messages of the list by their change."""
        messages = self._transcript.messages
        for id, message in zip(self._ids, self._listed, strict=True):
            known = messages.get(id)
            if known is None:
                plan.added.append(id)
                continue
            fields = {} if is_equal(message, known) else self._changed(message, known)
            if fields:
                plan.fields[id] = fields
            if not known.is_there:
                plan.restored.append(id)
            elif not fields:
                plan.kept.append(id)

    def _changed(self, message: Listed, known: Recorded) -> dict[str, Any]:
        """Return the new fields of a message whose words are to be those of the list."""
        given = [name for name in COMPARED if name in message.data] if message.id else COMPARED
        before = self._remembered.words.get(known.id) or known.first
        # if the caller's list has not changed here, a revision by another writer stays
        if any(_agree(message.words, other, given) for other in (known.words, before)):
            return {}
        fields = {n: v for n, v in message.data.items() if n not in ("timestamp", "parent")}
        gone = {name for name in given if name not in fields and getattr(known.words, name)}
        fields |= {name: [] if name == "tool_calls" else "" for name in gone}
        # it is no placeholder any more
        return fields if known.refused is None else {"extra": {}} | fields

    def _hidden(self) -> list[str]:
        """Return the own messages behind the last match that the list lacks."""
        if not self._at:
            return []
        there, last = self._there, max(self._at.values())
        matched = set(self._moved.values())
        return [
            there[j].id for j in range(last + 1, len(there)) if self._pairing.is_free(j, matched)
        ]

    def _lay_out(self, plan: Plan, hidden: frozenset[str]) -> None:
        """Fill in the new order, from the first message that does not stay.

        Between two matches, what the list lacks comes before what is new.
        """
        start = next((i for i in range(len(self._listed)) if i not in self._at), None)
        if start is None:
            return
        if self._moved or not self._transcript.missing.isdisjoint(self._ids):
            start = 0  # any message may name one that moves, or is added, as its parent
        j = 0
        if start:
            j = self._at[start - 1] + 1
            plan.before = self._there[j - 1]
        matched = {*self._at.values(), *self._moved.values()}
        for i, to in [*self._runs(start), (len(self._listed), len(self._there))]:
            plan.slots += [
                Slot(known.id, known, None, stays=True)
                for n, known in enumerate(self._there[j:to], j)
                if n not in matched and known.id not in hidden
            ]
            plan.slots += [self._slot(n) for n in range(start, i)]
            if i < len(self._listed):
                plan.slots.append(self._slot(i))
            start, j = i + 1, to + 1

    def _runs(self, start: int) -> Iterator[tuple[int, int]]:
        """Yield the matches in order: index in the list, and in the transcript."""
        for i in range(start, len(self._listed)):
            if i in self._at:
                yield i, self._at[i]

    def _slot(self, i: int) -> Slot:
        id = self._ids[i]
        return Slot(id, self._transcript.messages.get(id), self._listed[i], stays=i in self._at)


def _recorded(id: str, message: Listed) -> Recorded:
    """Return a new message, as it will be compared."""
    found = message.words
    return Recorded(id, found, found, None, 0, None, (0, 0), (0, "", 0, 0), is_there=True)


def _agree(one: Words, other: Words, names: Sequence[str]) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in names)


def made_ids(epoch: str, before: str, words: str) -> Iterator[str]:
    """Yield the possible ids of a message without one, best first.

    Args:
        epoch: id of the last event that swept the session.
        before: id of the message before it in the list; empty if it is the first.
        words: digest of its words.
    """
    number = 0
    while True:
        parts = "\0".join((epoch, before, words, str(number)))
        name = blake2b(parts.encode(errors="surrogatepass"), digest_size=12).hexdigest()
        yield f"f-{name}"
        number += 1
