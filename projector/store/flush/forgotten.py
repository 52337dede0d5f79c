"""Messages of a list that a request to forget names: they are left out, and not written again.

The transcript does not have them, so they must be found in the list: as new messages, each flush
would append them again, and as edits they would bring their words into other messages.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from projector.store.flush.reconcile import made_ids, reconcile
from projector.store.flush.words import Words, digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from projector.store.flush.listed import Listed
    from projector.store.flush.memory import Account
    from projector.store.flush.plan import Plan
    from projector.store.flush.redacting import Given


@dataclass(slots=True)
class Remaining:
    """What is left of a list without what is forgotten, and the plan for it.

    Attributes:
        listed: the messages that are left.
        plan: how the transcript comes to contain them.
        forgotten: ids of the others, by their index in the caller's list.
    """

    listed: Sequence[Listed]
    plan: Plan
    forgotten: dict[int, str] = field(default_factory=dict)

    def ids(self, listed: Sequence[Listed]) -> tuple[str, ...]:
        """Return the ids of all messages of a list, in its order."""
        left = iter(self.plan.ids)
        return tuple(self.forgotten.get(message.at) or next(left) for message in listed)


def plan_without_forgotten(
    session: str, listed: Sequence[Listed], account: Account, given: Given
) -> Remaining:
    """Plan how a transcript comes to contain a list but for what is forgotten.

    Args:
        session: its id.
        listed: the list, as it is stored.
        account: the transcript, with what is forgotten, and what the handle flushed before.
        given: what was redacted in the list.
    """
    left = Remaining(listed, reconcile(listed, account.transcript, account.remembered))
    if not account.transcript.forgotten:
        return left
    search = _Search(session, listed, account, given)
    # without them, other messages can have other matches
    while found := search.find(left):
        forgotten = left.forgotten | found
        rest = [message for message in listed if message.at not in forgotten]
        plan = reconcile(rest, account.transcript, account.remembered)
        left = Remaining(rest, plan, forgotten)
    return left


class _Search:
    """Finds messages of one list that are forgotten, among those that match none as they are."""

    def __init__(
        self, session: str, listed: Sequence[Listed], account: Account, given: Given
    ) -> None:
        self._session, self._listed, self._given = session, listed, given
        self._transcript, self._remembered = account.transcript, account.remembered
        self._gone: defaultdict[Words, list[str]] = defaultdict(list)
        for id, words in self._remembered.words.items():
            if words is not None and id not in self._transcript.messages:
                self._gone[words].append(id)

    def find(self, left: Remaining) -> dict[int, str]:
        """Return the ids of messages that are forgotten, by index in the caller's list."""
        plan, found = left.plan, dict[int, str]()
        changed = {*plan.added, *plan.fields, *plan.restored}
        # a message that the handle flushed before comes before one of these, or was the last
        known = [
            message.at
            for message, id in zip(left.listed, plan.ids, strict=True)
            if id not in changed and id in self._remembered.words
        ]
        before = ""
        for message, id in zip(self._listed, left.ids(self._listed), strict=True):
            if message.at not in left.forgotten and id in changed:
                is_old = bool(known) and message.at < known[-1]
                used = {*left.forgotten.values(), *found.values()}
                for each in self._candidates(message, id, before, is_old=is_old):
                    if each not in used and self._is_forgotten(each, message):
                        found[message.at] = each
                        break
            before = found.get(message.at, id)
        return found

    def _candidates(self, message: Listed, id: str, before: str, *, is_old: bool) -> Iterator[str]:
        """Yield the ids under which a message may have been stored."""
        if message.id is not None:
            yield message.id
            return
        if id not in self._transcript.messages:
            yield id
        yield next(made_ids(self._transcript.epoch, before, digest(message.data)))
        last = self._remembered.last
        for each in self._gone.get(message.words, ()):
            # else it may be another message with these words, after that one left a window
            if is_old or (last is not None and last[0] == each):
                yield each

    def _is_forgotten(self, id: str, message: Listed) -> bool:
        clear = {**message.data, **self._given.get(message.at, {})}
        return any(
            self._transcript.forgotten.forgets_message(self._session, id, data)
            for data in (message.data, clear)
        )
