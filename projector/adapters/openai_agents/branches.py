"""The branches of a session: what they are named in the journal, and what it knows of them.

`main` is the session itself. A branch is a session below it: `<session>/<branch>`, a fork of the
branch that it comes from. The fields `extra.branch:<name>` of the session name its branches, also
those that are gone: no name is used twice.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import orjson

from journal import new_event
from projector.adapters.naming import joined
from projector.adapters.openai_agents.items import SOURCE, message_of
from projector.adapters.openai_agents.rows import copy_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import apsw

    from projector.adapters.openai_agents.rows import Stored

MAIN = "main"
OPEN, DELETED, CLEARED = "open", "deleted", "cleared"
"""States of a branch: one is deleted alone, all are cleared with the session."""
_KEY = "branch:"


def name_of(session: str, branch: str) -> str:
    """Return the session of the journal that holds a branch."""
    return session if branch == MAIN else f"{session}/{joined(branch)}"


def known(db: apsw.Connection, session: str) -> dict[str, str]:
    """Return the branches that a session has or had, but `main`, each with its state."""
    extra = db.execute("SELECT extra FROM sessions WHERE session = ?", (session,)).get
    fields: Mapping[str, Any] = orjson.loads(extra or b"{}")
    return {
        key.removeprefix(_KEY): str(state) for key, state in fields.items() if key.startswith(_KEY)
    }


def noted(branches: Iterable[str], state: str) -> dict[str, Any]:
    """Return the field of a session that says the state of branches."""
    return {_KEY + branch: state for branch in branches}


def has_items(db: apsw.Connection, name: str) -> bool:
    """Return whether a session of the journal has items."""
    query = "SELECT 1 FROM messages WHERE session = ? AND own_source = ? LIMIT 1"
    return db.execute(query, (name, SOURCE)).get is not None


def is_taken(db: apsw.Connection, session: str, branch: str) -> bool:
    """Return whether a branch, or a session with its name in the journal, is or was there."""
    query = "SELECT 1 FROM sessions WHERE session = ?"
    return (
        branch == MAIN
        or branch in known(db, session)
        or db.execute(query, (name_of(session, branch),)).get is not None
    )


def new_name(db: apsw.Connection, session: str, turn: int) -> str:
    """Return a name that no branch has or had, as the SDK makes it."""
    first = name = f"branch_from_turn_{turn}_{int(time.time())}"
    count = 1
    while is_taken(db, session, name):
        count += 1
        name = f"{first}_{count}"
    return name


def creation(
    session: str, branch: str, source: str, before: Iterable[Stored]
) -> list[dict[str, Any]]:
    """Return the events that make a branch: a fork that repeats what was said before.

    Args:
        session: the session.
        branch: the name of the branch.
        source: the branch that it comes from.
        before: what it repeats.
    """
    name = name_of(session, branch)
    about = {
        "title": branch,
        "source": SOURCE,
        "parent": name_of(session, source),
        "relation": "fork",
    }
    return [
        new_event(name, "session.created", about),
        *(
            new_event(
                name,
                "message.appended",
                message_of(each.item) | {"line": each.line, "timestamp": each.time},
                id=copy_id(each.id),
            )
            for each in before
        ),
        # the name comes last: a branch that a crash left half made is not known
        new_event(session, "session.revised", {"extra": noted([branch], OPEN)}),
    ]
