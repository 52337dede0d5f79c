"""The exit code of each exception that a command of the projector may end with."""

from __future__ import annotations

from journal.cli.kit.exits import BUSY, FAILED, NOT_FOUND, USAGE
from journal.errors import ArbiterBusy, EraserBusy, JournalError, LanesBusy, NotAJournalError
from projector.errors import NotFound, ProjectorBusy, ProjectorError, QueryError

CODES: dict[type[Exception], int] = {
    JournalError: FAILED,
    NotAJournalError: NOT_FOUND,
    LanesBusy: BUSY,
    ArbiterBusy: BUSY,
    EraserBusy: BUSY,
    ProjectorError: FAILED,
    ProjectorBusy: BUSY,
    NotFound: NOT_FOUND,
    QueryError: USAGE,
    OSError: FAILED,
}
"""Commands of `journal` that `projector` adds as plug-ins pass this to `ExitCommand`."""
