"""Opens a source: directly, decompressed, or as the conversations in the zip file of an export.

Codex compresses older rollouts with zstandard.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import TYPE_CHECKING, Any, BinaryIO

from journal.importers.files.archives import ARCHIVE, open_archive
from journal.importers.files.walk import COMPRESSED

if TYPE_CHECKING:
    from pathlib import Path

_BUFFER = 256 * 1024


def open_source(path: Path) -> BinaryIO:
    """Open a file for reading; a compressed file is decompressed, also in a zip file.

    Raises:
        OSError: it cannot be opened; a later read raises it where the compressed data are broken.
    """
    if path.name.endswith(ARCHIVE):
        return open_archive(path)
    file = path.open("rb", _BUFFER)
    if not path.name.endswith(COMPRESSED):
        return file
    return io.BufferedReader(_Decompressed(file), _BUFFER)


def bytes_read(stream: BinaryIO) -> int:
    """Return how many bytes of its file were read for a source, about; a stream reads ahead."""
    return os.lseek(stream.fileno(), 0, os.SEEK_CUR)


def decompress(raw: bytes, most: int) -> bytes:
    """Decompress a zstandard frame that is in memory.

    Raises:
        OSError: it is broken, or has more than `most` bytes.
    """
    zstd = _zstd()
    try:
        with zstd.ZstdFile(io.BytesIO(raw)) as stream:
            found = bytes(stream.read(most + 1))
    except (EOFError, zstd.ZstdError) as error:
        text = f"broken zstd data: {error}".splitlines()[0]
        raise OSError(errno.EIO, text) from error
    if len(found) > most:
        raise OSError(errno.EFBIG, f"zstd data of more than {most:,} bytes")
    return found


class _Decompressed(io.RawIOBase):
    """The bytes of a compressed file; seeking back reads it again from its beginning."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        zstd = _zstd()
        self._file = file
        self._errors = (EOFError, zstd.ZstdError)
        self._stream = zstd.ZstdFile(file)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._file.fileno()

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - anything writable
        try:
            data = self._stream.read1(len(buffer))
        except self._errors as error:
            text = f"broken zstd data: {error}".splitlines()[0]
            raise OSError(errno.EIO, text) from error
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        try:
            return int(self._stream.seek(offset, whence))
        except self._errors as error:
            raise OSError(errno.EIO, f"broken zstd data: {error}") from error

    def tell(self) -> int:
        return int(self._stream.tell())

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
            self._file.close()
        super().close()


def _zstd() -> Any:  # noqa: ANN401 - a module: one of two with the same names
    """Load zstandard: Python has it from 3.14 on, and before that a package of the same names."""
    if sys.version_info >= (3, 14):
        from compression import zstd  # noqa: PLC0415 - only a compressed source needs it
    else:
        from backports import zstd  # noqa: PLC0415 - the same
    return zstd
