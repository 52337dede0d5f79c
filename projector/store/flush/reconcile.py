"""What a flush does, so that a transcript has the messages of a list in their order: pure."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from projector.store.flush.pairing import Pairing, says
from projector.store.flush.plan import Plan, Slot
from projector.store.flush.words import SAID, Words, digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from projector.store.flush.handed import Handed
    from projector.store.flush.plan import Held
    from projector.store.flush.standing import Known, Standing


def reconcile(handed: Sequence[Handed], standing: Standing, held: Held) -> Plan:
    """Say how a transcript becomes one that has the messages of a list in their order.

    Args:
        handed: the list.
        standing: what stands.
        held: what the handle flushed or read before.
    """
    return _Reconciliation(handed, standing, held).plan()


class _Reconciliation:
    """One list beside one transcript, and which of their messages are the same."""

    def __init__(self, handed: Sequence[Handed], standing: Standing, held: Held) -> None:
        self._handed, self._standing, self._held = handed, standing, held
        self._there = standing.transcript()
        self._pairing = Pairing(handed, self._there, held)
        self._at, self._moved = self._pairing.at, self._pairing.moved
        self._ids: list[str] = []

    def plan(self) -> Plan:
        """Return what is to be done."""
        self._name()
        plan = Plan(self._ids)
        self._sort(plan)
        plan.hidden = self._hidden()
        self._lay_out(plan, frozenset(plan.hidden))
        return plan

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
        taken = {there[j].id for j in found.values()}
        taken |= {message.id for message in self._handed if message.id is not None}
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
        return known is None or says(message, known)

    def _sort(self, plan: Plan) -> None:
        """Say of each message of the list what becomes of it."""
        messages = self._standing.messages
        for id, message in zip(self._ids, self._handed, strict=True):
            known = messages.get(id)
            if known is None:
                plan.added.append(id)
                continue
            fields = {} if says(message, known) else self._changed(message, known)
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
        return [there[j].id for j in range(last + 1, len(there)) if self._pairing.is_free(j, taken)]

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
