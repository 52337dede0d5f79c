"""A program with its own mounts and processes, which the kernel removes when it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

_APART = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
_GRACE = 20.0
"""Seconds to end after a request: killed during a mount of btrfs, a program leaks a loop device."""


def run_apart(command: Sequence[str]) -> int:
    """Run a program in its own namespaces, and return its exit code.

    However it or this program ends, also by Ctrl-C, SIGTERM or SIGKILL, its processes, mounts and
    loop devices are removed. The program must end when `parent_gone` is set.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    # its own session, so that only this process gets Ctrl-C
    with subprocess.Popen(
        [*_APART, *command], stdin=subprocess.PIPE, start_new_session=True
    ) as process:
        try:
            return process.wait()
        except SystemExit:
            if process.stdin is not None:
                process.stdin.close()
            process.wait(_GRACE)
            raise
        finally:
            process.kill()


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)  # a second Ctrl-C must not interrupt the cleanup
    sys.exit(128 + number)


def parent_gone() -> threading.Event:
    """Return an event that is set when `run_apart` asks this program to end, or has ended.

    Some seconds later the process is ended, and with the first process of its namespace all others.
    """
    gone = threading.Event()

    def watch() -> None:
        while os.read(0, 1):
            pass
        gone.set()
        time.sleep(_GRACE)
        os._exit(1)

    threading.Thread(target=watch, name="parent-gone", daemon=True).start()
    return gone
