"""The text of a service that follows the agents: a systemd user unit, or a launchd agent. Pure.

Each text has a line with a checksum of the others, so that a later run recognises its own file, and
never replaces or removes one that the user has changed.
"""

from __future__ import annotations

import hashlib
import plistlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_MARK = "written by `journal install`, checksum "
_DIGEST = re.compile(rf"{_MARK}([0-9a-f]{{32}})")
LABEL = "agent-journal.follow"
"""The label of the launchd agent."""


def systemd_unit(command: Sequence[str]) -> str:
    """Return a user unit that keeps a command running.

    It is started again each day, so that agents which were installed meanwhile are found.

    Args:
        command: the program's absolute path, and its arguments, without control characters.
    """
    words = " ".join(map(_quoted, command))
    return _marked(
        "# ",
        "",
        f"""[Unit]
Description=Agent Journal: imports the transcripts of agents as they grow
StartLimitIntervalSec=0

[Service]
ExecStart=:{words}
Restart=always
RestartSec=60
RuntimeMaxSec=1d
Nice=10
IOSchedulingClass=idle
UMask=0077
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes

[Install]
WantedBy=default.target
""",
    )


def launchd_agent(command: Sequence[str]) -> str:
    """Return the property list of a launchd agent that keeps a command running.

    Args:
        command: as of `systemd_unit`.
    """
    about = {
        "Label": LABEL,
        "ProgramArguments": list(command),
        "RunAtLoad": True,
        "KeepAlive": True,
        "ThrottleInterval": 60,
        "ProcessType": "Background",
        "LowPriorityIO": True,
        "Nice": 10,
    }
    return _marked("<!-- ", " -->", plistlib.dumps(about).decode())


def is_own(text: str) -> bool:
    """Return whether `journal install` wrote a text, and the user has not changed it."""
    found = _DIGEST.search(text)
    if found is None:
        return False
    rest = [line for line in text.splitlines(keepends=True) if _MARK not in line]
    return _checksum("".join(rest)) == found[1]


def _marked(before: str, behind: str, text: str) -> str:
    """Put the line with the checksum after the first line, which XML needs at its place."""
    first, _, rest = text.partition("\n")
    return f"{first}\n{before}{_MARK}{_checksum(text)}{behind}\n{rest}"


def _checksum(text: str) -> str:
    return hashlib.blake2b(text.encode(errors="surrogateescape"), digest_size=16).hexdigest()


def _quoted(word: str) -> str:
    """Quote a word of a command line of systemd, which expands `%` and has escapes."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'
