"""What `projector run` does beside its work: finish erasures, and apply the policy of retention.

Both read all segments and can rebuild the projection, so they are processes of their own at low
priority: the projector continues to apply events.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Protocol

from journal.errors import JournalError
from journal.format.event_types import ERASURE_COMPLETED, ERASURE_REQUESTED, FORGET
from journal.fs.key_file import read_keys
from journal.lanes.roll_request import ROLL
from journal.segments.listing import list_lanes
from projector.db.kinds import KINDS
from projector.errors import ProjectorError
from projector.forgetting.retention import read_policy
from projector.projection import Projection

if TYPE_CHECKING:
    from collections.abc import Callable

    import apsw

    from journal.fs.directory import Directory

_LOOK = 10.0
"""Seconds between two checks for pending requests."""
_AGAIN = 3600.0
"""Seconds after which a process that left something pending is started again."""
_DAY = 86_400.0
"""Seconds between two times that the policy is applied, and that erasure looks for what came back
in lanes that were copied into the journal."""
_NICE = 10
_BUSY = 7
"""The exit code of a command that left something pending."""
_INCOMPLETE = 6
"""The exit code of a command that did what it could, and named what it could not check, such as
damage or a segment of a newer version: to repeat it at once changes nothing."""


class Process(Protocol):
    """A process that was started: what is used of `subprocess.Popen`."""

    def poll(self) -> int | None:
        """Return the exit code; None while it runs."""

    def terminate(self) -> None:
        """Ask it to end."""

    def wait(self) -> int:
        """Return the exit code when it has ended."""


_PENDING = (
    "SELECT event_id, json_extract(other_fields, '$.key') FROM _events"
    f" WHERE kind = {KINDS[ERASURE_REQUESTED]}"
    " AND session = (SELECT id FROM _sessions WHERE session = ?1)"
    " AND event_id NOT IN (SELECT each.value FROM _events done,"
    " json_each(done.other_fields, '$.requests') each"
    f" WHERE done.kind = {KINDS[ERASURE_COMPLETED]}"
    " AND done.session = (SELECT id FROM _sessions WHERE session = ?1))"
)
"""Selects the id and the key of each request without a receipt."""


class Chores:
    """Starts one process at a time, where there is something to do. Call it when there is time.

    Args:
        journal: the opened journal.
        warn: called with the reason where something cannot be looked at or started.
        start: starts a command of `journal`, given its name and options.
        clock: gives seconds.
    """

    def __init__(
        self,
        journal: Directory,
        warn: Callable[[str], None],
        start: Callable[[list[str]], Process] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._journal = journal
        self._warn = warn
        self._start = start or self._start_command
        self._clock = clock
        self._process: Process | None = None
        self._look_at = 0.0
        self._retain_at = 0.0
        # events that reappear are not urgent: they are hidden
        self._finish_at = clock() + _AGAIN
        self._blocked_until = 0.0
        self._is_asked = False
        self._is_incomplete = False
        self._tried: frozenset[str] = frozenset()  # requests for which a process was started
        self._warning = ""

    def __call__(self) -> None:
        """Start what is due, unless it is too early to look, or a process runs."""
        now = self._clock()
        if now < self._look_at:
            return
        self._look_at = now + _LOOK
        if self._is_running(now):
            return
        before, self._warning = self._warning, ""
        try:
            self._start_due(now)
        except (JournalError, ProjectorError, OSError) as error:
            # a projector must not end because its user wrote nonsense to retention.toml
            self._warning = str(error)
            if self._warning != before:  # a file that cannot be read would be one every 10 s
                self._warn(self._warning)

    def _start_due(self, now: float) -> None:
        if self._is_finish_due(now):
            self._finish_at = now + _DAY
            self._process = self._start(["forget", "--finish"])
        elif now >= self._retain_at:
            self._retain_at = now + _DAY
            policy = read_policy(self._journal.path)
            if policy is not None and policy.is_automatic:
                self._process = self._start(["retain", "--yes"])

    def close(self) -> None:
        """End the process that runs; what it did stays done."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            process.wait()

    def _is_running(self, now: float) -> bool:
        code = None if self._process is None else self._process.poll()
        if self._process is not None and code is None:
            return True
        if self._process is not None:
            self._process = None
            self._is_asked = code == _BUSY
            self._blocked_until = now + _AGAIN if code else 0.0
            self._is_incomplete = code == _INCOMPLETE
        return False

    def _is_finish_due(self, now: float) -> bool:
        keys = [key.id for key in read_keys(self._journal.path)]
        if not keys:
            return False  # nothing was ever forgotten
        if now >= self._finish_at:
            return True
        is_blocked = now < self._blocked_until and not (self._is_asked and self._has_rolled())
        if is_blocked and not self._is_incomplete:
            return False
        pending = self._pending(keys)
        is_due = bool(pending - self._tried if is_blocked else pending)
        if is_due:
            self._tried = pending
        return is_due

    def _has_rolled(self) -> bool:
        """Return whether each lessee that was asked has continued in a new segment."""
        lanes = self._journal.lanes
        return not any((lanes / name / ROLL).exists() for name in list_lanes(lanes))

    def _pending(self, keys: list[str]) -> frozenset[str]:
        """Return the ids of the requests without a receipt that have one of these keys."""

        def ask(db: apsw.Connection | None) -> frozenset[str]:
            found = () if db is None else db.execute(_PENDING, (FORGET,))
            return frozenset(id for id, key in found if key in keys)

        with Projection.open(self._journal.path) as projection:
            return projection.peek(ask)

    def _start_command(self, arguments: list[str]) -> Process:
        command = [sys.executable, "-m", "journal", "--journal", str(self._journal.path)]
        process = subprocess.Popen(  # noqa: S603 - this program
            [*command, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        with contextlib.suppress(ProcessLookupError):  # it has ended already
            os.setpriority(os.PRIO_PROCESS, process.pid, _NICE)
        return process
