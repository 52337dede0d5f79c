"""The files of the folder `assets`, read once: a request names one of them, and no path."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING

from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file.

    Attributes:
        content: its bytes.
        type: its media type.
        tag: changes with its content; with the quotes that the header `ETag` has.
    """

    content: bytes
    type: str
    tag: str


@cache
def static_files() -> Mapping[str, StaticFile]:
    """Return the files by their names."""
    found = {}
    for file in files("projector.web").joinpath("assets").iterdir():
        kind = _TYPES.get(file.name[file.name.rfind(".") :])
        if kind is not None:
            content = file.read_bytes()
            tag = f'"{sha256(content).hexdigest()[:32]}"'
            found[file.name] = StaticFile(content, kind, tag)
    return found


async def static_file(request: Request) -> Response:
    """Answer with a file, or with 304 if the browser has it."""
    found = static_files().get(request.path_params["name"])
    if found is None:
        return Response("there is no such file\n", 404, media_type="text/plain")
    headers = {"ETag": found.tag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == found.tag:
        return Response(status_code=304, headers=headers)
    return Response(found.content, media_type=found.type, headers=headers)
