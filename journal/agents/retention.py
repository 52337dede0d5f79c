"""How long programs keep their transcripts, by their own settings."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from journal.fs.location import expanded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_CLAUDE_DAYS = 30
"""Claude Code's own default, documented under "settings"."""
_MOST = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Retention:
    """What a program deletes by itself.

    Attributes:
        days: it deletes transcripts that were last changed so many days ago; with 0 it deletes all
            of them when it starts, and writes no new ones.
        setting: where that is set: a file and a name in it.
        is_default: whether the user has not set it.
    """

    days: int
    setting: str
    is_default: bool


def retention_of(format: str) -> Retention | None:
    """Return what the program of a format deletes by itself; None if it is not known to."""
    rule = _RULES.get(format)
    return None if rule is None else rule()


def _claude_code() -> Retention | None:
    folder = os.environ.get("CLAUDE_CONFIG_DIR") or "~/.claude"
    file = expanded(folder) / "settings.json"
    days = _settings(file).get("cleanupPeriodDays")
    setting = f"cleanupPeriodDays in {folder}/settings.json"
    if not isinstance(days, int) or isinstance(days, bool) or days < 0:
        return Retention(_CLAUDE_DAYS, setting, is_default=True)  # it refuses such a value
    return Retention(days, setting, is_default=False)


def _settings(file: Path) -> dict[str, object]:
    """Return the settings of a program; none if they cannot be read: its defaults are in force."""
    try:
        with file.open("rb") as stream:
            found = orjson.loads(stream.read(_MOST))
    except (OSError, orjson.JSONDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


_RULES: dict[str, Callable[[], Retention | None]] = {"claude-code": _claude_code}
