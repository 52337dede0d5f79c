"""The readers: each knows the raw files of one source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.texts_check.readers import databases, documents, lines

if TYPE_CHECKING:
    from tools.texts_check.readers.reader import Reader

READERS: tuple[Reader, ...] = (*databases.READERS, *lines.READERS, *documents.READERS)
"""In the order in which they are asked; formats with the fewest marks of their own are the last."""
