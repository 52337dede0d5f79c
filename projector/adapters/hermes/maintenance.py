"""Maintenance of a database: the projection is rebuilt, and old sessions are pruned."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from projector.adapters.hermes.sessions.prune import Prune
from projector.adapters.hermes.state_meta import StateMeta
from projector.errors import ProjectorBusy

if TYPE_CHECKING:
    from pathlib import Path

_LAST = "last_auto_prune"
_HOUR = 3600

_log = logging.getLogger("projector.hermes")


class Maintenance(Prune, StateMeta):
    """Maintenance. A projection needs none; it can be rebuilt at any time."""

    def optimize_fts(self) -> int:
        """Rebuild the projection, which merges its full-text index into one segment.

        Others read the old one meanwhile, and appends do not wait.

        Returns:
            The number of indexes that were built: 1, or 0 if another process is building.
        """
        with suppress(ProjectorBusy):
            self._store.projection.rebuild()
            return 1
        return 0

    def rebuild_fts(self) -> int:
        """Rebuild the projection, as `optimize_fts`."""
        return self.optimize_fts()

    def vacuum(self) -> int:
        """Rebuild the projection, as `optimize_fts`: the new one has no empty pages."""
        return self.optimize_fts()

    def maybe_auto_prune_and_vacuum(
        self,
        retention_days: int = 90,
        min_interval_hours: int = 24,
        vacuum: bool = True,  # noqa: ARG002 - deletions free no space in a journal
        sessions_dir: Path | None = None,
    ) -> dict[str, Any]:
        """Delete old sessions unless that was done some hours ago; never raise.

        Args:
            retention_days: age in days from which sessions that ended are deleted.
            min_interval_hours: hours in which it is not done again.
            vacuum: has no effect: deleted sessions stay in the journal.
            sessions_dir: folder of the files of the sessions.

        Returns:
            `skipped` (whether it was done within the interval), `pruned` (number of sessions that
            were deleted), `vacuumed` (False), and `error` if it failed.
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
    """Return whether a stored time is later than `moment`; False if it is no number."""
    with suppress(ValueError):
        return last is not None and float(last) > moment
    return False
