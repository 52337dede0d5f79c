"""The system's notifications of changed files, which watchdog delivers."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING

from journal.process.fork import no_fork

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchdog.observers.api import BaseObserver


def new_observer() -> BaseObserver:
    """Return an observer of watchdog, without two messages that mean nothing to a user.

    watchdog warns of a folder that it finds twice: when it is made, and in its parent. When it is
    stopped while it starts, it logs as an error that its thread is inactive; a user would see that
    as the last line of a command that ended as asked.
    """
    with no_fork.turn:
        from watchdog.observers import Observer  # noqa: PLC0415 - only following and projecting need it

    warnings.filterwarnings("ignore", "Callback with id", RuntimeWarning)
    logging.getLogger("watchdog.observers.inotify").addFilter(_is_error)
    return Observer()


def start_observer(schedule: Callable[[BaseObserver], object]) -> BaseObserver:
    """Return an observer that was started with what `schedule` asks of it.

    Raises:
        OSError: the limit of inotify's watches or instances is reached.
        RuntimeError: the system starts no more threads.
    """
    observer = new_observer()
    try:
        schedule(observer)
        observer.start()
    except BaseException:
        observer.stop()  # threads that did start would fill its queue without end
        raise
    return observer


def _is_error(record: logging.LogRecord) -> bool:
    return "called when the thread is inactive" not in record.getMessage()
