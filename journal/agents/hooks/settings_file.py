"""The settings of an agent: read, planned, and replaced as a whole."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING

from journal.agents.hooks.entries import added, command_of, find, removed, state_of
from journal.agents.hooks.json_edit import JsonText
from journal.errors import InstallFailed, reason
from journal.fs.files import swap_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from journal.agents.hooks.entries import Hook, State
    from journal.agents.hooks.programs import HookProgram


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of an agent as they were read.

    Attributes:
        program: the agent.
        file: their file; a symbolic link stays one.
        journal: the absolute path of the journal.
        content: their bytes; None if there is no file.
    """

    program: HookProgram
    file: Path
    journal: Path
    content: bytes | None

    @property
    def text(self) -> str | None:
        """Return them as text; None if there is no file."""
        return None if self.content is None else self.content.decode()

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
        """Return the text with hooks of ours, in place of older ones.

        Raises:
            InstallFailed: the settings have another form.
        """
        command = command_of(python, self.journal, self.program)
        return self._edited(lambda: added(self._without(), command, self.program)) or ""

    def without_hooks(self) -> str | None:
        """Return the text without hooks of ours; None if there is to be no file.

        Raises:
            InstallFailed: the settings have another form.
        """
        return self._edited(self._without)

    def _without(self) -> str | None:
        return None if self.text is None else removed(self.text, self.program, self.journal)

    def _edited(self, edit: Callable[[], str | None]) -> str | None:
        try:
            return edit()
        except ValueError as error:
            raise InstallFailed(f"{self.file}: {error}; it was left as it is") from error

    def diff(self, text: str | None) -> str:
        """Return what another text changes, as a unified diff."""
        old, new = self.text or "", text or ""
        lines = unified_diff(
            old.splitlines(keepends=True),
            new.splitlines(keepends=True),
            str(self.file) if self.content is not None else os.devnull,
            str(self.file) if text is not None else os.devnull,
        )
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)

    def write(self, text: str | None) -> None:
        """Replace the file by a text, or remove it.

        Raises:
            InstallFailed: it was changed since it was read, it is of another user, or the file
                system refuses; it is as it was.
        """
        target = Path(os.path.realpath(self.file))
        try:
            if _content(target) != self.content:
                raise InstallFailed(f"{self.file} was changed meanwhile: run it again")
            if text is None:
                target.unlink()
                return
            mode = 0o600
            if self.content is not None:
                status = target.stat()
                if status.st_uid != os.geteuid():
                    raise InstallFailed(f"{self.file} is of another user: it was left as it is")
                mode = stat.S_IMODE(status.st_mode)
            swap_file(target, text.encode(), mode)
        except OSError as error:
            raise InstallFailed(f"cannot write {self.file}: {reason(error)}") from error


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
        found = Settings(program, file, journal.absolute(), _content(file))
        if found.text is not None:
            JsonText(found.text).value  # noqa: B018 - it raises what is wrong with it
    except OSError as error:
        raise InstallFailed(f"cannot read {file}: {reason(error)}") from error
    except ValueError as error:  # also of a wrong encoding
        raise InstallFailed(f"{file} is no JSON: {error}; it was left as it is") from error
    return found


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None
