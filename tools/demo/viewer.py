"""The end of the demonstration: its journal in the browser."""

from __future__ import annotations

import os
import subprocess
import sys
import webbrowser
from typing import TYPE_CHECKING

from projector.web.needed import EXTRA, SERVING, missing
from tools.demo.processes import DemoError, start, tail

if TYPE_CHECKING:
    from rich.console import Console

    from tools.demo.processes import Tools

_ADDRESS = "http://127.0.0.1:7464/"
"""Where the viewer is without options."""


def offer(console: Console, tools: Tools) -> None:
    """Start the viewer, print its address and offer to open it; it ends before this returns.

    Without a terminal, only the command that starts it is printed.

    Raises:
        DemoError: the viewer did not start.
    """
    if lacking := missing(SERVING):
        console.print(f"\nThe viewer needs {lacking}: {EXTRA}", markup=False)
    elif not _is_answered():
        command = tools.shown("projector", "web")
        console.print(f"\nIn the browser, at {_ADDRESS}:", markup=False)
        console.print(f"  {command}", soft_wrap=True, markup=False)
    else:
        _serve(console, tools)


def _serve(console: Console, tools: Tools) -> None:
    # without --port 0 the viewer of another journal would be in the way
    argv = tools.argv("projector", "web", "--port", "0")
    process = start(argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        address = b"" if process.stdout is None else process.stdout.readline()
        if not address:
            _, err = process.communicate()
            raise DemoError(f"projector web ended with {process.returncode}: {tail(err)}")
        url = address.decode().strip()
        console.print(f"\nIn the browser: {url}", markup=False)
        if _ask("Open it? [Y/n] ") not in {"", "y", "yes"}:
            return
        if not webbrowser.open(url):
            console.print("No browser was found: open the address yourself.")
        _ask("The viewer runs until you press Enter. ")
    finally:
        process.kill()
        process.communicate()


def _is_answered() -> bool:
    """Return whether a person is at a terminal."""
    return sys.stdin.isatty() and sys.stdout.isatty() and not os.environ.get("CI")


def _ask(question: str) -> str:
    """Return what is answered; `n` if the terminal is closed."""
    try:
        return input(question).strip().lower()
    except EOFError:
        return "n"
