"""A server over HTTP that adds the token to each request, for programs that send none.

`python -m tests.projector.mcp.open_server JOURNAL` prints its URL and serves until a signal.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn

from projector.mcp.command import http_call
from projector.mcp.http.sdk import sdk_server
from projector.mcp.http.serve import HOST, PATH, application, new_token
from projector.mcp.tools.registry import tools

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send


def main(journal: str) -> None:
    """Serve."""
    token = new_token()
    with http_call(Path(journal), 60.0) as run, socket.create_server((HOST, 0)) as listening:
        port = listening.getsockname()[1]
        app = application(sdk_server(tools(notes=False), run), port, token)

        async def with_token(scope: Scope, receive: Receive, send: Send) -> None:
            added = (b"authorization", f"Bearer {token}".encode())
            headers: list[Any] = [*scope.get("headers", ()), added]
            await app({**scope, "headers": headers}, receive, send)

        sys.stdout.write(f"http://{HOST}:{port}{PATH}\n")
        sys.stdout.flush()
        config = uvicorn.Config(with_token, log_level="error", access_log=False, ws="none")
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main(sys.argv[1])
