"""The exit code of each exception that a command of the relay may end with."""

from __future__ import annotations

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
