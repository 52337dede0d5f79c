"""The format `html` of `projector export`: it needs the extra `web`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.process.loading import load
from projector.errors import QueryError
from projector.export.conversation import Format
from projector.web.needed import EXTRA, RENDERING, missing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from projector.export.conversation import Conversation, Settings


def _write(conversations: Iterable[Conversation], settings: Settings) -> Iterator[str]:
    """Return the pieces of a document.

    Raises:
        QueryError: packages are missing.
    """
    if lacking := missing(RENDERING):
        raise QueryError(f"the format html needs {lacking}: {EXTRA}")
    pieces: Iterator[str] = load("projector.web.export.document").document(conversations, settings)
    return pieces


HTML = Format("html", "one page to read, print and share, without scripts", _write)
