"""Processes that share a journal: forks, which need not import a framework again."""

from __future__ import annotations

from multiprocessing import get_context
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_PATIENCE = 60
"""Seconds that a process may take."""


def run_forked(work: Callable[[Path, str], None], path: Path) -> None:
    """Run work in two processes at once, named `a` and `b`; fail unless both succeed."""
    context = get_context("fork")
    started = [context.Process(target=work, args=(path, name)) for name in ("a", "b")]
    for process in started:
        process.start()
    for process in started:
        process.join(_PATIENCE)
        if process.exitcode is None:
            process.kill()
    assert [process.exitcode for process in started] == [0, 0]
