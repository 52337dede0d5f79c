"""Many short processes that append one message each, like hooks of a shell or an agent."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

from tests.torture.soak.judging import check_all_there, judge
from tests.torture.soak.programs import ROLES, ROOT, Failed

if TYPE_CHECKING:
    from pathlib import Path

AT_ONCE = 8


def hooks(folder: Path, processes: int) -> dict[str, object]:
    """Let many processes append; return the counts.

    Raises:
        Failed: a check failed.
    """
    journal = folder / "journal"
    began = time.monotonic()
    argv = [*ROLES, "hooks", str(journal), str(processes), str(AT_ONCE)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, check=False)
    seconds = time.monotonic() - began
    if done.returncode:
        raise Failed(f"processes failed: {done.stderr.decode(errors='replace')[-2000:]}")
    remains = judge(journal)
    check_all_there({("hooks", f"m{number}") for number in range(processes)}, remains)
    # each leases a free lane, so there are fewer lanes than processes
    if remains.lanes > AT_ONCE + 1:
        raise Failed(f"{remains.lanes} lanes for {AT_ONCE} processes at once")
    return {
        "processes": processes,
        "at_once": AT_ONCE,
        "lanes": remains.lanes,
        "per_second": round(processes / seconds),
    }
