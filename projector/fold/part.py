"""A part of the fold: the sessions whose text one database of several holds.

A session belongs to exactly one of the parts, by a hash of its id. Each part reads all lanes, and
keeps of the sessions of other parts only what decides about its own: no text (`skeleton`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from journal.process.fork import no_fork

MOST = 1024
"""Most parts of one journal."""
_TEXT = re.compile(r"([1-9][0-9]{0,3})/([1-9][0-9]{0,3})")
_FOLDER = re.compile(r"part-([0-9]{2,4})-of-([0-9]{2,4})")


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """One of several parts.

    Attributes:
        of: how many there are.
        number: which one it is, from 1.
    """

    of: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the part that a text such as `3/16` names.

        Raises:
            ValueError: it names none.
        """
        found = _TEXT.fullmatch(text)
        part = None if found is None else cls(int(found[2]), int(found[1]))
        if part is None or not part.number <= part.of <= MOST:
            raise ValueError(
                f"a part is K/N with 1 <= K <= N <= {MOST}, such as 3/16, not {text!r}"
            )
        return part

    @classmethod
    def of_folder(cls, name: str) -> Self | None:
        """Return the part whose folder has this name; None if it is the folder of none."""
        found = _FOLDER.fullmatch(name)
        if found is None:
            return None
        part = cls(int(found[2]), int(found[1]))
        return part if part.folder == name and 0 < part.number <= part.of <= MOST else None

    @property
    def folder(self) -> str:
        """The name of its folder."""
        return f"part-{self.number:02d}-of-{self.of:02d}"

    def has(self, session: str) -> bool:
        """Return whether a session belongs to it.

        The first 8 bytes of the SHA-256 of the session's id are a big-endian number; that modulo
        `of`, plus one, is the number of its part. docs/format.md has it, so that other programs
        find the part of a session.
        """
        with no_fork.turn:
            from hashlib import sha256  # noqa: PLC0415 - it loads OpenSSL, and most projections have no parts

        # an id read from a foreign lane can have a lone surrogate
        digest = sha256(session.encode(errors="surrogatepass")).digest()
        return int.from_bytes(digest[:8], "big") % self.of + 1 == self.number

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"
