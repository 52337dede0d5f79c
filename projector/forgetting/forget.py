"""Plan what is to be forgotten, and forget it."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from journal.format.keyed_hash import KEY_BYTES, Key
from journal.fs.directory import open_directory
from journal.fs.key_file import read_keys
from journal.process import clock
from projector.errors import NotProjected
from projector.forgetting.plan import make_plan
from projector.projection import Projection

if TYPE_CHECKING:
    import os

    from projector.forgetting.plan import Plan
    from projector.forgetting.retention import Policy
    from projector.forgetting.selection import Selection

_PATIENCE = 60.0
"""Seconds to wait for a running projector: a plan must know all that was appended."""


def plan(path: str | os.PathLike[str], selection: Selection | Policy) -> Plan:
    """Return what a selection would forget; nothing is changed.

    Args:
        path: the journal's folder.
        selection: what is to be forgotten, or a policy of retention.

    Raises:
        NotAJournalError: there is no journal.
        NotFound: a session or message that the selection names is not in the journal.
        NotProjected: a projector runs and is behind.
        ProjectionError: the projection cannot be read or built.
        JournalOpenError: the file `key` is damaged.
    """
    directory = open_directory(path, create=False)
    # without a key nothing was redacted, and any key finds what repeats a message
    keys = read_keys(directory.path) or (Key(secrets.token_bytes(KEY_BYTES)),)
    with Projection.open(directory.path) as projection:
        found, fresh = projection.read(
            lambda db: make_plan(db, selection, keys[0], clock.wall()), patience=_PATIENCE
        )
    if not fresh:
        raise NotProjected(f"{fresh.behind}; a plan must know them. See `projector status`")
    return found
