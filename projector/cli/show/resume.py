"""The command that continues a session in the program that it was made with."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from journal.cli.kit.clean import one_line
from journal.process.fork import no_fork
from projector.restore.resume_command import resume_command

if TYPE_CHECKING:
    from projector.views.sessions import SessionBrief

_IN_FOLDER = frozenset(("claude-code", "crush", "gemini-cli", "qwen-code"))
"""Sources whose programs know only the sessions of the current folder."""


@dataclass(frozen=True, slots=True)
class Resume:
    """How a session is continued.

    Attributes:
        command: for a shell; None if there is none.
        note: what may be in the way; None if nothing is known to be.
    """

    command: str | None
    note: str | None = None


def resume(session: SessionBrief) -> Resume | None:
    """Return how to continue a session; None if its source has no such command."""
    text = resume_command(session.source, session.session)
    # an id with unsafe characters cannot be copied from a terminal
    if text is None or one_line(session.session) != session.session:
        return None
    if (why := _why_not(session)) is not None:
        return Resume(None, why)
    if session.cwd is None or one_line(session.cwd) != session.cwd:
        note = "run it in the folder of its project" if session.source in _IN_FOLDER else None
        return Resume(text, note)
    options_end = "-- " if session.cwd.startswith("-") else ""
    there = f"cd {options_end}{shlex.quote(session.cwd)} && {text}"
    if _is_folder(session.cwd):
        return Resume(there)
    return Resume(there, f"there is no folder {session.cwd} on this machine")


def _why_not(session: SessionBrief) -> str | None:
    """Return why a session cannot be continued, and what to do; None if it can."""
    if session.relation == "subagent":
        return "a sub-agent cannot be resumed: resume its parent"
    if session.gone is None:
        return None
    with no_fork.turn:
        from projector.restore.restore import SOURCES  # noqa: PLC0415 - few sessions are gone

    if session.source not in SOURCES:
        return "its program has it no more"
    restore = shlex.join(("journal", "restore", session.session, "--to", "FOLDER"))
    return f"its program has it no more: `{restore}` writes its file again"


def _is_folder(path: str) -> bool:
    try:
        return Path(path).is_dir()
    except (OSError, ValueError):  # a name that no file of this system can have
        return False
