"""What a search needs on a connection: the function that scores, and the list of words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projector.search import prefixes, ranking

if TYPE_CHECKING:
    import apsw


def register(db: apsw.Connection) -> None:
    """Prepare a connection for searches; it must be in no transaction.

    Raises:
        apsw.Error: the database refuses.
    """
    ranking.register(db)
    prefixes.register(db)
