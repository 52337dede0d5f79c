"""What is left of forgotten messages in the files of a journal, byte by byte."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.torture.soak.forgetting.model import place, session_word, word

if TYPE_CHECKING:
    from pathlib import Path

    from tests.torture.soak.forgetting.model import Key, Named

_TAIL = 12
"""Characters at the end of a word by which it is looked for: in the index the first ones can be
missing, which it has in common with the word before it."""
_HEX = re.compile(rb"[0-9a-f]{%d,}" % _TAIL)
_NAME = re.compile(rb"(?:writer|old)[0-9]-(?:[sf][0-9]{5}|[0-9]{7})")


def find_remains(folder: Path, gone: Named, keys: list[Key]) -> list[str]:
    """Return what is left of forgotten messages and sessions in the files below a folder.

    Args:
        folder: the journal's.
        gone: what requests name.
        keys: the keys of all messages.
    """
    names = {key[1].encode() for key in keys if gone.fate(key) == "gone"}
    names |= {session.encode() for session in gone.sessions}
    # the word of a message that another session repeats can stand there for the other one
    there = {word(*place(key[1]))[-_TAIL:] for key in keys if gone.fate(key) != "gone"}
    words = {word(*place(id))[-_TAIL:] for _, id in keys} - there
    words |= {session_word(session)[-_TAIL:] for session in gone.sessions}
    tails = {tail.encode() for tail in words}
    return [
        f"{found.decode()} in {path.relative_to(folder)}"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for found in _look(path.read_bytes(), names, tails)
    ]


def _look(content: bytes, names: set[bytes], tails: set[bytes]) -> set[bytes]:
    found = names.intersection(_NAME.findall(content))
    for digits in _HEX.findall(content):
        for at in range(len(digits) - _TAIL + 1):
            if digits[at : at + _TAIL] in tails:
                found.add(digits[at : at + _TAIL])
    return found
