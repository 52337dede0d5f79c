"""The Model Context Protocol, as far as a server of tools needs it: a request becomes an answer.

It is JSON-RPC 2.0. The revisions up to 2025-11-25 begin with `initialize`; from 2026-07-28 on each
request names its revision in `_meta`. Both are spoken here without the SDK, whose import takes
longer than a search. Tests compare the answers with those of a server of the SDK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal import __version__
from projector.mcp.tools.registry import INSTRUCTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from projector.mcp.tools.registry import Tool

NAME = "agent-journal"
TITLE = "Agent Journal"
HANDSHAKE = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
"""Revisions that begin with `initialize`."""
MODERN = ("2026-07-28",)
"""Revisions that each request names."""
PARSE_ERROR, INVALID_REQUEST, NOT_FOUND, INVALID, INTERNAL = -32700, -32600, -32601, -32602, -32603
UNSUPPORTED = -32022
_VERSION = "io.modelcontextprotocol/protocolVersion"
_CLIENT = "io.modelcontextprotocol/clientInfo"
_SERVER = "io.modelcontextprotocol/serverInfo"


class Refused(Exception):  # noqa: N818 - reads as a state
    """A request that is answered by an error of JSON-RPC.

    Attributes:
        code: its code.
        data: more about it; None if there is no more.
    """

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(message)
        self.code = code
        self.data = data


class Protocol:
    """One client's requests and their answers.

    Args:
        tools: the tools by name.
        call: runs a tool with its arguments and the metadata of the request; returns the text, and
            whether it is an error.

    Attributes:
        client: the client's name, as it introduced itself; empty before.
    """

    def __init__(
        self,
        tools: Mapping[str, Tool],
        call: Callable[[Tool, Mapping[str, Any], Mapping[str, Any]], tuple[str, bool]],
    ) -> None:
        self._tools = tools
        self._call = call
        self._initialized = False
        self.client = ""

    def answer(self, message: object) -> dict[str, Any] | None:
        """Return the answer to a message; None if it wants none."""
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
            return failure(None, Refused(INVALID_REQUEST, "not a JSON-RPC 2.0 message"))
        id, method = message.get("id"), message.get("method")
        if "id" not in message or not isinstance(method, str):
            # notifications and answers: the server asks nothing
            return (
                None
                if "method" in message or "result" in message or "error" in message
                else (failure(None, Refused(INVALID_REQUEST, "neither a request nor an answer")))
            )
        if isinstance(id, bool) or not isinstance(id, str | int):
            return failure(None, Refused(INVALID_REQUEST, "the id is no text and no whole number"))
        try:
            result = self._result(method, message.get("params", {}))
        except Refused as refused:
            return failure(id, refused)
        return {"jsonrpc": "2.0", "id": id, "result": result}

    def _result(self, method: str, params: object) -> dict[str, Any]:
        meta = params.get("_meta", {}) if isinstance(params, dict) else None
        if not isinstance(params, dict) or not isinstance(meta, dict):
            raise Refused(INVALID, "Invalid request parameters", "")
        if method != "initialize" and _VERSION in meta:
            return self._modern(method, params, meta)
        if method == "initialize":
            return self._initialize(params)
        if method == "ping":
            return {}
        if method in {"tools/list", "tools/call"} and not self._initialized:
            raise Refused(INVALID, "Invalid request parameters", "")
        if method == "tools/list":
            return {"tools": self._declared()}
        if method == "tools/call":
            return self._called(params, meta)
        raise Refused(NOT_FOUND, "Method not found", method)

    def _modern(
        self, method: str, params: Mapping[str, Any], meta: Mapping[str, Any]
    ) -> dict[str, Any]:
        version = meta[_VERSION]
        if version not in MODERN:
            data = {"supported": list(MODERN), "requested": version}
            raise Refused(UNSUPPORTED, "Unsupported protocol version", data)
        client = meta.get(_CLIENT)
        if isinstance(client, dict) and isinstance(client.get("name"), str):
            self.client = client["name"]
        whole: dict[str, Any] = {"resultType": "complete"}
        private = {"ttlMs": 0, "cacheScope": "private"}
        if method == "server/discover":
            whole |= {
                "supportedVersions": list(MODERN),
                "capabilities": self._capabilities(),
                "instructions": INSTRUCTIONS,
                **private,
            }
        elif method == "tools/list":
            whole |= {"tools": self._declared(), **private}
        elif method == "tools/call":
            whole |= self._called(params, meta)
        else:
            raise Refused(NOT_FOUND, "Method not found", method)
        return whole | {"_meta": {_SERVER: _info()}}

    def _initialize(self, params: Mapping[str, Any]) -> dict[str, Any]:
        wanted, client = params.get("protocolVersion"), params.get("clientInfo")
        if not isinstance(wanted, str) or not isinstance(client, dict):
            raise Refused(INVALID, "Invalid request parameters", "")
        self._initialized = True
        name = client.get("name")
        self.client = name if isinstance(name, str) else ""
        return {
            "protocolVersion": wanted if wanted in HANDSHAKE else HANDSHAKE[-1],
            "capabilities": self._capabilities(),
            "serverInfo": _info(),
            "instructions": INSTRUCTIONS,
        }

    def _capabilities(self) -> dict[str, Any]:
        return {"tools": {"listChanged": False}}

    def _declared(self) -> list[dict[str, Any]]:
        return [tool.declared() for tool in self._tools.values()]

    def _called(self, params: Mapping[str, Any], meta: Mapping[str, Any]) -> dict[str, Any]:
        name, arguments = params.get("name"), params.get("arguments")
        if not isinstance(name, str) or not isinstance(arguments, dict | None):
            raise Refused(INVALID, "Invalid request parameters", "")
        tool = self._tools.get(name)
        if tool is None:
            raise Refused(INVALID, f"Unknown tool: {name:.60}")
        text, is_error = self._call(tool, arguments or {}, meta)
        return {"content": [{"type": "text", "text": text}], "isError": is_error}


def failure(id: str | int | None, refused: Refused) -> dict[str, Any]:
    """Return an error as the answer to a request."""
    error: dict[str, Any] = {"code": refused.code, "message": str(refused)}
    if refused.data is not None:
        error["data"] = refused.data
    return {"jsonrpc": "2.0", "id": id, "error": error}


def _info() -> dict[str, str]:
    return {"name": NAME, "title": TITLE, "version": __version__}
