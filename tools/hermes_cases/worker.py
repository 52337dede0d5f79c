"""A process that takes part in a case: it does what it is told, one JSON line after the other."""

from __future__ import annotations

import inspect
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import acts
from .side import SIDES

if TYPE_CHECKING:
    from collections.abc import Callable

    from .side import Side


def main(side: str) -> int:
    """Do what comes in on standard input until it ends; return the exit code."""
    known: dict[str, Callable[..., Any]] = dict(inspect.getmembers(acts, inspect.isfunction))
    mine: Side = SIDES[side]()
    mine.load()  # no act is to be measured with it
    for line in sys.stdin:
        told = json.loads(line)
        arguments = told["arguments"]
        if "path" in arguments:
            arguments["path"] = Path(arguments["path"])
        print(json.dumps(known[told["act"]](mine, **arguments)), flush=True)
    sys.stdout.flush()
    os._exit(0)  # what is open stays open to the last, as in a process that is killed
