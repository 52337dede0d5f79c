"""The `projector` command: keep the projection up to date, and read it.

One module holds one command, as `command`.
"""

from __future__ import annotations

from journal.cli.kit.commands import Commands
from journal.cli.kit.program import program
from projector.cli.kit.codes import CODES

_COMMANDS = Commands(
    {
        "board": "projector.cli.board.command",
        "digest": "projector.cli.digest",
        "export": "projector.export.command",
        "facets": "projector.cli.facets",
        "mcp": "projector.mcp.command",
        "rebuild": "projector.cli.rebuild",
        "run": "projector.cli.run",
        "salvage": "projector.cli.salvage",
        "search": "projector.cli.search",
        "sessions": "projector.cli.sessions",
        "show": "projector.cli.show.show",
        "sink": "projector.cli.sink.command",
        "status": "projector.cli.status",
        "sync": "projector.cli.sync",
        "usage": "projector.cli.usage",
        "verify": "projector.cli.verify",
        "web": "projector.web.command",
    }
)


@program("projector", CODES, _COMMANDS)
def cli() -> None:
    """Search the messages of AI agents, and keep the database for it up to date.

    No daemon is needed: where none runs, each query first applies what was appended to the
    journal since the last one. If `projector run` runs beside the agents, it has done that before.

    \b
        projector search 'docker AND compose'
        projector sessions
        projector show s1
        projector usage --by model
        projector run

    Data goes to stdout, everything else to stderr.

    \b
    Exit codes:
        0    done
        1    failed; the reason is on stderr
        2    wrong usage, or a query with nothing to search for
        3    there is no such journal, session, or value of a filter
        5    damage was found
        7    busy: another projector or rebuild runs, or others decide
        130  Ctrl-C

    `projector run` ends with 0 at Ctrl-C, SIGTERM and SIGHUP. Other commands end by SIGTERM and
    SIGHUP after they have cleaned up.
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines


def main() -> None:
    """Run the `projector` command."""
    cli(prog_name="projector")
