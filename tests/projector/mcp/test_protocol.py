"""The protocol: our answers are those of a server of the SDK, and its client understands them."""

from __future__ import annotations

import io
import json
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from mcp import Client as SdkClient
from mcp import StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.shared._context_streams import create_context_streams  # as its own transports use it
from mcp.shared.message import SessionMessage
from mcp_types import TextContent, jsonrpc_message_adapter

from journal import Journal
from projector.mcp.errors import ToolError
from projector.mcp.http.sdk import sdk_server
from projector.mcp.protocol import HANDSHAKE, MODERN, Protocol
from projector.mcp.stdio import Stdio
from projector.mcp.tools.registry import tools
from tests.projector.mcp.asked import Asking

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator, Mapping

    from mcp.server.lowlevel import Server

    from projector.mcp.tools.registry import Tool

_INITIALIZE = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "1"},
}
_META = {
    "io.modelcontextprotocol/protocolVersion": MODERN[0],
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
_CALL = {"name": "search", "arguments": {"query": "retry"}}


def _told(tool: Tool, arguments: Mapping[str, Any], meta: Mapping[str, Any]) -> tuple[str, bool]:
    """Stand in for a tool: return how it was called."""
    # the SDK renames the token of progress, which no tool uses
    named = {name: value for name, value in meta.items() if name == "mine"}
    return json.dumps([tool.name, dict(arguments), named]), "fail" in arguments


def _request(id: object, method: str, params: object = None) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": id, "method": method} | (
        {} if params is None else {"params": params}
    )


def _ours(requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    protocol = Protocol(tools(notes=True), _told)
    return [found for one in requests if (found := protocol.answer(one)) is not None]


async def _theirs(server: Server[Any], requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the answers of a server of the SDK, in the order of the requests."""
    to_server, server_read = create_context_streams[SessionMessage | Exception](0)
    server_write, from_server = create_context_streams[SessionMessage](0)
    answers = []
    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            options = server.create_initialization_options()
            group.start_soon(server.run, server_read, server_write, options)
            for request in requests:
                message = jsonrpc_message_adapter.validate_python(request)
                await to_server.send(SessionMessage(message))
                if "id" in request:
                    found = await from_server.receive()
                    answers.append(
                        found.message.model_dump(mode="json", by_alias=True, exclude_unset=True)
                    )
            await to_server.aclose()
    for stream in (server_read, server_write, from_server):
        await stream.aclose()
    return answers


_LEGACY = [
    _request(0, "tools/list"),
    *[
        _request(f"v{version}", "initialize", _INITIALIZE | {"protocolVersion": version})
        for version in (*HANDSHAKE, "1999-01-01", MODERN[0])
    ],
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    _request(1, "ping"),
    _request(2, "tools/list"),
    _request(3, "tools/call", _CALL),
    _request(4, "tools/call", _CALL | {"_meta": {"progressToken": 7, "mine": "x"}}),
    _request(5, "tools/call", {"name": "search", "arguments": {"fail": 1}}),
    _request(6, "tools/call", {"name": "search"}),
    _request(7, "tools/call", {"name": "nothing", "arguments": {}}),
    _request(8, "tools/call", {"arguments": {}}),
    _request(9, "tools/call", {"name": "search", "arguments": ["x"]}),
    _request(10, "resources/list"),
    _request(11, "prompts/list"),
    _request(12, "no/such/method"),
    _request(13, "server/discover"),
    _request("text", "ping"),
]
_MODERN = [
    _request(1, "server/discover", {"_meta": _META}),
    _request(2, "tools/list", {"_meta": _META}),
    _request(3, "tools/call", _CALL | {"_meta": _META}),
    _request(4, "tools/call", {"name": "search", "arguments": {"fail": 1}, "_meta": _META}),
    _request(5, "tools/call", {"name": "nothing", "_meta": _META}),
    _request(6, "prompts/list", {"_meta": _META}),
    _request(7, "no/such/method", {"_meta": _META}),
    _request(8, "ping", {"_meta": _META}),
]


@pytest.mark.parametrize("requests", [_LEGACY, _MODERN], ids=["handshake", "2026-07-28"])
def test_our_answers_are_those_of_a_server_of_the_sdk(requests: list[dict[str, Any]]) -> None:
    """Of every revision, request by request: the same results, and errors of the same code."""
    theirs = anyio.run(_theirs, sdk_server(tools(notes=True), _told), requests)
    ours = _ours(requests)
    assert len(ours) == len(theirs)
    for our, their in zip(ours, theirs, strict=True):
        assert our["id"] == their["id"]
        if "error" in their:
            assert our["error"]["code"] == their["error"]["code"], (our, their)
        else:
            assert our.get("result") == their["result"], (our, their)


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_the_client_of_the_sdk_uses_the_tools_in_memory(journal_dir: Path, mode: str) -> None:
    """It lists the tools with their hints, and gets a text and nothing else."""
    _say(journal_dir)

    async def use() -> None:
        with Asking(journal_dir) as asking:
            server = sdk_server(
                tools(notes=False), lambda tool, arguments, _: asking.raw(tool.name, **arguments)
            )
            async with SdkClient(server, mode=mode) as client:
                await _use(client)

    anyio.run(use)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_the_client_of_the_sdk_uses_the_tools_over_stdio(journal_dir: Path, mode: str) -> None:
    """It starts the command, and gets the same; the command ends when the client does."""
    _say(journal_dir)

    async def use() -> None:
        command = StdioServerParameters(
            command=str(Path(sys.executable).with_name("projector")),
            args=["--journal", str(journal_dir), "mcp"],
        )
        async with SdkClient(stdio_client(command), mode=mode) as client:
            await _use(client)

    anyio.run(use)


def _say(path: Path) -> None:
    with Journal.open(path) as journal:
        journal.append_message("s1", "user", "the retry budget is three attempts", id="m1")


async def _use(client: SdkClient) -> None:
    with anyio.fail_after(30):
        listed = (await client.list_tools()).tools
        assert [tool.name for tool in listed] == ["search", "open", "sessions"]
        assert all(tool.output_schema is None for tool in listed)
        hints = [tool.annotations for tool in listed]
        assert all(hint and hint.read_only_hint and not hint.destructive_hint for hint in hints)
        found = await client.call_tool("search", {"query": "retry budget"})
        assert not found.is_error
        assert found.structured_content is None
        (content,) = found.content
        assert isinstance(content, TextContent)
        assert "three attempts" in content.text
        refused = await client.call_tool("search", {"query": "retry", "limit": 0})
        assert refused.is_error


def test_notes_are_no_tool_unless_asked_for() -> None:
    """Without the switch there is no tool that writes, and with it that says so."""
    assert {tool.reads for tool in tools(notes=False).values()} == {True}
    hints = tools(notes=True)["note"].declared()["annotations"]
    assert (hints["readOnlyHint"], hints["destructiveHint"]) == (False, False)


def _spoken(lines: list[bytes], call: Any = _told) -> list[dict[str, Any]]:  # noqa: ANN401
    target = io.BytesIO()
    Stdio(Protocol(tools(notes=False), call), io.BytesIO(b"".join(lines)), target).run()
    return [json.loads(line) for line in target.getvalue().splitlines()]


def _line(message: object) -> bytes:
    return json.dumps(message).encode() + b"\n"


def test_what_is_no_message_is_answered_by_an_error() -> None:
    """Bytes that are no JSON, JSON that is no message, and an id that is none end nothing."""
    spoken = _spoken(
        [
            b"no json\n",
            b'{"jsonrpc": "2.0", "id": 1, "method"\n',
            b"\xff\xfe\n",
            b"[" * 100_000 + b"\n",
            _line([1]),
            _line({"jsonrpc": "1.0", "id": 1, "method": "ping"}),
            _line({"jsonrpc": "2.0", "id": None, "method": "ping"}),
            b"\n",
            _line({"jsonrpc": "2.0", "id": 3, "result": {}}),
            _line({"jsonrpc": "2.0", "method": "notifications/unknown"}),
            b'{"jsonrpc": "2.0", "id": "\\ud800", "method": "ping"}\n',
            _line(_request(9, "ping")),
        ]
    )
    codes = [answer.get("error", {}).get("code") for answer in spoken]
    assert codes == [-32700, -32700, -32700, -32700, -32600, -32600, -32600, None, None]
    assert spoken[-1] == {"jsonrpc": "2.0", "id": 9, "result": {}}


def test_a_bug_in_a_tool_is_an_error_and_not_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    """The traceback goes to stderr; the client gets an internal error, and further answers."""

    def broken(tool: Tool, *_: object) -> tuple[str, bool]:
        if tool.name == "search":
            raise ZeroDivisionError("broken")
        raise ToolError("not caught")

    spoken = _spoken(
        [_line(_request(0, "initialize", _INITIALIZE)), _line(_request(1, "tools/call", _CALL))],
        broken,
    )
    assert spoken[1]["error"]["code"] == -32603
    assert "broken" not in json.dumps(spoken)
    assert "ZeroDivisionError: broken" in capsys.readouterr().err


def test_a_ping_is_answered_during_a_call_and_a_cancelled_one_is_not_answered() -> None:
    """One call waits; a ping is answered; of two cancelled calls neither is, nor is one run."""
    begun, goes_on = threading.Event(), threading.Event()
    ran = []

    def slow(tool: Tool, arguments: Mapping[str, Any], _meta: object) -> tuple[str, bool]:
        ran.append(arguments["query"])
        begun.set()
        assert goes_on.wait(30)
        return tool.name, False

    def lines() -> Iterator[bytes]:
        yield _line(_request(0, "initialize", _INITIALIZE))
        for id in (1, 2, 3):
            params = {"name": "search", "arguments": {"query": f"q{id}"}}
            yield _line(_request(id, "tools/call", params))
        assert begun.wait(30)
        for which in (1, 2, 9, None, [1]):
            about = {"requestId": which}
            yield _line({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": about})
        yield _line(_request(4, "ping"))
        assert json.loads(target.getvalue().splitlines()[-1])["id"] == 4
        goes_on.set()

    target = io.BytesIO()
    Stdio(Protocol(tools(notes=False), slow), lines(), target).run()
    assert [json.loads(line)["id"] for line in target.getvalue().splitlines()] == [0, 4, 3]
    assert ran == ["q1", "q3"]


def test_a_client_that_is_gone_ends_the_server() -> None:
    """An answer that cannot be written is an error of the server, also that of a call."""

    class Gone(io.BytesIO):
        def write(self, line: Any) -> int:  # noqa: ANN401 - bytes
            if b"content" in line:
                raise BrokenPipeError
            return super().write(line)

    source = [
        _line(_request(0, "initialize", _INITIALIZE)),
        _line(_request(1, "tools/call", _CALL)),
    ]
    with pytest.raises(BrokenPipeError):
        Stdio(Protocol(tools(notes=False), _told), source, Gone()).run()


@pytest.mark.slow
def test_a_signal_ends_a_server_that_waits(
    journal_dir: Path, start_command: Callable[..., subprocess.Popen[str]]
) -> None:
    """SIGTERM ends it, and so does the end of its input, with 0."""
    _say(journal_dir)
    program = Path(sys.executable).with_name("projector")
    for ends in ("signal", "input"):
        server = start_command(program, "--journal", journal_dir, "mcp")
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(_line(_request(0, "initialize", _INITIALIZE)).decode())
        server.stdin.flush()
        assert json.loads(server.stdout.readline())["id"] == 0
        if ends == "signal":
            server.send_signal(signal.SIGTERM)
            assert server.wait(20) == -signal.SIGTERM
        else:
            server.stdin.close()
            assert server.wait(20) == 0
