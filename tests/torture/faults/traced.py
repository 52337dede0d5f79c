"""Run work in a forked process beside strace, which counts its calls, kills it or lets them fail.

The process is forked from one that has loaded everything, and strace is attached before the work
begins: a run takes some ten milliseconds, and the n-th system call is the n-th of the work. The
work reports through shared memory, so that a report is no system call.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import io
import json
import mmap
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from tests.support.skewed import skewed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

clocks = 0
"""Selects the wrong clocks of the work: another number gives other clocks."""
GO, ASK, LIFTED = 0, 1, 2
"""Bytes of the shared memory: the work may begin; remove the fault; the fault is removed."""
_ACKS, _REPORT, _SIZE = 16, 4096, 1 << 20
_PAUSE = 0.0003
_PTRACER, _ANYONE = 0x59616D61, -1
_CALL = re.compile(rb"^(\d+) +(?:<\.\.\. )?(\w+)(?:\(| resumed)")


class Shared:
    """Memory that a run shares with the process that watches it."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _SIZE)

    def clear(self) -> None:
        """Forget the last run."""
        self._memory[:_REPORT] = bytes(_REPORT)
        self._memory[_REPORT : _REPORT + 4] = bytes(4)

    def raised(self, flag: int) -> bool:
        """Return whether a flag is set."""
        return self._memory[flag] != 0

    def set(self, flag: int) -> None:
        """Set a flag."""
        self._memory[flag] = 1

    def wait(self, flag: int) -> None:
        """Wait until a flag is set."""
        while not self._memory[flag]:
            time.sleep(_PAUSE)

    def acknowledge(self, number: int) -> None:
        """Record that the n-th event was acknowledged; a kill does not lose the record."""
        self._memory[_ACKS + number] = 1

    def acknowledged(self) -> list[int]:
        """Return the events that were acknowledged."""
        return [n for n, byte in enumerate(self._memory[_ACKS:_REPORT]) if byte]

    def store_report(self, report: dict[str, Any]) -> None:
        """Store a report."""
        content = json.dumps(report).encode()[: _SIZE - _REPORT - 4]
        self._memory[_REPORT + 4 : _REPORT + 4 + len(content)] = content
        self._memory[_REPORT : _REPORT + 4] = len(content).to_bytes(4, "little")

    def report(self) -> dict[str, Any]:
        """Return the report; empty if the run was killed."""
        size = int.from_bytes(self._memory[_REPORT : _REPORT + 4], "little")
        found: dict[str, Any] = json.loads(self._memory[_REPORT + 4 : _REPORT + 4 + size] or b"{}")
        return found


@dataclass(frozen=True, slots=True)
class Point:
    """Where strace interferes.

    Attributes:
        call: name of the system call.
        when: which of its calls, in the notation of strace: `7`, `7+`.
        what: what happens there: `signal=KILL`, `error=ENOSPC`.
    """

    call: str
    when: str
    what: str

    def __str__(self) -> str:
        return f"{self.call}:{self.what}:when={self.when}"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended.

    Attributes:
        code: exit code; the negative number of the signal that ended it.
        acknowledged: numbers of the events that were acknowledged.
        lifted: whether the work asked to remove the fault.
        hung: whether it was killed because it did not end.
        errors: the expected errors that the work caught.
        stderr: what it printed there.
        stray: tracebacks of exceptions that were not caught.
        calls: system calls made, by name: the most that one thread made.
    """

    code: int
    acknowledged: list[int]
    lifted: bool
    hung: bool
    errors: list[str] = field(default_factory=list)
    stderr: str = ""
    stray: list[str] = field(default_factory=list)
    calls: dict[str, int] = field(default_factory=dict)


def missing() -> str | None:
    """Return why strace cannot be used here; None if it can."""
    strace = shutil.which("strace")
    if strace is None:
        return "strace is not installed"
    tried = subprocess.run(
        [strace, "-e", "inject=getpid:error=EIO", "true"], capture_output=True, check=False
    )
    return None if tried.returncode == 0 else f"strace may not trace here: {tried.stderr!r}"


PATIENCE = 60.0
"""Seconds after which a run counts as hung: with failing locks, SQLite retries 10 s a statement."""


def run(
    work: Callable[[Path, Shared], int],
    folder: Path,
    shared: Shared,
    point: Point | None = None,
    *,
    patience: float = PATIENCE,
) -> Ended:
    """Run `work` in a fork; kill it or let it fail at the n-th call of a kind.

    Args:
        work: the function to run; its arguments are the folder and the shared memory.
        folder: where it works.
        shared: memory of an earlier run; it is cleared.
        point: where to interfere; None counts the calls instead.
        patience: seconds after which a run counts as hung.
    """
    shared.clear()
    child = os.fork()
    if not child:
        _child(work, folder, shared)
    trace = folder.parent / f"{folder.name}.trace"
    command = ["strace", "-f", "-p", str(child), "-e", "signal=none"]
    if point is None:
        command += ["-s", "0", "-o", str(trace)]
    else:
        command += ["-e", f"trace={point.call}", "-o", os.devnull, "-e", f"inject={point}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as strace:
        assert strace.stderr is not None
        line = strace.stderr.readline()
        if b"attached" not in line:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise RuntimeError(f"strace did not attach: {line!r}")
        shared.set(GO)
        hung = _watch(child, strace, shared, patience)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        strace.stderr.read()
    report = shared.report()
    calls = _count(trace) if point is None else {}
    return Ended(code, shared.acknowledged(), shared.raised(ASK), hung, **report, calls=calls)


def _watch(child: int, strace: subprocess.Popen[bytes], shared: Shared, patience: float) -> bool:
    """Wait until the child has ended; remove the fault when it asks. Return whether it hung."""
    until = time.monotonic() + patience
    watched = os.pidfd_open(child)
    try:
        while not select.select([watched], [], [], 0.002)[0]:
            if shared.raised(ASK) and not shared.raised(LIFTED):
                strace.terminate()  # strace detaches from the child, which continues
                strace.wait()
                shared.set(LIFTED)
            if time.monotonic() > until:
                os.kill(child, signal.SIGKILL)
                return True
    finally:
        os.close(watched)
    return False


def _count(trace: Path) -> dict[str, int]:
    threads: dict[bytes, Counter[str]] = {}
    for line in trace.read_bytes().splitlines():
        found = _CALL.match(line)
        if found is not None and b"resumed" not in found[0]:
            threads.setdefault(found[1], Counter())[found[2].decode()] += 1
    trace.unlink()
    most: Counter[str] = Counter()
    for counts in threads.values():
        most |= counts
    return dict(most)


def _child(work: Callable[[Path, Shared], int], folder: Path, shared: Shared) -> None:
    """Do the work and exit, without the parent's exit handlers."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    stray: list[str] = []
    code = 70
    try:
        sys.stdout, sys.stderr = out, err
        sys.unraisablehook = lambda it: stray.append(f"unraisable in {it.object}: {it.exc_value!r}")
        threading.excepthook = lambda it: stray.append(
            f"in thread {it.thread}: {''.join(traceback.format_exception(it.exc_value))}"
        )
        # some systems allow only ancestors to trace
        ctypes.CDLL(None).prctl(_PTRACER, ctypes.c_ulong(_ANYONE), 0, 0, 0)
        shared.wait(GO)
        time.sleep(_PAUSE)
        try:
            # the same in each run of a workload: its system calls must be the same
            with skewed(Random(f"{clocks} {work.__name__}")):
                code = work(folder, shared)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        atexit._run_exitfuncs()
        gc.collect()
    except BaseException:  # noqa: BLE001 - it is reported to the parent, which fails
        stray.append(traceback.format_exc())
    finally:
        with contextlib.suppress(ValueError):
            err.flush()
        stderr = err.buffer.getvalue().decode()
        shared.store_report({"errors": noted, "stderr": stderr[-4000:], "stray": stray})
        os._exit(code)


noted: list[str] = []
"""Errors that the work in this process caught and survived."""
