"""The `journal` command: append to a journal, import into it, read it back and check it.

One module holds one command, as `command`. Those that need the projection are in the package
`projector`, and arrive as entry points (`pyproject.toml`):

- `erasures`, `forget`, `retain` and `scan` are in `projector.cli.erasure` (`journal.commands`);
- the formats of `journal export` are in `projector.adapters` (`journal.exporters`);
- `journal verify --erased` asks `projector.cli.erasure.verify_erased` (`journal.checks`);
- `journal restore SESSION` asks `projector.cli.restore_session` (`journal.restorers`).
"""

from __future__ import annotations

from journal.cli.kit.commands import Commands
from journal.cli.kit.exits import BUSY, DAMAGED, FAILED, NOT_FOUND
from journal.cli.kit.program import program
from journal.errors import BackupDamaged, EraserBusy, JournalError, LanesBusy, NotAJournalError

_CODES: dict[type[Exception], int] = {
    JournalError: FAILED,
    NotAJournalError: NOT_FOUND,
    LanesBusy: BUSY,
    EraserBusy: BUSY,
    BackupDamaged: DAMAGED,
    OSError: FAILED,
}

_COMMANDS = Commands(
    {
        "append": "journal.cli.append",
        "backup": "journal.cli.backup",
        "cat": "journal.cli.cat",
        "compact": "journal.cli.compact",
        "doctor": "journal.cli.agents.doctor",
        "export": "journal.cli.export",
        "hook": "journal.cli.agents.hook",
        "import": "journal.cli.import_",
        "install": "journal.cli.agents.install",
        "restore": "journal.cli.restore",
        "status": "journal.cli.status",
        "verify": "journal.cli.verify",
    },
    plugins="journal.commands",
)


@program("journal", _CODES, _COMMANDS)
def cli() -> None:
    """Append messages of AI agents to a journal, and read them back.

    Any number of processes may append at the same time: each has a lane of its own, and nothing
    waits. To search a journal, see `projector --help`.

    \b
        journal append --session s1 --role user "hello"
        journal import claude-code ~/.claude/projects
        journal cat --since 2h
        journal verify

    Data goes to stdout, everything else to stderr. Installed packages can add commands (entry
    points of the group journal.commands).

    \b
    Exit codes:
        0    done
        1    failed; the reason is on stderr
        2    wrong usage
        3    there is no journal
        5    damage was found
        6    nothing was found, but not everything could be checked
        7    busy: all lanes are leased, or another process erases or compacts
        130  Ctrl-C
    SIGTERM and SIGHUP end a command by that signal after it has cleaned up.
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines


def main() -> None:
    """Run the `journal` command."""
    cli(prog_name="journal")
