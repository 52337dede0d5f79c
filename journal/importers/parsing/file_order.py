"""Keeps the order of a source's messages if their times do not give it.

A journal reads a conversation by the times of its messages, and never a message before its parent.
If a source's clock steps back, a message would be read before earlier ones of the file; one without
a readable time would be read at the time of the import. Such a message is followed by a
`message.revised` event, which names the message before it as its parent and, if the time is
missing, has its neighbour's time, marked `extra.estimated_time`. The message itself depends
only on its own line, so that imports of other slices of the file, and by earlier versions, give the
same event.

The messages of a source without any readable time get the time of its file, when it was read to its
end, also marked. Of one time, a reply is read after all that is no reply. So a message that would
be read before one above it in the file names that as its parent, too.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from journal.format.transcript_order import place_after
from journal.importers.parsing.events import revision

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from journal.importers.parsing.parser import Found

_WAITING = 1_000
"""Messages before the first readable time that get that time, which bounds the memory: if there are
more, they get the time of the file."""
_BACK = 32
"""Messages that are kept for one that is yielded after later lines."""

_new = tuple.__new__
"""Makes a named tuple in half of the time of a call of its class."""

Spot = tuple[int, int]
"""Location and depth by which a message is read: its time, and its distance from the message that
has this time."""


class _Last(NamedTuple):
    """A message: number of its line, its spot, its key."""

    line: int
    spot: Spot
    key: str


class _Undated(NamedTuple):
    """A message without a time: number of its line, its key, its parent, its `extra`."""

    line: int
    key: str
    parent: str
    extra: dict[str, Any]


def _recent() -> deque[_Last]:
    return deque(maxlen=_BACK)


@dataclass(slots=True)
class _Talk:
    """One session of the source.

    Attributes:
        time: the latest readable time; None if there was none.
        spots: the spot of each message.
        recent: the latest messages.
        undated: the messages before the first readable time.
        guessed: how many of them, from the first one, have the time of the file.
        last_guess: the latest one that has it.
        is_guess: whether the latest time is that of the file.
    """

    time: int | None = None
    spots: dict[str, Spot] = field(default_factory=dict)
    recent: deque[_Last] = field(default_factory=_recent)
    undated: list[_Undated] = field(default_factory=list)
    guessed: int = 0
    last_guess: _Last | None = None
    is_guess: bool = False

    def before(self, line: int) -> _Last | None:
        """Return the latest message that is not after a line."""
        if self.recent and self.recent[-1].line <= line:  # almost always
            return self.recent[-1]
        return next((last for last in reversed(self.recent) if last.line <= line), None)


@dataclass(slots=True)
class FileOrder:
    """The messages of one source, as far as it was read.

    Attributes:
        modified: when its file was changed last, in microseconds; None if that is not known.
    """

    modified: int | None = None
    _talks: dict[str, _Talk] = field(default_factory=dict)

    def began(self, session: str, micros: int) -> None:
        """Record the start of a session: messages without a time at its beginning get that time."""
        talk = self._talks.setdefault(session, _Talk())
        if talk.time is None:
            talk.time = micros

    def ended(self, session: str) -> Sequence[Found]:
        """Forget a session of which the source has nothing further; return what `guesses` does."""
        talk = self._talks.pop(session, None)
        return () if talk is None else self._guesses(session, talk)

    def guesses(self) -> Iterator[Found]:
        """Yield the revisions that give messages the time of the file, if they have no other."""
        for session, talk in self._talks.items():
            yield from self._guesses(session, talk)

    def estimate(self, found: Found) -> Iterator[Found]:
        """Yield the revision that gives a message the latest time of its session, or the file's."""
        session, id, data = (found.event[name] for name in ("session", "id", "data"))
        talk = self._talks.get(session)
        moment = self.modified if talk is None or talk.time is None else talk.time
        if moment is not None:
            yield revision(found.line, session, id, _estimate(moment, data.get("extra", {})))

    def _stop_waiting(self, session: str, talk: _Talk) -> Sequence[Found]:
        """Take the time of the file as the time of a session: too many messages have none."""
        given = self._guesses(session, talk)
        talk.undated.clear()
        talk.guessed = 0
        if self.modified is not None and talk.last_guess is not None:
            talk.time, talk.is_guess = self.modified, True
            talk.recent.append(talk.last_guess)
        return given

    def _guesses(self, session: str, talk: _Talk) -> Sequence[Found]:
        """Return the revisions for the messages of a session that have no time so far."""
        if self.modified is None:
            return ()
        waiting, talk.guessed = talk.undated[talk.guessed :], len(talk.undated)
        given: list[Found] = []
        for it in waiting:
            fields = _estimate(self.modified, it.extra)
            spot, before = place_after(self.modified, talk.spots.get(it.parent)), talk.last_guess
            if (
                before is not None and spot < before.spot
            ):  # a reply is deeper than what has no parent
                fields["parent"] = before.key
                spot = place_after(self.modified, before.spot)
            talk.spots[it.key] = spot
            talk.last_guess = _Last(it.line, spot, it.key)
            given.append(replace(revision(it.line, session, it.key, fields), guessed=True))
        return given

    def take(self, found: Found) -> Sequence[Found]:
        """Return the revisions that are needed for the place of the next message in the file."""
        data, line = found.event["data"], found.origin or found.line
        session, id = found.event["session"], found.event["id"]
        talk = self._talks.get(session)
        if talk is None:
            talk = self._talks[session] = _Talk()
        own: int | None = data.get("timestamp")
        if own is not None and not talk.undated and not found.origin:
            above = talk.spots.get(data.get("parent", ""))
            spot = (own, 0) if above is None or above[0] < own else place_after(own, above)
            last = talk.recent[-1] if talk.recent else None
            if last is None or (last.line <= line and spot >= last.spot):  # almost always
                talk.time, talk.is_guess, talk.spots[id] = own, False, spot
                talk.recent.append(_new(_Last, (line, spot, id)))
                return ()
        return self._placed(found, talk)

    def _placed(self, found: Found, talk: _Talk) -> Sequence[Found]:
        """As `take`, also where the times do not give the order."""
        data, line = found.event["data"], found.origin or found.line
        session, id = found.event["session"], found.event["id"]
        own: int | None = data.get("timestamp")
        moment = talk.time if own is None else own
        if moment is None:
            extra = data.get("extra", {})
            talk.undated.append(_Undated(line, id, data.get("parent", ""), extra))
            return self._stop_waiting(session, talk) if len(talk.undated) > _WAITING else ()
        before = talk.before(line)
        given: list[Found] = []
        fields: dict[str, Any] = {}
        if own is None:
            fields = _estimate(moment, data.get("extra", {}))
        elif not found.origin:
            talk.time, talk.is_guess = moment, False
        for _, key, _, extra in talk.undated:
            parent = {} if before is None else {"parent": before.key}
            given.append(revision(found.line, session, key, {**_estimate(moment, extra), **parent}))
            spot = (moment, 0) if before is None else place_after(moment, before.spot)
            before = _Last(line, spot, key)
            talk.spots[key] = spot
        talk.undated.clear()
        talk.guessed = 0
        spot = place_after(moment, talk.spots.get(data.get("parent", "")))
        if before is not None and (spot < before.spot or (fields and "parent" not in data)):
            fields["parent"] = before.key
            spot = place_after(moment, before.spot)
        if fields:
            guessed = own is None and talk.is_guess
            given.append(replace(revision(found.line, session, id, fields), guessed=guessed))
        talk.spots[id] = spot
        if not found.origin:  # a message that is yielded late does not move those after it
            talk.recent.append(_Last(line, spot, id))
        return given


def _estimate(moment: int, extra: dict[str, Any]) -> dict[str, Any]:
    return {"timestamp": moment, "extra": {**extra, "estimated_time": True}}
