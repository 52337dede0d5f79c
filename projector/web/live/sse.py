"""Server-sent events as text."""

from __future__ import annotations

import re

HEARTBEAT = ":\n\n"
"""A comment, which shows that the connection is alive."""
_ENDS = re.compile(r"\r\n|\r|\n")
"""What ends a line for a browser: a text with one of these must not begin a line of its own."""


def encode(name: str, data: str) -> str:
    """Return an event.

    Raises:
        ValueError: the name has an end of a line.
    """
    if _ENDS.search(name) is not None:
        raise ValueError("the name of an event is one line")
    lines = "".join(f"data: {line}\n" for line in _ENDS.split(data))
    return f"event: {name}\n{lines}\n"
