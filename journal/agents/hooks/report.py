"""What `journal doctor` says of hooks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from journal.agents.hooks.programs import PROGRAMS
from journal.agents.hooks.settings_file import read_settings
from journal.errors import InstallFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from journal.agents.hooks.failures import Failure
    from journal.agents.hooks.programs import HookProgram

_State = Literal["missing", "set", "older", "off", "unreadable"]


@dataclass(frozen=True, slots=True)
class AgentHooks:
    """The hooks of an agent.

    Attributes:
        format: the name of its importer.
        file: the file that holds them.
        state: `set`, `missing`, `older` (other events, or an interpreter that has vanished), `off`
            (the agent runs no hooks), or `unreadable`.
        error: why the file cannot be read; None if it can.
    """

    format: str
    file: str
    state: _State
    error: str | None = None


def find_hooks(journal: Path) -> list[AgentHooks]:
    """Return the hooks of the agents of this machine for a journal.

    Raises:
        JournalOpenError: the home folder is unknown.
    """
    return [_hooks(program, journal) for program in PROGRAMS if program.is_there]


def _hooks(program: HookProgram, journal: Path) -> AgentHooks:
    try:
        settings = read_settings(program, journal)
    except InstallFailed as error:
        return AgentHooks(program.format, str(program.settings), "unreadable", str(error))
    state: _State = "missing"
    if found := settings.hooks:
        python = found[0].command[0]
        is_set = settings.state(python) == "same" and Path(python).exists()
        state = "off" if settings.is_off else "set" if is_set else "older"
    return AgentHooks(program.format, str(settings.config.file), state)


def about_hooks(hooks: Sequence[AgentHooks], failures: Sequence[Failure]) -> Iterator[str]:
    """Yield what the user should do about hooks."""
    for each in hooks:
        if each.state == "older":
            yield f"the hooks of {each.format} are out of date: run `journal install --hooks`"
        elif each.state == "off":
            yield f"{each.format} runs no hooks: set disableAllHooks to false in {each.file}"
        elif each.error is not None:
            yield f"whether {each.format} has hooks is not known: {each.error}"
    if failures:
        last = failures[-1]
        yield (
            f"{len(failures):,} imports by hooks failed in the last 7 days, at last that of"
            f" {last.source or last.format}: {last.error}"
        )
