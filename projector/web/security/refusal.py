"""An answer that refuses a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import Receive, Scope, Send


async def refuse(
    scope: Scope,
    receive: Receive,
    send: Send,
    status: int,
    why: str,
    headers: Iterable[tuple[str, str]] = (),
) -> None:
    """Answer with a status and one line of plain text. No part of the request is repeated in it."""
    response = PlainTextResponse(f"{why}\n", status, dict(headers))
    await response(scope, receive, send)


def values(scope: Scope, name: bytes) -> list[bytes]:
    """Return every value of a header, which is named in lower case."""
    return [value for key, value in scope["headers"] if key == name]
