"""The text of a TOML file that a user wrote."""

from __future__ import annotations

import tomllib
from typing import Any


def parse_toml(content: bytes) -> dict[str, Any]:
    """Return what a TOML file says; a byte order mark before it is none of its text.

    Raises:
        ValueError: it is no TOML; the message says where, why, and what to do.
    """
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"it is not UTF-8 in line {line}: save the file as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"it is no TOML: {error}. Correct the file, or remove it") from error
    except RecursionError as error:
        raise ValueError("it is no TOML that can be read: it has too many brackets") from error
