"""Files in which a source keeps large outputs of tools, as messages of their own."""

from __future__ import annotations

import codecs
import os
import stat
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from journal.importers.files.decode import BYTES
from journal.importers.parsing.events import message

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO
    from pathlib import Path

    from journal.importers.parsing.parser import Found, SideFile

_PART = 4 * 1024 * 1024
"""Bytes of text in one message; a longer file becomes several messages."""


@dataclass(frozen=True, slots=True)
class Texts:
    """One side file.

    Attributes:
        path: the file.
        messages: its text as messages; the file is read while they are consumed.
    """

    path: Path
    messages: Iterator[Found]


def read_side_file(source: Path, item: SideFile) -> Texts:
    """Open a side file: it is in the folder of its session beside the transcript.

    The path that the transcript names is not followed: a transcript could name any file.

    Raises:
        OSError: there is no such file, or it cannot be read.
    """
    beside = source.resolve().parent
    folders = (beside / source.stem, beside / item.session, beside.parent, beside)
    failure: OSError = FileNotFoundError(2, "the file is not there")
    for folder in folders:
        path = folder / item.folder / item.name
        try:
            file = _open(path)
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:  # a file name cannot contain NUL
            failure = error if isinstance(error, OSError) else OSError(22, str(error))
            continue
        return Texts(path, _messages(file, item))
    raise failure


def message_without_file(item: SideFile) -> Iterator[Found]:
    """Yield the message for a side file that is not there, if its line has enough for one."""
    if item.instead is not None:
        data = {**item.data, **item.instead}
        yield message(item.line, item.session, _id(item, 1), data)


def _id(item: SideFile, number: int) -> str:
    return f"{item.folder}/{item.name}" + (f"#{number}" if number > 1 else "")


def _open(path: Path) -> FileIO:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(22, "no regular file")
    return open(descriptor, "rb", buffering=0)  # noqa: PTH123 - closed by who reads it


def _messages(file: FileIO, item: SideFile) -> Iterator[Found]:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    with file:
        number, block = 1, file.read(_PART)
        while block or number == 1:
            following = file.read(_PART)
            text = decoder.decode(block, final=not following)
            data = {**item.data, "content": text}
            found = message(item.line, item.session, _id(item, number), data)
            if "\ufffd" in text and b"\xef\xbf\xbd" not in block:
                found = _repaired(found)
            yield found
            number, block = number + 1, following


def _repaired(found: Found) -> Found:
    return replace(found, repairs=(*found.repairs, BYTES))
