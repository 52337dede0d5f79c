"""The server over HTTP: only for programs of this machine that know the token."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import httpx2
import pytest
from click.testing import CliRunner
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from journal import Journal
from projector.cli import cli
from projector.mcp.command import TOKEN
from projector.mcp.http.sdk import sdk_server
from projector.mcp.http.serve import application, new_token
from projector.mcp.tools.registry import tools

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

_PORT = 7463
_BODY = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).encode()


def _status(*headers: tuple[str, str], kind: str = "http") -> int:
    """Return how the application answers a request."""
    app = application(sdk_server(tools(notes=False), lambda *_: ("", False)), _PORT, "right")
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": _BODY, "more_body": False}

    async def send(message: Any) -> None:  # noqa: ANN401 - of ASGI
        sent.append(message)

    async def ask() -> None:
        given = {
            "host": f"127.0.0.1:{_PORT}",
            "accept": "application/json, text/event-stream",
            "content-type": "application/json",
        }
        raw = [(name.encode(), value.encode()) for name, value in given.items() if name != "host"]
        named = {name for name, _ in headers}
        raw += [(b"host", given["host"].encode())] if "host" not in named else []
        raw += [(name.encode(), value.encode()) for name, value in headers]
        scope = {
            "type": kind,
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "path": "/mcp",
            "raw_path": b"/mcp",
            "query_string": b"",
            "headers": raw,
            "scheme": "http",
            "server": ("127.0.0.1", _PORT),
            "client": ("127.0.0.1", 1),
        }
        manager = app._inner.router.lifespan_context(app)  # type: ignore[attr-defined]
        async with manager:
            await app(scope, receive, send)

    anyio.run(ask)
    return next(int(one["status"]) for one in sent if one["type"] == "http.response.start")


@pytest.mark.parametrize(
    "given",
    [
        [],
        [("authorization", "Bearer wrong")],
        [("authorization", "Bearer rig")],
        [("authorization", "Bearer right ")],
        [("authorization", "Bearer RIGHT")],
        [("authorization", "Basic right")],
        [("authorization", "Bearerright")],
        [("authorization", "right")],
        [("authorization", "Bearer ")],
        [("authorization", "Bearer right"), ("authorization", "Bearer right")],
        [("authorization", "Bearer ri\u00e9ht")],
    ],
)
def test_a_request_without_the_token_is_refused(given: list[tuple[str, str]]) -> None:
    """No token, a wrong one, a part of it, another scheme, and two headers: all get 401."""
    assert _status(*given) == 401


@pytest.mark.parametrize("given", ["Bearer right", "bearer right", "BEARER  right"])
def test_the_name_of_the_scheme_may_have_any_case(given: str) -> None:
    """`bearer` is `Bearer`, and blanks may stand between it and the token."""
    assert _status(("authorization", given)) == 200


def test_a_request_of_a_page_in_a_browser_is_refused() -> None:
    """With the token, `Host` and `Origin` must name loopback and this port."""
    token = ("authorization", "Bearer right")
    assert _status(token) == 200
    assert _status(token, ("origin", f"http://localhost:{_PORT}")) == 200
    for host in ("evil.example", f"evil.example:{_PORT}", "127.0.0.1:80", "127.0.0.1.evil.example"):
        assert _status(token, ("host", host)) == 421
    for origin in ("http://evil.example", "null", "http://localhost:80"):
        assert _status(token, ("origin", origin)) == 403


def test_tokens_are_long_and_differ() -> None:
    """256 random bits, other ones each time."""
    assert len(new_token()) >= 43
    assert new_token() != new_token()


def test_without_the_sdk_an_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """`--http` says what to install; `--port` without it is a wrong usage."""
    monkeypatch.setattr("projector.mcp.command.find_spec", lambda _: None)
    done = CliRunner().invoke(cli, ["mcp", "--http"])
    assert done.exit_code == 1
    assert "pip install 'agent-journal[mcp]'" in done.stderr
    assert CliRunner().invoke(cli, ["mcp", "--port", "1"]).exit_code == 2


def test_the_client_of_the_sdk_searches_over_http(
    journal_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    start_command: Callable[..., subprocess.Popen[str]],
) -> None:
    """The command prints its URL; a client with the token searches; a signal ends it."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s1", "user", "the retry budget is three attempts", id="m1")
    monkeypatch.setenv(TOKEN, "of-the-test")
    program = Path(sys.executable).with_name("projector")
    server = start_command(program, "--journal", journal_dir, "mcp", "--http", "--port", "0")
    assert server.stdout is not None
    url = server.stdout.readline().strip()
    assert url.startswith("http://127.0.0.1:")

    async def use() -> str:
        headers = {"Authorization": "Bearer of-the-test"}
        with anyio.fail_after(30):
            async with (
                httpx2.AsyncClient(headers=headers) as http,
                Client(streamable_http_client(url, http_client=http)) as client,
            ):
                found = await client.call_tool("search", {"query": "retry budget"})
                return found.content[0].text  # type: ignore[union-attr] # it is a text

    assert "three attempts" in anyio.run(use)
    server.send_signal(signal.SIGTERM)
    assert server.wait(20) == -signal.SIGTERM
