"""Plans of a flush without a journal: random transcripts and lists, and what must hold of a plan.

Hundreds of times as many cases fit into a second as with a journal, so that words are often equal
and rare coincidences of insertions, edits, revisions and withdrawals occur.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from projector.store.flush.listed import read_list
from projector.store.flush.plan import Plan, Remembered
from projector.store.flush.reconcile import reconcile
from projector.store.flush.transcript import Recorded, Transcript
from projector.store.flush.words import COMPARED, revised, words
from tests.support.flushes import is_reordered

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from random import Random

    from projector.store.flush.listed import Listed
    from projector.store.flush.words import Words

Message = dict[str, Any]
_TEXTS = ("ab", "abc", "abS", "abST", "abcdST")
"""The texts of one case, a letter each; prompts are capitals."""
_LONGEST = 6
"""Most messages of a transcript and of a list, before changes."""


def message(text: str) -> Message:
    """Return a message; a capital is a system prompt."""
    return {"role": "system" if text.isupper() else "user", "content": text}


def recorded(id: str, message: Message, place: int) -> Recorded:
    """Return a message of a transcript; `place` is its number in the order."""
    found = words(message)
    rank = place, "lane", place, 0
    return Recorded(id, found, found, None, place, None, (place, 0), rank, is_there=True)


def transcript_of(messages: Iterable[Recorded]) -> Transcript:
    """Return a transcript of messages."""
    return Transcript(messages={message.id: message for message in messages})


def order_after(plan: Plan, transcript: Transcript) -> list[str]:
    """Return the ids of the transcript that a plan makes, in order."""
    there = [known.id for known in transcript.visible() if known.id not in plan.hidden]
    if not plan.slots:
        return there
    front = 0 if plan.before is None else there.index(plan.before.id) + 1
    return there[:front] + [slot.id for slot in plan.slots]


def transcript_after(plan: Plan, listed: Sequence[Listed], transcript: Transcript) -> Transcript:
    """Return the transcript that a plan makes."""
    places = {id: place for place, id in enumerate(order_after(plan, transcript))}
    new = {id: message for id, message in zip(plan.ids, listed, strict=True) if id in plan.added}
    messages = [recorded(id, message.data, places[id]) for id, message in new.items()]
    for known in transcript.messages.values():
        now = revised(known.words, plan.fields.get(known.id, {}))
        place, is_there = (places.get(known.id, known.place[0]), 0), known.id in places
        messages.append(replace(known, words=now, place=place, is_there=is_there))
    return transcript_of(messages)


def flush_twice(
    talk: Sequence[Message], transcript: Transcript, remembered: Remembered
) -> str | None:
    """Plan the flush of a list two times; return what is wrong, None if nothing is.

    Args:
        talk: the list.
        transcript: the transcript before.
        remembered: what the handle knows of earlier flushes.
    """
    listed, mistakes = read_list(talk)
    assert not mistakes
    plan = reconcile(listed, transcript, remembered)
    order, after = order_after(plan, transcript), transcript_after(plan, listed, transcript)
    if len(order) != len(set(order)):
        return f"a message is there twice: {order}"
    if [id for id in order if id in plan.ids] != plan.ids:
        return f"the list {plan.ids} is in another order in {order}"
    parts = (plan.added, plan.restored, plan.kept, plan.fields.keys() - set(plan.restored))
    if sorted(id for part in parts for id in part) != sorted(plan.ids):
        return f"not each message of {plan.ids} is in one part of the report: {parts}"
    before = {known.id: known.words for known in transcript.visible()}
    # words that were revised have two meanings
    is_plain = not any("id" in message for message in talk) and all(
        known.words == known.first == (remembered.words.get(known.id) or known.first)
        for known in transcript.visible()
    )
    if is_plain and is_reordered([m.words for m in listed], before, {*remembered.words}):
        left = before.keys() - plan.ids
        if left:
            return f"{left} are there twice"
    known = remembered.words | dict(zip(plan.ids, [m.words for m in listed], strict=True))
    last = (plan.ids[-1], fields_of(talk[-1])) if talk else remembered.last
    again = reconcile(listed, after, Remembered(known, last))
    if again != Plan(again.ids, kept=again.ids):
        return f"again: {again}"
    return None


def fields_of(message: Message) -> Message:
    """Return the compared fields of a message."""
    return {name: message.get(name) for name in COMPARED}


class Case:
    """A random transcript, what a handle remembers of it, and a list that it flushes.

    Attributes:
        transcript: some of its messages are out of it, or revised, or of other writers.
        remembered: what the handle flushed or read.
        talk: a random list, or the transcript with changes, or in another order.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._texts = random.choice(_TEXTS)
        texts = [self._text() for _ in range(random.randint(0, _LONGEST))]
        messages = [recorded(f"m{n}", message(text), n) for n, text in enumerate(texts)]
        self._is_mixed = random.random() < 1 / 8
        known = {
            m.id: self._known(m) for m in messages if self._is_mixed or random.random() < 2 / 3
        }
        last = None
        if messages and random.random() < 1 / 3:
            at = random.randrange(len(messages))
            last = messages[at].id, fields_of(message(texts[at]))
            known[last[0]] = messages[at].words
        self.talk = self._list(texts)
        if last is not None and self.talk and random.random() < 1 / 2:
            grown = last[1]["content"] + " and more"
            self.talk[random.randrange(len(self.talk))] = message(texts[at]) | {"content": grown}
        if random.random() < 1 / 3:
            self._give_ids([m.id for m in messages])
        self.transcript = transcript_of(map(self._changed, messages))
        self.remembered = Remembered(known, last)

    def _text(self) -> str:
        return self._random.choice(self._texts)

    def _known(self, message_: Recorded) -> Words | None:
        """Return the words that the handle flushed; None if it only read the message."""
        other = message_.words if self._is_mixed else words(message(self._text()))
        return self._random.choice([None, message_.words, other])

    def _changed(self, known: Recorded) -> Recorded:
        """Return a message that another writer may have revised or taken out."""
        if not self._is_mixed and self._random.random() < 1 / 6:
            known = replace(known, words=words(message(self._text())))
        return replace(known, is_there=self._random.random() < 7 / 8)

    def _list(self, texts: list[str]) -> list[Message]:
        """Return a random list, or one that has changed a little."""
        random = self._random
        if self._is_mixed:
            return [message(text) for text in random.sample(texts, len(texts))]
        if random.random() < 1 / 2:
            return [message(self._text()) for _ in range(random.randint(0, _LONGEST))]
        talk = [message(text) for text in texts]
        for _ in range(random.randint(0, 4)):
            at = random.randint(0, len(talk))
            new = [message(self._text())]
            choices = (talk[:at] + new + talk[at:], talk[:at] + talk[at + 1 :])
            others = (talk[:at] + new + talk[at + 1 :], talk[:at], talk[at:])
            [talk] = random.choices((*choices, *others), (4, 3, 2, 1, 1))
        return talk

    def _give_ids(self, known: list[str]) -> None:
        ids = [*known, "x1", "x2", "x3"]
        self._random.shuffle(ids)
        for at, id in zip(range(len(self.talk)), ids, strict=False):
            if self._random.random() < 1 / 2:
                self.talk[at] = self.talk[at] | {"id": id}

    def trouble(self) -> str | None:
        """Plan the flush two times; return what is wrong, None if nothing is."""
        found = flush_twice(self.talk, self.transcript, self.remembered)
        return found and f"{found}\n  list {self.talk}\n  before {self.transcript.visible()}"
