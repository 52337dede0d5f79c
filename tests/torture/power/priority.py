"""A real-time priority: what is measured is the program and its disk, not the machine's other work.

With other priorities, a thread that is due on a busy machine waits for a core, sometimes for more
than 100 ms, and no bound for that would be a promise of the journal.
"""

from __future__ import annotations

import os

PROGRAMS, DISK = 1, 2
"""Priorities: the disk answers first, as one without a processor of this machine does."""


def run_first(priority: int) -> None:
    """Run this process, and the threads that it starts, before all with an ordinary priority.

    Raises:
        PermissionError: it needs root, or CAP_SYS_NICE.
    """
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(priority))
