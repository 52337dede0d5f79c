"""Patterns for LIKE with a backslash as escape: they match a text literally."""

from __future__ import annotations

import re

_WILD = re.compile(r"[\\%_]")


def literal(text: str) -> str:
    """Return a pattern that matches the text, in upper or lower case."""
    return _WILD.sub(r"\\\g<0>", text)


def beginning(text: str) -> str:
    """Return a pattern that matches what begins with the text."""
    return f"{literal(text)}%"


def containing(text: str) -> str:
    """Return a pattern that matches what contains the text."""
    return f"%{literal(text)}%"
