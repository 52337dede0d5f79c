"""Titles: cleaned, unique among sessions, and numbered along a conversation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from projector.adapters.hermes.base import Base
from projector.adapters.hermes.events import Event, session_revised
from projector.adapters.hermes.rows.like_patterns import beginning
from projector.adapters.hermes.rows.sessions import SESSIONS, Row, session_row, session_rows
from projector.adapters.hermes.rows.values import clean
from projector.adapters.hermes.sessions.continuations import is_compression_ancestor

if TYPE_CHECKING:
    import apsw

_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""ASCII control characters that are no white space."""
_INVISIBLE = re.compile("[\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffc\ufff9-\ufffb]")
"""Characters without width, of writing direction, and placeholders of other objects."""
_SPACES = re.compile(r"\s+")
_MOST_DIGITS = 18
"""Most digits of a number behind a title: a longer one was not counted up to."""


class Titles(Base):
    """Titles of sessions.

    Attributes:
        MAX_TITLE_LENGTH: the most characters of a title.
    """

    MAX_TITLE_LENGTH = 100

    @staticmethod
    def sanitize_title(title: str | None) -> str | None:
        """Return a title on one line, without invisible characters; None if it is empty.

        Raises:
            ValueError: the title is too long.
        """
        if not title:
            return None
        visible = _INVISIBLE.sub("", _CONTROLS.sub("", title))
        cleaned = clean(_SPACES.sub(" ", visible).strip())
        if len(cleaned) > Titles.MAX_TITLE_LENGTH:
            raise ValueError(
                f"Title too long ({len(cleaned)} chars, max {Titles.MAX_TITLE_LENGTH})"
            )
        return cleaned or None

    def set_session_title(self, session_id: str, title: str) -> bool:
        """Set or remove the title of a session; return whether the session exists.

        Raises:
            ValueError: the title is too long, or another session has it.
            ArbiterBusy, NotProjected: as `SessionStore.decide`.
        """
        return self._set_title(session_id, title, only_if_empty=False)

    def set_auto_title_if_empty(self, session_id: str, title: str) -> bool:
        """Set the title of a session that has none, as `set_session_title`; return whether it did.

        Raises:
            ValueError, ArbiterBusy, NotProjected: as `set_session_title`.
        """
        return self._set_title(session_id, title, only_if_empty=True)

    def _set_title(self, session: str, given: str, *, only_if_empty: bool) -> bool:
        title = self.sanitize_title(given)

        def question(db: apsw.Connection) -> tuple[bool, list[Event]]:
            row = session_row(db, session)
            if only_if_empty and (row is None or row["title"] is not None):
                return False, []
            if title is None:
                events = [session_revised(session, clear=["title"])]
            else:
                events = self._take_over(db, session, title)
                events.append(session_revised(session, title=title))
            return (False, []) if row is None else (True, events)

        return self._store.decide(question)

    def _take_over(self, db: apsw.Connection, session: str, title: str) -> list[Event]:
        """Return the events that take a title away from compressed ancestors of a session.

        Raises:
            ValueError: another session has the title.
        """
        query = f"SELECT s.id FROM {SESSIONS} s WHERE s.title = ? AND s.id <> ?"
        events = []
        for holder in [str(id) for (id,) in db.execute(query, (title, session))]:
            if not self._is_later or not is_compression_ancestor(db, holder, session):
                raise ValueError(f"Title '{title}' is already in use by session {holder}")
            # lists do not show the compressed session: the user could not free its title
            events.append(session_revised(holder, clear=["title"]))
        return events

    def get_session_title(self, session_id: str) -> str | None:
        """Return the title of a session; None if it has none or does not exist."""

        def query(db: apsw.Connection) -> str | None:
            titled = f"SELECT s.title FROM {SESSIONS} s WHERE s.id = ?"
            found: str | None = db.execute(titled, (session_id,)).get
            return found

        return self._read(query)

    def get_session_by_title(self, title: str) -> Row | None:
        """Return the session with exactly this title; None if there is none."""
        return self._read(lambda db: _titled(db, title))

    def resolve_session_by_title(self, title: str) -> str | None:
        """Return the id of the newest session titled `title #N`, else of the one titled `title`."""

        def query(db: apsw.Connection) -> str | None:
            latest = (
                f"SELECT s.id FROM {SESSIONS} s WHERE s.title LIKE ? ESCAPE '\\'"
                " ORDER BY s.started_at DESC LIMIT 1"
            )
            numbered: str | None = db.execute(latest, (beginning(f"{title} #"),)).get
            if numbered is not None:
                return numbered
            exact = _titled(db, title)
            return None if exact is None else str(exact["id"])

        return self._read(query)

    def get_next_title_in_lineage(self, base_title: str) -> str:
        """Return the title, or `title #N` with the first number above all that are in use."""
        base = _numbered(base_title)[0]

        def query(db: apsw.Connection) -> list[str]:
            used = (
                f"SELECT s.title FROM {SESSIONS} s WHERE s.title = ? OR s.title LIKE ? ESCAPE '\\'"
            )
            return [str(t) for (t,) in db.execute(used, (base, beginning(f"{base} #")))]

        used = self._read(query)
        if not used:
            return base
        return f"{base} #{max(1, *(_numbered(title)[1] for title in used)) + 1}"


def _numbered(title: str) -> tuple[str, int]:
    """Return a title without its number, and the number; 0 if it has none."""
    base, mark, digits = title.removesuffix("\n").rpartition(" #")
    is_number = bool(mark) and digits.isdecimal() and len(digits) <= _MOST_DIGITS
    is_number = is_number and "\n" not in base  # Hermes's pattern matches one line
    return (base, int(digits)) if is_number else (title, 0)


def _titled(db: apsw.Connection, title: str) -> Row | None:
    found = session_rows(db, "s.title = ?", (title,), "ORDER BY s.started_at DESC LIMIT 1")
    return found[0] if found else None
