"""`projector web`: read the journal in the browser."""

from __future__ import annotations

import errno
import os
import webbrowser
from typing import TYPE_CHECKING

import click

from journal.cli.kit.output import print_line
from journal.process.loading import load
from projector.projection import Projection
from projector.web.needed import EXTRA, SERVING, missing

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "AGENT_JOURNAL_WEB_TOKEN"  # noqa: S105 - the name of a variable
_PORT = 7464


@click.command("web")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=_PORT,
    show_default=True,
    metavar="N",
    help="The port; 0 for a free one.",
)
@click.option("--open", "opens", is_flag=True, help="Open the browser.")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="The address to listen on. Any but loopback needs a token.",
)
@click.option("--token", metavar="TEXT", help="What requests must know, at least 16 characters.")
@click.option(
    "--name",
    "names",
    multiple=True,
    metavar="HOST",
    help="A further name of this server, as it is in the address bar of the browser.",
)
@click.pass_obj
def command(
    path: Path,
    port: int,
    opens: bool,  # noqa: FBT001 - click gives flags so
    host: str,
    token: str | None,
    names: tuple[str, ...],
) -> None:
    """Read the journal in the browser.

    It prints its address, and serves until Ctrl-C. The pages show sessions, their messages, a
    search with its filters, and what was used and paid. Each page is also there as JSON: see
    docs/http.md.

    \b
        projector web --open
        projector web --port 0
        projector web --host 192.168.1.5

    It only reads: it answers GET and HEAD, and applies no events while it serves. Run `projector
    run` beside it to see what is appended meanwhile; a page says so when it is behind.

    Requests must name this server in their header `Host`. On loopback no token is needed. On any
    other address one is: that of --token, else that in AGENT_JOURNAL_WEB_TOKEN, else a new one.
    The address that is printed has it. What is shown is what is stored: secrets that are in the
    journal are on the pages, too.

    This needs `pip install 'agent-journal[web]'`.
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    if lacking := missing(SERVING):
        raise click.ClickException(f"the viewer needs {lacking}: {EXTRA}")
    serve, tokens = load("projector.web.serve"), load("projector.web.security.token")
    given = token or os.environ.get(TOKEN)
    if given is not None and len(given) < tokens.SHORTEST:
        raise click.UsageError(f"a token has at least {tokens.SHORTEST} characters")
    if serve.is_any(host) and not names:
        raise click.UsageError(f"{host} is every address: say with --name which one browsers use")
    if given is None and not serve.is_loopback(host):
        given = tokens.new_token()
    address = serve.Address(host, port, names, given)
    with Projection.open(path) as projection:
        projection.read(lambda _: None)  # what was appended before is on the first page

    def ready(url: str) -> None:
        print_line(url)
        if opens:
            webbrowser.open(url)

    try:
        serve.serve(path, address, ready)
    except OSError as error:
        why = (error.strerror or str(error)).partition(" (while")[0]  # the address is named here
        used = "; `--port 0` takes a free one" if error.errno == errno.EADDRINUSE else ""
        raise click.ClickException(f"cannot listen on {host} port {port}: {why}{used}") from error
