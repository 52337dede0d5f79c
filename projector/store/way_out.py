"""Values that leave a journal, without secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal.fs.directory import open_directory
from journal.redact.setup import way_out

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def without_secrets(journal: Path, values: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return objects without secrets; ids and names of roles, tools and models are as they were.

    Args:
        journal: the journal's folder.
        values: the objects, with any JSON in them.

    Raises:
        NotAJournalError: there is no journal.
        RedactionError: `redact.toml` in its folder cannot be used.
    """
    redactor = way_out(open_directory(journal, create=False).path)
    # all fields of an event of an unknown type are redacted
    return [redactor.redact("", value)[0] for value in values]
