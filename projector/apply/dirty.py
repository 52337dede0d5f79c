"""What must be folded again before the commit."""

from __future__ import annotations

from dataclasses import dataclass, field

_BY_SESSION = ("order", "sessions", "replays", "usage", "keys")
"""Attributes of `Dirty` that are sets of sessions, as `_unfolded` names them."""


@dataclass(slots=True)
class Dirty:
    """What must be folded again before the next commit, by rowid of the session (and message id).

    Attributes:
        order: sessions whose messages must be ordered again.
        sessions, usage, keys: sessions whose fields, totals, keys must be folded again.
        replays: sessions for whose shared messages it must be determined where these are at home.
        messages: messages to which changes must be applied again.
        transcripts: sessions to all of whose messages changes must be applied again.
        firsts: sessions and those fields (`projector.db.tags.FOUND`) that must be looked for in
            their messages again.
        done: of sessions in `transcripts` that are half done: the last message id that is folded.
    """

    order: set[int] = field(default_factory=set)
    sessions: set[int] = field(default_factory=set)
    usage: set[int] = field(default_factory=set)
    keys: set[int] = field(default_factory=set)
    replays: set[int] = field(default_factory=set)
    messages: set[tuple[int, str]] = field(default_factory=set)
    transcripts: set[int] = field(default_factory=set)
    firsts: set[tuple[int, str]] = field(default_factory=set)
    done: dict[int, str] = field(default_factory=dict)

    def rows(self) -> set[tuple[str, int, str]]:
        """Return what the next transaction must fold, as rows of `_unfolded`."""
        found = {
            ("transcript", session, self.done.get(session, "")) for session in self.transcripts
        }
        found |= {("message", session, id) for session, id in self.messages}
        found |= {("first", session, name) for session, name in self.firsts}
        for what in _BY_SESSION:
            found |= {(what, session, "") for session in getattr(self, what)}
        return found

    def add_row(self, what: str, session: int, message: str) -> None:
        """Add a row of `_unfolded`."""
        if what == "transcript":
            self.transcripts.add(session)
            self.done[session] = message
        elif what == "message":
            self.messages.add((session, message))
        elif what == "first":
            self.firsts.add((session, message))
        else:
            getattr(self, what).add(session)
