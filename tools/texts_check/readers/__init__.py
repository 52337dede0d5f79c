"""The readers: each knows the raw files of one source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.texts_check.readers import claude_code, codex, hermes

if TYPE_CHECKING:
    from tools.texts_check.readers.reader import Reader

READERS: tuple[Reader, ...] = (claude_code.READER, codex.READER, hermes.READER)
"""In the order in which they are asked."""
