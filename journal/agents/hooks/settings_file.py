"""The settings of an agent: read, planned, and replaced as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.agents.config.config_file import read_config
from journal.agents.config.json_edit import JsonText
from journal.agents.hooks.entries import added, command_of, find, removed, state_of, updated
from journal.errors import InstallFailed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from journal.agents.config.config_file import ConfigFile
    from journal.agents.hooks.entries import Hook, State
    from journal.agents.hooks.programs import HookProgram


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of an agent as they were read.

    Attributes:
        program: the agent.
        config: their file.
        journal: the absolute path of the journal.
    """

    program: HookProgram
    config: ConfigFile
    journal: Path

    @property
    def text(self) -> str | None:
        """Return them as text; None if there is no file."""
        return self.config.text

    @property
    def hooks(self) -> list[Hook]:
        """Return the hooks of ours in them."""
        if self.text is None:
            return []
        return find(JsonText(self.text).value, self.program, self.journal)

    @property
    def is_off(self) -> bool:
        """Return whether the agent runs no hooks at all."""
        value = {} if self.text is None else JsonText(self.text).value
        return isinstance(value, dict) and value.get("disableAllHooks") is True

    def state(self, python: str) -> State:
        """Return what the hooks of ours are.

        Args:
            python: the interpreter that they should name.
        """
        command = command_of(python, self.journal, self.program)
        return state_of(self.hooks, command, self.program)

    def with_hooks(self, python: str) -> str:
        """Return the text with hooks of ours; in older ones only the command is replaced.

        Raises:
            InstallFailed: the settings have another form.
        """
        command = command_of(python, self.journal, self.program)
        return self._edited(lambda: self._with(command)) or ""

    def without_hooks(self) -> str | None:
        """Return the text without hooks of ours; None if there is to be no file.

        Raises:
            InstallFailed: the settings have another form.
        """
        return self._edited(self._without)

    def _with(self, command: tuple[str, ...]) -> str:
        changed = None
        if self.text is not None:
            changed = updated(self.text, command, self.program, self.journal)
        return added(self._without(), command, self.program) if changed is None else changed

    def _without(self) -> str | None:
        return None if self.text is None else removed(self.text, self.program, self.journal)

    def _edited(self, edit: Callable[[], str | None]) -> str | None:
        try:
            return edit()
        except ValueError as error:
            raise InstallFailed(f"{self.config.file}: {error}; it was left as it is") from error


def read_settings(program: HookProgram, journal: Path) -> Settings:
    """Read the settings of an agent.

    Args:
        program: the agent.
        journal: the folder of the journal.

    Raises:
        InstallFailed: they cannot be read, or are no JSON.
        JournalOpenError: the home folder is unknown.
    """
    file = program.settings.absolute()
    try:
        found = Settings(program, read_config(file), journal.absolute())
        if found.text is not None:
            JsonText(found.text).value  # noqa: B018 - it raises what is wrong with it
    except ValueError as error:  # also of a wrong encoding
        raise InstallFailed(f"{file} is no JSON: {error}; it was left as it is") from error
    return found
