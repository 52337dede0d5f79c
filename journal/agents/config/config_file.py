"""A configuration of an agent: read, compared, and replaced as a whole."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from journal.errors import InstallFailed, reason
from journal.fs.files import swap_file


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A configuration as it was read.

    Attributes:
        file: its path; a symbolic link stays one.
        content: its bytes; None if there is no file.
    """

    file: Path
    content: bytes | None

    @property
    def text(self) -> str | None:
        """Return it as text; None if there is no file.

        Raises:
            UnicodeDecodeError: it is no UTF-8.
        """
        return None if self.content is None else self.content.decode()

    def diff(self, text: str | None) -> str:
        """Return what another text changes, as a unified diff; None is no file."""
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
            swap_file(target, text.encode(), mode=mode)
        except OSError as error:
            raise InstallFailed(f"cannot write {self.file}: {reason(error)}") from error


def read_config(file: Path) -> ConfigFile:
    """Read a configuration.

    Raises:
        InstallFailed: it cannot be read.
    """
    try:
        return ConfigFile(file, _content(file))
    except OSError as error:
        raise InstallFailed(f"cannot read {file}: {reason(error)}") from error


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None
