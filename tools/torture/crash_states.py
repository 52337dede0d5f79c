"""Enumerate what a power loss may leave of a journal, and check each such disk.

Real workloads run on a disk that records every file operation and every promise
(`crash/workloads.py`, `crash/recorder.py`). For each moment at which the power may go, the model
in `crash/model.py` (which says what is taken to be possible, and what is not looked at) gives the
states in which the disk may be found. From each of them:

- the journal opens, and `journal verify` names nothing but what the power loss explains: damage
  in bytes that were not synced, numbers that are missing with the events that were lost;
- every event that was acknowledged as durable is there (`always`, `sync()`, `close()`, the
  background sync of `interval`, what the projection showed), and nothing that was never appended;
- nothing stands there more often than it was appended;
- appending goes on, with two handles, and changes nothing else;
- a transcript that is imported again is complete;
- of a part of the states: the projection has each message once and equals a rebuilt one, before
  and after everything is appended again with the same ids.

A state in which it fails is kept, with the log that led to it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from itertools import count
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, get_args
from unittest.mock import patch

from crash import workloads
from crash.checks import Seen, judge, lay_out, look
from crash.model import Model, Names, Refused, Synced, Tree, Write
from crash.recorder import Lie, Recorder

from journal import disk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from crash.workloads import Scene

    Workload = Callable[[Scene], None]

FEWEST = 20_000
"""Distinct states of a full run: fewer mean that something is no longer enumerated."""
FEWEST_OF_SAMPLE = 400
FULL_SECONDS = 300
"""Seconds for which a full run is meant; a shorter one looks at a part of the states."""
_EPOCH = 1_750_000_000_000_000_000


def all_workloads() -> dict[str, Workload]:
    """Return the workloads by name."""
    found: dict[str, Workload] = {
        "first of all": workloads.first_of_all,
        "never": workloads.never,
        "interval": workloads.interval,
        "several lanes": workloads.several_lanes,
        "rolls, always": partial(workloads.rolls, fsync="always"),
        "rolls, never": partial(workloads.rolls, fsync="never"),
        "taken over": workloads.taken_over,
        "folder refused": workloads.folder_refused,
        "threads": workloads.threads,
        "imported": workloads.imported,
        "published": workloads.published,
        "projected": workloads.projected,
    }
    for fsync in ("always", "interval", "never"):
        for room in (0, 1, 100, 400):
            name = f"full disk, {fsync}, {room} bytes"
            found[name] = partial(workloads.full_disk, fsync=fsync, room=room)
        for times in (1, 2, 3):
            name = f"sync refused, {fsync}, {times} times"
            found[name] = partial(workloads.refused, fsync=fsync, times=times)
    for life in range(_LIVES):
        found[f"killed at {life}"] = partial(workloads.killed_at, life=life)
    return found
