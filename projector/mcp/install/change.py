"""Changes to the configuration of an agent, and to its skill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.agents.config.config_file import read_config
from journal.agents.config.json_edit import JsonText
from journal.errors import InstallFailed, reason
from projector.mcp.install import json_config, toml_config
from projector.mcp.install.programs import box_of
from projector.mcp.install.skill import CHANGED, remove_folders, skill_change

if TYPE_CHECKING:
    from journal.agents.config.config_file import ConfigFile
    from projector.mcp.install.entry import Server
    from projector.mcp.install.programs import Program


@dataclass(frozen=True, slots=True)
class Change:
    """A change to a file.

    Attributes:
        config: the file as it is.
        text: what it is to be; None for no file.
        is_skill: whether it is that of the skill.
        kept: why it is left as it is though it should be removed; empty if it is not.
    """

    config: ConfigFile
    text: str | None
    is_skill: bool = False
    kept: str = ""

    @property
    def is_due(self) -> bool:
        """Whether there is anything to do."""
        return self.text != (None if self.config.content is None else self.config.text)

    def make(self) -> None:
        """Do it.

        Raises:
            InstallFailed: the file was changed meanwhile, or the file system refuses.
        """
        if self.text is not None:
            try:
                self.config.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                raise InstallFailed(
                    f"cannot make the folder of {self.config.file}: {reason(error)}"
                ) from error
        self.config.write(self.text)
        if self.text is None and self.is_skill:
            remove_folders(self.config)


def changes(program: Program, server: Server, *, undo: bool) -> list[Change]:
    """Return the changes that add a server to an agent, or take it away.

    Args:
        program: the agent.
        server: how the server is started.
        undo: whether it is to be taken away.

    Raises:
        InstallFailed: a file cannot be read, is invalid, or has what is not ours; nothing was done.
        JournalOpenError: the home folder is unknown.
    """
    config = read_config(program.file)
    if not config.file.parent.is_dir() and not undo:
        raise InstallFailed(f"{config.file.parent} is not there: start {program.name} once first")
    try:
        kept = _kept(program, config.text) if undo else ""
        text = config.text
        if not kept:
            text = _removed(program, text) if undo else _added(program, text, server)
    except ValueError as error:  # also of a wrong encoding
        raise InstallFailed(f"{config.file}: {error}; it was left as it is") from error
    skill, wanted = skill_change(program.skill, undo=undo)
    changed = CHANGED if undo and wanted is not None else ""
    return [
        Change(config, text, kept=kept),
        Change(skill, wanted, is_skill=True, kept=changed),
    ]


def _kept(program: Program, text: str | None) -> str:
    """Return why a configuration keeps the server; empty if it is removed."""
    if text is None or not text.strip():
        return ""
    if program.kind == "toml":
        return toml_config.kept(text)
    return json_config.kept(text, box_of(program, JsonText(text).value), program.form)


def _added(program: Program, text: str | None, server: Server) -> str:
    if program.kind == "toml":
        return toml_config.added(text, server)
    value = JsonText(text).value if text and text.strip() else {}
    return json_config.added(text, box_of(program, value), program.form, server)


def _removed(program: Program, text: str | None) -> str | None:
    """Return a configuration without the server; None for no file."""
    if text is None or not text.strip():
        return text
    if program.kind == "toml":
        without = toml_config.removed(text)
        was_made = without is not None and toml_config.made(text) == toml_config.FILE
        return None if was_made and not without else text if without is None else without
    without = json_config.removed(text, box_of(program, JsonText(text).value))
    return text if without is None else without or None
