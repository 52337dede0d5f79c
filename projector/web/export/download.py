"""A session as a file to keep: the formats of `projector export`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, get_args

from projector.errors import ProjectionError
from projector.export.blocks import blocks
from projector.export.conversation import Detail
from projector.export.export import begin_export
from projector.export.reading import as_applied
from projector.projection import Projection
from projector.web import params as given
from projector.web.sending.slots import Sent, Slots

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from starlette.responses import Response

    from projector.export.export import Export

MOST = 4
"""Files that are sent at a time: each has a handle of its own, and its reader may be slow."""
_PIECE = 64 * 1024
"""Characters that are sent at a time, at least."""
_DETAILS: tuple[Detail, ...] = get_args(Detail)
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_NAME = 80
"""Characters of a file's name without its ending."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a format is sent: its type, and the ending of the file."""

    type: str
    ending: str


_KINDS = {
    "md": _Kind("text/markdown; charset=utf-8", "md"),
    "html": _Kind("text/html; charset=utf-8", "html"),
    "json": _Kind("application/json", "json"),
    "jsonl": _Kind("application/x-ndjson", "jsonl"),
    "atif": _Kind("application/json", "atif.json"),
    "otlp": _Kind("application/x-ndjson", "otlp.jsonl"),
}


class Downloads:
    """Begins to send sessions as files, some at a time. Safe for threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._slots = Slots(MOST)

    def begin(self, params: Mapping[str, str], method: str) -> Response:
        """Return an answer with a session, which is read while it is sent.

        Args:
            params: of the address: `id`, `format` and `detail`.
            method: of the request.

        Raises:
            ValueError: a parameter is wrong.
            NotFound: there is no such session, or there are several.
            ProjectionError: the projection cannot be read, or too many files are sent.
            RedactionError: `redact.toml` cannot be used.
        """
        name = given.text(params, "id")
        if name is None:
            raise ValueError("the address lacks `id`, the id of a session")
        format = given.choice(params, "format", tuple(_KINDS), "md")
        detail = next(
            each for each in _DETAILS if each == given.choice(params, "detail", _DETAILS, "full")
        )
        if not self._slots.take():
            raise ProjectionError(f"{MOST} files are being sent; try again when one is done")
        projection = None
        try:
            projection = Projection.open(self._path)
            export = begin_export(
                projection, self._path, [name], format, detail=detail, look=as_applied
            )
            kind = _KINDS[format]
            headers = {
                "Content-Disposition": f'attachment; filename="{_file_name(export, kind)}"',
                "Content-Type": kind.type,
            }
            sent = Sent(encoded(export.pieces), partial(self._end, projection), headers)
        except BaseException:
            self._end(projection)
            raise
        return sent.headers_alone() if method == "HEAD" else sent

    def _end(self, projection: Projection | None) -> None:
        if projection is not None:
            projection.close()
        self._slots.leave()


def encoded(pieces: Iterator[str]) -> Iterator[bytes]:
    """Yield a text in blocks; the first piece at once, as what follows may take long to begin."""
    for block in chain(islice(pieces, 1), blocks(pieces, _PIECE)):
        yield block.encode()


def _file_name(export: Export, kind: _Kind) -> str:
    return f"{_safe(export.sessions[0])}.{kind.ending}"


def _safe(name: str) -> str:
    """Return a name for a file that no system takes for anything else."""
    return _UNSAFE.sub("-", name)[:_NAME].strip("-") or "session"
