"""Ask a yes-or-no question on the terminal."""

from __future__ import annotations

import sys

from journal.cli.kit.output import is_terminal, print_prompt


def can_ask() -> bool:
    """Return whether a person can read a question and answer it."""
    return is_terminal(err=True) and sys.stdin is not None and sys.stdin.isatty()


def ask(question: str) -> bool:
    """Ask on standard error; return whether the answer is `y` or `yes`. No answer is no."""
    print_prompt(f"{question} [y/N] ")
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
