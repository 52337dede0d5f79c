"""The commands by which programs continue a session, by the source of the session.

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
- omp: `--resume ID` (docs/cli-reference.md of oh-my-pi)
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
    "omp": ("omp", "--resume", _ID),
    "opencode": ("opencode", "--session", _ID),
    "pi": ("pi", "--session", _ID),
    "qwen-code": ("qwen", "--resume", _ID),
}


def resume_command(source: str | None, session: str) -> str | None:
    """Return the command that continues a session, quoted for a shell.

    Returns:
        None if the source has no such command, or if the id would be an option of its program.
    """
    command = _COMMANDS.get(source or "")
    if command is None or session.startswith("-"):
        return None
    return shlex.join(word.replace(_ID, session) for word in command)
