"""`projector mcp`: what the journal knows, for agents."""

from __future__ import annotations

import os
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from journal.cli.kit.output import print_line
from journal.process.loading import load
from projector.cli.kit.timeout import timeout_option
from projector.mcp.asking import Client
from projector.mcp.protocol import Protocol
from projector.mcp.recall import Recall
from projector.mcp.stdio import Stdio, own_streams
from projector.mcp.text.cursor import Pages
from projector.mcp.tools.registry import call, tools
from projector.projection import Projection

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from projector.mcp.tools.registry import Tool

TOKEN = "AGENT_JOURNAL_MCP_TOKEN"  # noqa: S105 - the name of a variable
_PORT = 7463
_EXTRA = "pip install 'agent-journal[mcp]'"


class _Lazy(click.Group):
    """The commands below `mcp`, whose modules are loaded when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's own
        """Return the names."""
        return ["install"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return a command."""
        if cmd_name != "install":
            return None
        found: click.Command = load("projector.mcp.install.command").command
        return found


@click.group("mcp", cls=_Lazy, invoke_without_command=True)
@click.option("--http", is_flag=True, help="Serve HTTP on loopback, and not standard input.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    metavar="N",
    help=f"With --http: the port; 0 for a free one.  [default: {_PORT}]",
)
@click.option("--notes", is_flag=True, help="Let agents append notes, too.")
@click.option("--made", hidden=True, type=int, help="What `install` made beside its entry.")
@timeout_option()
@click.pass_context
def command(
    context: click.Context,
    /,
    *,
    http: bool,
    port: int | None,
    notes: bool,
    made: int | None,  # noqa: ARG001 - only `install` reads it, in the configuration
    timeout: float,
) -> None:
    """Let agents search the journal (MCP).

    This is a server of the Model Context Protocol. An agent starts it itself: `projector mcp
    install` adds it to an agent's configuration. It answers on standard input and output, until the
    agent ends.

    \b
        projector mcp install claude-code
        projector mcp --http --port 7463

    The tools are `search`, `open` and `sessions`; with --notes also `note`, which appends. Answers
    are texts of a bounded length. Secrets that the rules of today know are replaced by marks, and
    what was said is marked as a record of the past. The session that asks is left out.

    With --http it serves http://127.0.0.1:7463/mcp until a signal ends it, to requests that have
    the token in AGENT_JOURNAL_MCP_TOKEN as their bearer token; without that variable a new token is
    made and printed. This needs `pip install 'agent-journal[mcp]'`.

    --timeout is for each call of a tool. `docs/mcp.md` explains the tools.
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    if context.invoked_subcommand is not None:
        return
    if port is not None and not http:
        raise click.UsageError("--port goes with --http")
    if http:
        _serve_http(context.obj, _PORT if port is None else port, timeout=timeout, notes=notes)
    else:
        _serve_stdio(context.obj, timeout=timeout, notes=notes)


def _serve_stdio(path: Path, *, timeout: float, notes: bool) -> None:
    folder = str(Path.cwd())
    source, target = own_streams()
    pages = Pages()
    with Projection.open(path, timeout=timeout) as projection:

        def run(
            tool: Tool, arguments: Mapping[str, Any], meta: Mapping[str, Any]
        ) -> tuple[str, bool]:
            client = Client(os.environ, folder, protocol.client)
            return call(tool, Recall(path, projection, client, meta, pages), arguments)

        protocol = Protocol(tools(notes=notes), run)
        Stdio(protocol, source, target).run()


def _serve_http(path: Path, port: int, *, timeout: float, notes: bool) -> None:
    if find_spec("mcp") is None:
        raise click.ClickException(f"--http needs the package mcp: {_EXTRA}")
    sdk, http = load("projector.mcp.http.sdk"), load("projector.mcp.http.serve")
    given = os.environ.get(TOKEN)
    token = given or http.new_token()

    def ready(url: str) -> None:
        print_line(url)
        if not given:
            print_line(f"Authorization: Bearer {token}", err=True)

    with http_call(path, timeout) as run:
        http.serve_http(sdk.sdk_server(tools(notes=notes), run), port, token, ready)


@contextmanager
def http_call(path: Path, timeout: float) -> Iterator[Any]:
    """Yield what runs a tool for a client of which neither variables nor folder are known."""
    pages, client = Pages(), Client({}, None)
    with Projection.open(path, timeout=timeout) as projection:

        def run(
            tool: Tool, arguments: Mapping[str, Any], meta: Mapping[str, Any]
        ) -> tuple[str, bool]:
            return call(tool, Recall(path, projection, client, meta, pages), arguments)

        yield run
