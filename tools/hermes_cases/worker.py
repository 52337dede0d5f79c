"""A process that takes part in a case: it does what it is told, one JSON line after the other."""

from __future__ import annotations

import inspect
import json
import os
import sys
import time
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


def timed(call: Callable[[], Any]) -> dict[str, Any]:
    """Call something; tell the milliseconds, and what came of it or went wrong."""
    began, waited = time.perf_counter_ns(), run_delay()
    error = answer = None
    try:
        answer = call()
    except Exception as raised:  # noqa: BLE001 - whatever it is, it is what is looked for
        error = f"{type(raised).__name__}: {raised}"
    taken = (time.perf_counter_ns() - began) / 1e6
    return {"ms": taken, "off_cpu_ms": run_delay() - waited, "answer": answer, "error": error}


def run_delay() -> float:
    """Return the milliseconds for which this thread could have run, and others did."""
    return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e6
