"""Reads the chat history of Aider: Markdown, in which `####` is before what a person typed."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING

from tools.texts_check.pieces import Item, text
from tools.texts_check.readers.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.texts_check.raw_files import RawFile

_CHAT = re.compile(r"^# aider chat started at .*$", re.MULTILINE)
_ROLES = (("#### ", "user"), ("> ", "system"))


def _claims(file: RawFile) -> bool:
    return file.path.suffix == ".md" and _CHAT.search(file.text) is not None


def _read(file: RawFile) -> Iterator[Item]:
    heads = _CHAT.findall(file.text)
    for head, chat in zip(heads, _CHAT.split(file.text)[1:], strict=True):
        session = head.split(" at ", 1)[1].strip().replace(" ", "T")
        for number, (role, lines) in enumerate(groupby(chat.split("\n"), _role)):
            found = "\n".join(line.removeprefix("#### ").removeprefix("> ") for line in lines)
            yield Item(session, f"{head} {number}", (text(role, found),))


def _role(line: str) -> str:
    return next((role for mark, role in _ROLES if line.startswith(mark)), "assistant")


READER = Reader("aider", _claims, _read)
