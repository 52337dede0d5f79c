"""The `projector` command: keep the projection up to date, and read it.

One module holds one command, or a few that share everything.
"""

from __future__ import annotations

from journal.cli.exits import BUSY, FAILED, NOT_FOUND, USAGE
from journal.cli.program import program
from journal.errors import JournalError, NotAJournalError
from projector.cli.keep import digest_command, rebuild_command, run_command, sync_command
from projector.cli.search import search_command
from projector.cli.sessions import sessions_command, show_command
from projector.cli.status import status_command
from projector.cli.verify import salvage_command, verify_command
from projector.errors import NotFound, ProjectorBusy, ProjectorError, QueryError

_CODES: dict[type[Exception], int] = {
    JournalError: FAILED,
    NotAJournalError: NOT_FOUND,
    ProjectorError: FAILED,
    ProjectorBusy: BUSY,
    NotFound: NOT_FOUND,
    QueryError: USAGE,
    OSError: FAILED,
}


@program("projector", _CODES)
def cli() -> None:
    """Search what AI agents said, and keep the database for it up to date.

    No daemon is needed: where none runs, each query first applies what the journal has gained.
    With `projector run` beside the agents, that has happened before you ask.

    \b
        projector search 'docker AND compose'
        projector sessions
        projector show s1
        projector run

    Data goes to stdout, everything else to stderr.

    \b
    Exit codes:
        0  done
        1  failed; the reason is on stderr
        2  wrong usage, or a query with nothing to search for
        3  there is no such journal or session
        5  damage was found
        7  busy: another projector or rebuild runs
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines


for command in (
    search_command,
    sessions_command,
    show_command,
    status_command,
    run_command,
    sync_command,
    rebuild_command,
    digest_command,
    verify_command,
    salvage_command,
):
    cli.add_command(command)


def main() -> None:
    """Run the `projector` command."""
    cli(prog_name="projector")
