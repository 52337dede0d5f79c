"""Ids of sessions that a user gave in short."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from projector.projection import Projection
from projector.views.session_names import find_session, matching

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import apsw


_KNOWN = "SELECT 1 FROM _sessions WHERE session = ?1 OR parent = ?1 LIMIT 1"
"""Whether a text is an id, also of a session that is deleted, or that only others name."""


def whole_ids(path: Path, names: Iterable[str], *, asks: bool) -> dict[str, str]:
    """Return the id of the session that each text names; a text that names none as it is.

    Args:
        path: folder of the journal.
        names: ids, or short ids.
        asks: whether the user sees which sessions these are before anything is done.

    Raises:
        click.UsageError: an id is short, and the user does not see of which session.
        NotFound: several sessions match; the message lists some.
    """
    wanted = tuple(dict.fromkeys(names))
    if not wanted:
        return {}
    with Projection.open(path) as projection:
        found = projection.read(lambda db: {name: _whole_id(db, name) for name in wanted})[0]
    for name, session in found.items():
        if name != session and not asks:
            raise click.UsageError(f"with --yes give whole ids: {name!r} is short for {session!r}")
    return found


def _whole_id(db: apsw.Connection, name: str) -> str:
    if db.execute(_KNOWN, (name,)).get is not None or not matching(db, name):
        return name
    return find_session(db, name)
