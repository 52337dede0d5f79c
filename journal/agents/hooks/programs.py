"""The agents that have hooks, by the documents of their vendors.

All four have the same form in a JSON file: for an event a list of groups, and in a group a list of
commands, which get a JSON object on standard input that names the transcript. Exit code 2 of a
command stops the agent from stopping, so a command must never end with it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.fs.location import expanded

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class HookProgram:
    """An agent, and where its hooks are.

    Attributes:
        format: the name of its importer.
        folder: the folder of its program.
        variable: the environment variable that names another folder; empty if there is none.
        file: the file in it that holds the hooks.
        events: those at which a session is imported.
        timeout: how long it lets a command run, in its own unit.
        note: what the user must do besides; empty if nothing.
    """

    format: str
    folder: str
    variable: str
    file: str
    events: tuple[str, ...]
    timeout: int
    note: str = ""

    @property
    def settings(self) -> Path:
        """Return the path of the file that holds the hooks.

        Raises:
            JournalOpenError: the home folder is unknown.
        """
        named = os.environ.get(self.variable) if self.variable else None
        return expanded(named or self.folder) / self.file

    @property
    def is_there(self) -> bool:
        """Return whether its program was used on this machine."""
        return self.settings.parent.is_dir()


PROGRAMS = (
    HookProgram(
        "claude-code",
        "~/.claude",
        "CLAUDE_CONFIG_DIR",
        "settings.json",
        ("Stop", "PreCompact", "SessionEnd"),
        10,
    ),
    HookProgram(
        "codex",
        "~/.codex",
        "CODEX_HOME",
        "hooks.json",
        ("Stop",),
        10,
        "Codex runs a new hook only after you have trusted it: start codex, and use /hooks.",
    ),
    HookProgram(
        "gemini-cli",
        "~/.gemini",
        "",
        "settings.json",
        ("AfterAgent", "PreCompress", "SessionEnd"),
        10_000,
    ),
    HookProgram(
        "qwen-code",
        "~/.qwen",
        "",
        "settings.json",
        ("Stop", "PreCompact", "SessionEnd"),
        10_000,
    ),
)
