"""Reads the conversations in the zip file of a data export, as one JSON document.

An export has one `conversations.json`, or several numbered ones, each a list; several are read as
one list. Nothing is unpacked to the disk.
"""

from __future__ import annotations

import errno
import io
import os
import re
import zipfile
import zlib
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ARCHIVE = ".zip"
_CONVERSATIONS = re.compile(r"conversations(?:[-_][0-9]{1,6})?\.json")
_CHUNK = 256 * 1024
_SPACE = b" \t\r\n"
_DAMAGE = (zipfile.BadZipFile, zlib.error)


def has_conversations(path: Path) -> bool:
    """Return whether a zip file has conversations; one that cannot be read has none."""
    try:
        with zipfile.ZipFile(path) as archive:
            return bool(_members(archive))
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return False


def open_archive(path: Path) -> BinaryIO:
    """Open the conversations of a zip file.

    Raises:
        OSError: it cannot be opened, is damaged, or has no conversations; a later read raises it
            where its data are damaged or encrypted.
    """
    file = path.open("rb")
    try:
        return io.BufferedReader(_Conversations(file), _CHUNK)
    except BaseException:
        file.close()
        raise


def _members(archive: zipfile.ZipFile) -> list[str]:
    names = archive.namelist()
    return sorted(it for it in names if _CONVERSATIONS.fullmatch(it.rpartition("/")[2]))


class _Conversations(io.RawIOBase):
    """The lists in an archive as one; seeking back reads it again from its beginning."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        try:
            self._archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, ValueError) as error:
            raise OSError(errno.EIO, f"broken zip file: {error}") from error
        self._names = _members(self._archive)
        if not self._names:
            raise OSError(errno.ENODATA, "a zip file without conversations.json")
        self._restart()

    def _restart(self) -> None:
        self._chunks = self._read()
        self._rest = b""
        self._at = 0

    def _read(self) -> Iterator[bytes]:
        if len(self._names) == 1:
            yield from self._member(self._names[0])
            return
        before = b"["
        for name in self._names:
            for chunk in _inside(self._member(name)):
                yield before + chunk
                before = b""
            before = before or b","
        yield b"[]" if before == b"[" else b"]"

    def _member(self, name: str) -> Iterator[bytes]:
        try:
            with self._archive.open(name) as member:
                while chunk := member.read(_CHUNK):
                    yield chunk
        except (*_DAMAGE, RuntimeError, NotImplementedError, EOFError) as error:
            # a RuntimeError means that it is encrypted
            raise OSError(errno.EIO, f"{name} in the zip file: {error}") from error

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._file.fileno()

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - anything writable
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = chunk
        part, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence != os.SEEK_SET:
            raise OSError(errno.ESPIPE, "only a place from the beginning can be sought")
        if offset < self._at:
            self._restart()
        scratch = bytearray(_CHUNK)
        while self._at < offset:
            if not self.readinto(memoryview(scratch)[: offset - self._at]):
                break
        return self._at

    def tell(self) -> int:
        return self._at

    def close(self) -> None:
        if not self.closed:
            self._archive.close()
            self._file.close()
        super().close()


def _inside(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield what is between the brackets of a list; nothing for an empty one.

    Anything else than a list is yielded as it is, so that it is one item.
    """
    held, opened = b"", False
    for chunk in chunks:
        held += chunk
        if not opened:
            held = held.lstrip(_SPACE + b"\xef\xbb\xbf")
            if not held:
                continue
            opened = True
            held = held.removeprefix(b"[").lstrip(_SPACE)
        # the end of the list, and white space after it, are held back until more follows
        end = len(held.rstrip(_SPACE + b"]"))
        if end:
            yield held[:end]
            held = held[end:]
    if rest := held.rstrip(_SPACE).removesuffix(b"]").strip(_SPACE):
        yield rest
