"""Short ids of sessions, for output that a person reads on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.cli.kit.output import is_terminal
from projector.views.session_names import short_ids

if TYPE_CHECKING:
    from collections.abc import Sequence

    from projector.projection import Projection


def short_names(projection: Projection, sessions: Sequence[str]) -> dict[str, str] | None:
    """Return the short id of each session; None if standard output is no terminal.

    A program that reads the output gets whole ids: a short one can become ambiguous.
    """
    if not is_terminal():
        return None
    return projection.read(lambda db: short_ids(db, sessions))[0]
