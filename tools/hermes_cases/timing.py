"""The duration of a call, and for how much of it other processes had the processor."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def timed(call: Callable[..., Any]) -> dict[str, Any]:
    """Call a function; return the milliseconds, and its result or its error."""
    began, waited = time.perf_counter_ns(), run_delay()
    error = answer = None
    try:
        answer = call()
    except Exception as raised:  # noqa: BLE001 - any error is a result
        error = f"{type(raised).__name__}: {raised}"
    duration = (time.perf_counter_ns() - began) / 1e6
    return {"ms": duration, "off_cpu_ms": run_delay() - waited, "answer": answer, "error": error}


def run_delay() -> float:
    """Return the milliseconds for which this thread was ready while others ran."""
    return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e6
