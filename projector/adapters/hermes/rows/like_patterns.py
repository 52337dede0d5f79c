"""Patterns for LIKE that match texts as they are; a backslash escapes."""

from __future__ import annotations

import re

_WILD = re.compile(r"[\\%_]")


def literal(text: str) -> str:
    """Return a pattern that matches the text itself, upper or lower case."""
    return _WILD.sub(r"\\\g<0>", text)


def beginning(text: str) -> str:
    """Return a pattern for what begins with a text."""
    return f"{literal(text)}%"


def containing(text: str) -> str:
    """Return a pattern for what has a text in it."""
    return f"%{literal(text)}%"
