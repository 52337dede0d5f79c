"""What keeps a database in order, and the nearest that is of use to a journal."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from journal.fs.directory import open_directory
from projector.adapters.hermes.sessions.prune import Prune
from projector.adapters.hermes.state_meta import Meta
from projector.errors import ProjectorBusy
from projector.run.build import rebuild

if TYPE_CHECKING:
    from pathlib import Path

_LAST = "last_auto_prune"
_HOUR = 3600

_log = logging.getLogger("projector.hermes")


class Maintenance(Prune, Meta):
    """Maintenance. The projection keeps itself in order; it can be built anew at any time."""

    def optimize_fts(self) -> int:
        """Build the projection anew, so that its full-text index is in one piece.

        Others go on reading the old one meanwhile, and writing waits for nothing.

        Returns:
            How many indexes were built: 1, or 0 if somebody else is building.
        """
        with suppress(ProjectorBusy):
            rebuild(open_directory(self._store.journal.path, create=False))
            return 1
        return 0

    def rebuild_fts(self) -> int:
        """Build the projection anew, as `optimize_fts`."""
        return self.optimize_fts()

    def vacuum(self) -> int:
        """Build the projection anew, as `optimize_fts`: the new one has no empty pages."""
        return self.optimize_fts()

    def maybe_auto_prune_and_vacuum(
        self,
        retention_days: int = 90,
        min_interval_hours: int = 24,
        vacuum: bool = True,  # noqa: ARG002 - what was deleted gives nothing back
        sessions_dir: Path | None = None,
    ) -> dict[str, Any]:
        """Delete old sessions, if nobody has for some hours; it never raises.

        Args:
            retention_days: how old sessions that ended become.
            min_interval_hours: how long it is not done again.
            vacuum: of no effect: what is deleted stays in the journal.
            sessions_dir: where files of the sessions are.

        Returns:
            `skipped` (whether it was done lately), `pruned` (how many sessions were deleted),
            `vacuumed` (False), and `error` if it failed.
        """
        result: dict[str, Any] = {"skipped": False, "pruned": 0, "vacuumed": False}
        try:
            moment = time.time()
            if _is_late(self.get_meta(_LAST), moment - min_interval_hours * _HOUR):
                result["skipped"] = True
                return result
            result["pruned"] = self.prune_sessions(retention_days, sessions_dir=sessions_dir)
            self.set_meta(_LAST, str(moment))
        except Exception as error:  # noqa: BLE001 - Hermes's start must not fail with it
            _log.warning("maintenance failed: %s", error)
            result["error"] = str(error)
        return result


def _is_late(last: str | None, moment: float) -> bool:
    """Say whether a moment that was noted is later than another; what is no moment is not."""
    with suppress(ValueError):
        return last is not None and float(last) > moment
    return False
