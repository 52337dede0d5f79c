"""What the disk alone makes a write wait for: a writer without any code of the journal.

It writes lines as long as those of the other writers to a file of its own in the same folder, and a
thread syncs that file as often as a lane is synced at `interval`. On a busy disk such a write
sleeps in the kernel, too: as long as it does, an append cannot be faster.
"""

from __future__ import annotations

import os
import threading
from dataclasses import astuple
from typing import TYPE_CHECKING

import orjson

from tests.torture.soak.forgetting.waits import Meter
from tests.torture.soak.roles import Life, pause

if TYPE_CHECKING:
    from pathlib import Path

_LINE = b"x" * 699 + b"\n"
_PAUSE = 0.005
_SYNC = 0.2


def write_bare(file: Path, log: Path) -> None:
    """Write until the end, and record what each write waited for.

    Args:
        file: what is written to.
        log: gets the waits, as the files of the other writers have them.
    """
    life, meter, ended = Life(), Meter(), threading.Event()
    with file.open("ab", buffering=0) as out, log.open("ab") as lines:
        number = out.fileno()

        def sync() -> None:
            while not ended.wait(_SYNC):
                os.fdatasync(number)

        thread = threading.Thread(target=sync)
        thread.start()
        try:
            while life.continues:
                wait = meter.measure(lambda: os.write(number, _LINE))
                # kept in memory for the most part: writing it would be no measured write
                lines.write(orjson.dumps({"wait": astuple(wait)}) + b"\n")
                pause(life, _PAUSE)
        finally:
            ended.set()
            thread.join()
