"""`projector mcp`: what the journal knows, for agents."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from projector.cli.kit.timeout import timeout_option
from projector.mcp.asking import Client
from projector.mcp.protocol import Protocol
from projector.mcp.recall import Recall
from projector.mcp.stdio import Stdio, own_streams
from projector.mcp.tools.registry import call, tools
from projector.projection import Projection

if TYPE_CHECKING:
    from collections.abc import Mapping

    from projector.mcp.tools.registry import Tool


@click.group("mcp", invoke_without_command=True)
@click.option("--notes", is_flag=True, help="Let agents append notes, too.")
@timeout_option()
@click.pass_context
def command(context: click.Context, /, *, notes: bool, timeout: float) -> None:
    """Let agents search the journal, over the Model Context Protocol (MCP)."""
    if context.invoked_subcommand is None:
        serve(context.obj, timeout=timeout, notes=notes)


def serve(path: Path, *, timeout: float, notes: bool) -> None:
    """Serve over standard input and output until the client ends.

    Raises:
        OSError: nothing can be read or written.
    """
    folder = str(Path.cwd())
    source, target = own_streams()
    with Projection.open(path, timeout=timeout) as projection:

        def run(
            tool: Tool, arguments: Mapping[str, Any], meta: Mapping[str, Any]
        ) -> tuple[str, bool]:
            client = Client(os.environ, folder, protocol.client)
            return call(tool, Recall(path, projection, client, meta), arguments)

        protocol = Protocol(tools(notes=notes), run)
        Stdio(protocol, source, target).run()
