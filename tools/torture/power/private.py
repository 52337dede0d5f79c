"""A program with mounts and processes of its own: what it leaves, the kernel takes away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

_APART = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")


def run_apart(command: Sequence[str]) -> int:
    """Run a program in namespaces of its own, and return its exit code.

    However it or this program ends, by Ctrl-C, SIGTERM or SIGKILL too: all its processes end with
    it, and so do its mounts, and with these the loop devices below them. The program is to call
    `end_with_parent` first.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    # a session of its own: Ctrl-C comes here alone, and ends it below
    with subprocess.Popen(
        [*_APART, *command], stdin=subprocess.PIPE, start_new_session=True
    ) as process:
        try:
            return process.wait()
        finally:
            process.kill()


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


def end_with_parent() -> None:
    """End this process, the first of its namespace, as soon as its standard input is closed."""

    def watch() -> None:
        while os.read(0, 1):
            pass
        os._exit(1)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()
