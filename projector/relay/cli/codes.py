"""What the commands of the relay share: exit codes, and the packages that some of them need."""

from __future__ import annotations

from importlib.util import find_spec

import click

from journal.cli.kit.exits import BUSY, FAILED, NOT_FOUND
from projector.cli.kit.codes import CODES as PROJECTOR
from projector.relay.errors import NotJoined, RelayBusy, RelayError

BEHIND = 8
"""What `journal relay status --check` ends with if something is not replicated yet."""

CODES: dict[type[Exception], int] = {
    **PROJECTOR,
    RelayError: FAILED,
    RelayBusy: BUSY,
    NotJoined: NOT_FOUND,
}
"""The exit code of each exception that a command of the relay may end with."""


def need(command: str, package: str) -> None:
    """Check that a package is installed which a command needs.

    Raises:
        click.ClickException: it is not.
    """
    if find_spec(package) is None:
        raise click.ClickException(
            f"`journal relay {command}` needs {package}: pip install 'agent-journal[relay]'"
        )
