"""The agents that can be given the server, and where their configurations are.

By the documents of their vendors: code.claude.com/docs/en/mcp, developers.openai.com/codex/mcp,
geminicli.com/docs/tools/mcp-server, opencode.ai/docs/mcp-servers and docs.github.com/copilot
(how-tos, Copilot CLI).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from journal.fs.location import expanded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Program:
    """An agent.

    Attributes:
        name: its name on the command line.
        files: the names that its configuration may have; the first that is there counts, else the
            first.
        folder: the folder of its configuration.
        variable: the environment variable that names another folder; empty if there is none.
        above: what `folder` is below of the folder that the variable names.
        skills: the folder of its skills, as `folder`.
        kind: how its configuration is written.
        form: returns the entry for the words of a command; of JSON only.
    """

    name: str
    files: tuple[str, ...]
    folder: str
    variable: str
    above: str
    skills: str
    kind: Literal["json", "toml"]
    form: Callable[[list[str]], dict[str, Any]]

    @property
    def file(self) -> Path:
        """Return the path of its configuration.

        Raises:
            JournalOpenError: the home folder is unknown.
        """
        folder = self._folder(self.folder)
        found = (folder / name for name in self.files)
        return next((file for file in found if file.exists()), folder / self.files[0])

    @property
    def skill(self) -> Path:
        """Return the folder of its skills.

        Raises:
            JournalOpenError: the home folder is unknown.
        """
        return self._folder(self.skills)

    def _folder(self, default: str) -> Path:
        named = os.environ.get(self.variable) if self.variable else None
        if not named:
            return expanded(default).absolute()
        base = expanded(named).absolute() / self.above
        return base / "skills" if default.endswith("/skills") else base


def _command(words: list[str]) -> dict[str, Any]:
    return {"command": words[0], "args": words[1:]}


PROGRAMS = (
    Program(
        "claude-code",
        (".claude.json",),
        "~",
        "CLAUDE_CONFIG_DIR",
        "",
        "~/.claude/skills",
        "json",
        lambda words: {"type": "stdio", **_command(words), "env": {}},
    ),
    Program(
        "codex",
        ("config.toml",),
        "~/.codex",
        "CODEX_HOME",
        "",
        "~/.codex/skills",
        "toml",
        _command,
    ),
    Program(
        "gemini",
        ("settings.json",),
        "~/.gemini",
        "",
        "",
        "~/.gemini/skills",
        "json",
        _command,
    ),
    Program(
        "opencode",
        ("opencode.jsonc", "opencode.json"),
        "~/.config/opencode",
        "XDG_CONFIG_HOME",
        "opencode",
        "~/.config/opencode/skills",
        "json",
        lambda words: {"type": "local", "command": words, "enabled": True},
    ),
    Program(
        "copilot",
        ("mcp-config.json",),
        "~/.copilot",
        "COPILOT_HOME",
        "",
        "~/.copilot/skills",
        "json",
        lambda words: {"type": "local", **_command(words), "tools": ["*"]},
    ),
)


def box_of(program: Program, value: object) -> tuple[str, ...]:
    """Return the keys of the object that holds the entries of servers in a configuration.

    Args:
        program: the agent.
        value: what its configuration means.
    """
    if program.name != "opencode":
        return ("mcpServers",)
    servers = value.get("mcp") if isinstance(value, dict) else None
    # version 2 has them a level deeper
    if isinstance(servers, dict) and isinstance(servers.get("servers"), dict):
        inner = servers["servers"]
        if "type" not in inner:
            return ("mcp", "servers")
    return ("mcp",)
