"""The command that continues a session in the program that it was made with.

Only what the programs document themselves is here:

- claude-code: `--resume`, of the project in the current folder (code.claude.com/docs, "CLI
  reference")
- codex: `codex resume SESSION_ID` (developers.openai.com/codex/cli/features, "Resuming
  conversations")
- copilot-cli: `--resume=SESSION-ID` (docs.github.com, "GitHub Copilot CLI command reference")
- crush: `--session`, in the project's folder, which has the database (`crush --help`)
- factory: `droid --resume SESSION_ID` (docs.factory.ai, "CLI reference")
- gemini-cli: `--resume UUID`, of the project in the current folder (geminicli.com/docs, "Session
  management")
- goose: `session --resume --session-id ID` (the guide "CLI Commands" of goose)
- grok: `--resume SESSION-ID` (docs.x.ai/build/features/sessions)
- kimi: `--session ID` (moonshotai.github.io/kimi-code, "Sessions and context")
- opencode: `--session ID` (opencode.ai/docs/cli)
- pi: `--session ID`, which also takes a path (the README of its coding agent)
- qwen-code: `--resume SESSION-ID`, of the project in the current folder (the documents of Qwen
  Code, "Headless mode")

Not here: Cursor, as a transcript does not say whether its editor or its command line wrote it;
Hermes, whose sessions name the place of the talk (such as `telegram`) as their source; programs
without a command that continues a session by its id.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from journal.cli.kit.clean import one_line

if TYPE_CHECKING:
    from projector.views.sessions import SessionView

_ID = "{}"
_COMMANDS = {
    "claude-code": ("claude", "--resume", _ID),
    "codex": ("codex", "resume", _ID),
    "copilot-cli": ("copilot", "--resume={}"),
    "crush": ("crush", "--session", _ID),
    "factory": ("droid", "--resume", _ID),
    "gemini-cli": ("gemini", "--resume", _ID),
    "goose": ("goose", "session", "--resume", "--session-id", _ID),
    "grok": ("grok", "--resume", _ID),
    "kimi": ("kimi", "--session", _ID),
    "opencode": ("opencode", "--session", _ID),
    "pi": ("pi", "--session", _ID),
    "qwen-code": ("qwen", "--resume", _ID),
}
_IN_FOLDER = frozenset(("claude-code", "crush", "gemini-cli", "qwen-code"))
"""Sources whose programs know only the sessions of the current folder."""

_RESTORED = frozenset(("claude-code", "codex"))
"""Sources whose files `journal restore` writes."""


@dataclass(frozen=True, slots=True)
class Resume:
    """How a session is continued.

    Attributes:
        command: for a shell; None if there is none.
        note: what may be in the way; None if nothing is known to be.
    """

    command: str | None
    note: str | None = None


def resume(session: SessionView) -> Resume | None:
    """Return how to continue a session; None if its source has no such command."""
    command = _COMMANDS.get(session.source or "")
    # an id that would be an option of the program, or that cannot be copied from a terminal
    is_odd = session.session.startswith("-") or one_line(session.session) != session.session
    if command is None or is_odd:
        return None
    if (why := _why_not(session)) is not None:
        return Resume(None, why)
    words = [word.replace(_ID, session.session) for word in command]
    text = shlex.join(words)
    if session.cwd is None or one_line(session.cwd) != session.cwd:
        note = "run it in the folder of its project" if session.source in _IN_FOLDER else None
        return Resume(text, note)
    there = f"cd {shlex.quote(session.cwd)} && {text}"
    if _is_folder(session.cwd):
        return Resume(there)
    return Resume(there, f"there is no folder {session.cwd} on this machine")


def _why_not(session: SessionView) -> str | None:
    """Return why a session cannot be continued, and what to do; None if it can."""
    if session.relation == "subagent":
        return "a sub-agent cannot be resumed: resume its parent"
    if session.gone is None:
        return None
    if session.source not in _RESTORED:
        return "its program has it no more"
    restore = shlex.join(("journal", "restore", session.session, "--to", "FOLDER"))
    return f"its program has it no more: `{restore}` writes its file again"


def _is_folder(path: str) -> bool:
    try:
        return Path(path).is_dir()
    except (OSError, ValueError):  # a name that no file of this system can have
        return False
