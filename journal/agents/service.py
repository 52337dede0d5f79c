"""The file of the service that follows the agents of this user: written, checked and removed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

from journal.agents.unit import LABEL, is_own, launchd_agent, systemd_unit
from journal.errors import ExportFailed
from journal.fs.files import swap_file
from journal.fs.location import expanded

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

State = Literal["missing", "same", "older", "changed"]
UNIT = "agent-journal-follow.service"
_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Service:
    """A service.

    Attributes:
        kind: `systemd` or `launchd`.
        file: its file.
        text: what is to be in it.
        starts: the commands that start it.
        stops: the commands that stop it.
    """

    kind: str
    file: Path
    text: str
    starts: tuple[tuple[str, ...], ...]
    stops: tuple[tuple[str, ...], ...]

    def state(self) -> State:
        """Return what its file is: `changed` if the user has changed it, or wrote it.

        Raises:
            OSError: it cannot be read.
        """
        try:
            found = self.file.read_bytes().decode(errors="surrogateescape")
        except FileNotFoundError:
            return "missing"
        if found == self.text:
            return "same"
        return "older" if is_own(found) else "changed"

    def write(self) -> None:
        """Write its file.

        Raises:
            OSError: the file system refuses.
        """
        self.file.parent.mkdir(parents=True, exist_ok=True)
        swap_file(self.file, self.text.encode(errors="surrogateescape"))

    def check(self) -> str | None:
        """Return what `systemd-analyze verify` says of the file: empty if nothing.

        None means that there is no such program, or that it is no file for it.
        """
        program = shutil.which("systemd-analyze")
        if program is None or self.kind != "systemd":
            return None
        with TemporaryDirectory() as folder:
            # without a folder of the user's session, as in a cron job, it does not begin
            runtime = os.environ.get("XDG_RUNTIME_DIR") or folder
            command = (program, "--user", "verify", str(self.file))
            done = _run(command, XDG_RUNTIME_DIR=runtime)
        said = f"{done.stdout}{done.stderr}".strip()
        return said or ("" if done.returncode == 0 else f"it ended with {done.returncode}")


def service(journal: Path, *, launchd: bool) -> Service:
    """Return the service for a journal.

    Args:
        journal: folder of the journal.
        launchd: whether it is one of launchd, and not of systemd.

    Raises:
        ExportFailed: a path in it has a control character, which no such file can hold.
        JournalOpenError: the home folder is unknown.
    """
    command = (
        os.path.abspath(sys.executable),  # noqa: PTH100 - a link of a virtual environment stays
        "-m",
        "journal",
        "--journal",
        str(journal.absolute()),
        "install",
        "--run",
    )
    if any(ord(char) < ord(" ") or char == "\x7f" for word in command for char in word):
        raise ExportFailed(f"a control character in {command!r}: no service can be written for it")
    if launchd:
        file = expanded("~/Library/LaunchAgents") / f"{LABEL}.plist"
        return Service(
            "launchd",
            file,
            launchd_agent(command),
            (("launchctl", "load", "-w", str(file)),),
            (("launchctl", "unload", "-w", str(file)),),
        )
    config = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    control = ("systemctl", "--user")
    return Service(
        "systemd",
        expanded(config) / "systemd" / "user" / UNIT,
        systemd_unit(command),
        ((*control, "daemon-reload"), (*control, "enable", "--now", UNIT)),
        ((*control, "disable", "--now", UNIT), (*control, "daemon-reload")),
    )


def run_all(commands: Sequence[Sequence[str]]) -> bool:
    """Run commands until one fails; return whether all ended with 0."""
    for command in commands:
        program = shutil.which(command[0])
        if program is None or _run((program, *command[1:])).returncode:
            return False
    return True


def _run(command: Sequence[str], **more: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603 - programs of the system, with paths as arguments
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
            env=os.environ | more,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(list(command), 1, "", str(error))
