"""A session as a file to keep: the formats of `projector export`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, get_args

from starlette.responses import Response, StreamingResponse

from projector.errors import ProjectionError
from projector.export.blocks import blocks
from projector.export.conversation import Detail
from projector.export.export import begin_export
from projector.export.reading import as_applied
from projector.projection import Projection
from projector.web import params as given

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from starlette.types import Receive, Scope, Send

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
        self._lock = Lock()
        self._open = 0

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
        self._enter()
        projection = None
        try:
            projection = Projection.open(self._path)
            export = begin_export(
                projection, self._path, [name], format, detail=detail, look=as_applied
            )
            download = Download(self, projection, export, _KINDS[format])
        except BaseException:
            if projection is not None:
                projection.close()
            self.leave()
            raise
        return download.headers_alone() if method == "HEAD" else download

    def _enter(self) -> None:
        with self._lock:
            if self._open >= MOST:
                raise ProjectionError(f"{MOST} files are being sent; try again when one is done")
            self._open += 1

    def leave(self) -> None:
        """Count a file as sent."""
        with self._lock:
            self._open -= 1


class Download(StreamingResponse):
    """An answer with a session as a file."""

    def __init__(
        self, downloads: Downloads, projection: Projection, export: Export, kind: _Kind
    ) -> None:
        name = f"{_safe(export.sessions[0])}.{kind.ending}"
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Type": kind.type,
        }
        sent = (block.encode() for block in blocks(export.pieces, _PIECE))
        super().__init__(sent, headers=headers)
        self._downloads, self._projection = downloads, projection

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; its reader may leave before the end."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._close()

    def headers_alone(self) -> Response:
        """Return the same answer without its body."""
        self._close()
        found = Response(headers=dict(self.headers))
        del found.headers["Content-Length"]  # it is not known before the text is made
        return found

    def _close(self) -> None:
        self._projection.close()
        self._downloads.leave()


def _safe(name: str) -> str:
    """Return a name for a file that no system takes for anything else."""
    return _UNSAFE.sub("-", name)[:_NAME].strip("-") or "session"
