"""The `journal` command: append to a journal, import into it, read it back and check it.

One module holds one command.
"""

from __future__ import annotations

from journal.cli.append import append_command
from journal.cli.cat import cat_command
from journal.cli.exits import BUSY, FAILED, NOT_FOUND
from journal.cli.export import export_command
from journal.cli.import_ import import_command
from journal.cli.program import program
from journal.cli.status import status_command
from journal.cli.verify import verify_command
from journal.errors import JournalError, LeaseError, NotAJournalError

_CODES: dict[type[Exception], int] = {
    JournalError: FAILED,
    NotAJournalError: NOT_FOUND,
    LeaseError: BUSY,
    OSError: FAILED,
}


@program("journal", _CODES)
def cli() -> None:
    """Append messages of AI agents to a journal, and read them back.

    Any number of processes may append at the same time: each has a lane of its own, and nothing
    waits. To search a journal, see `projector --help`.

    \b
        journal append --session s1 --role user "hello"
        journal import claude-code ~/.claude/projects
        journal cat --since 2h
        journal verify

    Data goes to stdout, everything else to stderr.

    \b
    Exit codes:
        0  done
        1  failed; the reason is on stderr
        2  wrong usage
        3  there is no journal
        5  damage was found
        7  busy: no lane could be leased
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines


for command in (
    append_command,
    import_command,
    export_command,
    cat_command,
    status_command,
    verify_command,
):
    cli.add_command(command)


def main() -> None:
    """Run the `journal` command."""
    cli(prog_name="journal")
