"""A server of the MCP SDK with the tools of this program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio.to_thread
import mcp_types as types
from mcp import MCPError
from mcp.server.lowlevel import Server

from journal import __version__
from projector.mcp.protocol import INVALID, NAME, TITLE
from projector.mcp.tools.registry import INSTRUCTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcp.server.context import ServerRequestContext

    from projector.mcp.tools.registry import Tool


def sdk_server(
    tools: Mapping[str, Tool],
    call: Callable[[Tool, Mapping[str, Any], Mapping[str, Any]], tuple[str, bool]],
) -> Server[Any]:
    """Return a server that answers as `projector.mcp.protocol.Protocol` does.

    Args:
        tools: the tools by name.
        call: runs a tool; on another thread, since it waits.
    """

    async def list_tools(
        _context: ServerRequestContext[Any], _params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        found = [types.Tool.model_validate(tool.declared()) for tool in tools.values()]
        return types.ListToolsResult(tools=found)

    async def call_tool(
        _context: ServerRequestContext[Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        tool = tools.get(params.name)
        if tool is None:
            raise MCPError(INVALID, f"Unknown tool: {params.name:.60}")
        meta: Mapping[str, Any] = dict(params.meta or {})
        arguments = params.arguments or {}
        text, is_error = await anyio.to_thread.run_sync(call, tool, arguments, meta)
        content: list[types.ContentBlock] = [types.TextContent(type="text", text=text)]
        return types.CallToolResult(content=content, is_error=is_error)

    return Server(
        NAME,
        version=__version__,
        title=TITLE,
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )
