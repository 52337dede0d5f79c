"""What a session gives its messages, found in them where none of its events says it.

The first message of the transcript that has a working directory, a branch or a model of its own
decides: its value is in `first_<field>` of `_sessions`, and counts where no event of the session
gives the field. So a search finds a prompt by the model that answered it, and `sessions`, `usage`
and the filters compare one value. Sources are not looked for: a session may have several, and what
says none is of none.

A message that arrives or changes marks the field (`note_value`) if its value is another one than
that of the session; an order or a state that changes marks those fields that have a value
(`note_order`). What is marked is looked for again before the commit, in the messages as they are
then, so the value does not depend on the order of arrival.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from projector.apply.facets import retag
from projector.apply.portion import ROW
from projector.db.kinds import MESSAGE
from projector.db.tags import FIRST, FOUND, GIVEN, Inherited
from projector.fold.facets import LONGEST
from projector.fold.messages import IN_TRANSCRIPT
from projector.views.fields import FIELDS
from projector.views.sessions import ORDER

if TYPE_CHECKING:
    import apsw

    from projector.apply.portion import Portion
    from projector.apply.state import State
    from projector.fold.facets import Own

_OWN = {field.column: field.own for field in FIELDS.values()}
_UPDATE = f"UPDATE _sessions SET {', '.join(f'{column} = ?' for column in FIRST)} WHERE id = ?"


def note_value(state: State, session: int, own: Own) -> None:
    """Mark the fields to which a message in the transcript of a session may give a value."""
    _, *values = own
    for field, value, first in zip(FOUND, values, state.firsts[session], strict=True):
        if value is not None and value != first:
            state.dirty.firsts.add((session, field))


def note_order(state: State, session: int) -> None:
    """Mark the fields of a session whose value may be of another message now."""
    firsts = zip(FOUND, state.firsts[session], strict=True)
    state.dirty.firsts.update((session, field) for field, first in firsts if first is not None)


def refold_firsts(db: apsw.Connection, state: State, portion: Portion) -> None:
    """Look for the values of marked sessions again, as far as the portion goes.

    The messages must be in their order: no session may be marked in `Dirty.order` any more.
    """
    marked = state.dirty.firsts
    for session in sorted({session for session, _ in marked}):
        if portion.is_spent():
            return
        portion.spend(ROW)
        before = state.firsts[session]
        now = tuple(
            _first(db, session, field) if (session, field) in marked else first
            for field, first in zip(FOUND, before, strict=True)
        )
        if now != before:
            state.firsts[session] = now
            db.execute(_UPDATE, (*now, session))
            state.regiven.add(session)
        marked.difference_update((session, field) for field in FOUND)


def retag_regiven(db: apsw.Connection, state: State, portion: Portion) -> None:
    """Give the messages of sessions that may give them something else now new tags.

    Both what events say and what messages say must be folded: else messages would get tags twice.
    What is left here is lost at worst, and a search compares the rows of these sessions.
    """
    while state.regiven and not portion.is_spent():
        session = state.regiven.pop()
        portion.spend(retag(db, state, session, _given(db, session)))


def _given(db: apsw.Connection, session: int) -> Inherited:
    """Return what a session gives its messages."""
    row = db.execute(f"SELECT {GIVEN} FROM _sessions WHERE id = ?", (session,)).fetchone()
    return Inherited(*row or ())


def _first(db: apsw.Connection, session: int, field: str) -> str | None:
    """Return the value of the first message in the transcript that has one of its own."""
    query = (
        f"SELECT {_OWN[field]} AS own FROM _events e WHERE session = ? AND kind = {MESSAGE}"
        f" AND state = {IN_TRANSCRIPT} AND own IS NOT NULL ORDER BY {ORDER}"
    )
    # a name that is too long is no facet; SQLite counts its characters up to the first NUL only
    values = (str(value) for (value,) in db.execute(query, (session,)))
    return next((value for value in values if len(value) <= LONGEST), None)
