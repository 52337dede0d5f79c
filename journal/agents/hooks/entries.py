"""Our hooks in the settings of an agent: found, added and taken out. Pure.

A hook of ours is a command that runs `journal hook FORMAT` for a journal. Its last argument says
which containers were made for it, so that these are taken out with it if they are empty then.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from journal.agents.config.json_edit import JsonText

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from journal.agents.hooks.programs import HookProgram

State = Literal["missing", "same", "older"]
_QUIET = " >/dev/null 2>&1 || :"
"""The agent sees neither output nor an exit code, also where the interpreter has vanished."""
_LIST, _HOOKS, _FILE = 1, 2, 3
"""What was made for a hook: the list of its event, also the object `hooks`, also the file."""


@dataclass(frozen=True, slots=True)
class Hook:
    """A hook of ours.

    Attributes:
        event: its event.
        group: the number of its group.
        at: its number in the group.
        made: what was made for it.
        command: its command, without what was made.
    """

    event: str
    group: int
    at: int
    made: int
    command: tuple[str, ...]


def command_of(python: str, journal: Path, program: HookProgram) -> tuple[str, ...]:
    """Return the words of the command that imports a transcript of an agent."""
    # -P: a folder `journal` in the project of the agent must not be run in place of ours
    return (python, "-P", "-m", "journal", "--journal", str(journal), "hook", program.format)


def find(value: object, program: HookProgram, journal: Path) -> list[Hook]:
    """Return our hooks for a journal in the settings of an agent.

    Args:
        value: the settings, as JSON values.
        program: the agent.
        journal: the absolute path of the journal.
    """
    found: list[Hook] = []
    for event, group, at, hook in _commands(value):
        own = _own(hook.get("command"), program, journal)
        if own is not None:
            found.append(Hook(event, group, at, own[0], own[1]))
    return found


def state_of(hooks: Sequence[Hook], command: tuple[str, ...], program: HookProgram) -> State:
    """Return what our hooks in the settings are, compared with those that should be there."""
    if not hooks:
        return "missing"
    wanted = sorted((event, command) for event in program.events)
    return "same" if sorted((it.event, it.command) for it in hooks) == wanted else "older"


def added(text: str | None, command: tuple[str, ...], program: HookProgram) -> str:
    """Return the settings of an agent with our hooks.

    Args:
        text: the settings without hooks of ours for the journal; None if there is no file.
        command: the words of the command.
        program: the agent.

    Raises:
        ValueError: the settings have another form.
    """
    document = JsonText("{}\n" if text is None else text)
    for event in program.events:
        hooks = _object(document.value, "the settings").get("hooks")
        expected = _with_group(document.value, event)
        if hooks is None:
            made = _FILE if text is None else _HOOKS
            group = _group(command, program, made)
            # a key with null would otherwise be there twice
            if "hooks" in document.value:
                document = document.without_item((), document.index((), "hooks"))
            document = document.with_item((), "hooks", {event: [group]})
        elif event not in _object(hooks, "hooks"):
            group = _group(command, program, _LIST)
            document = document.with_item(("hooks",), event, [group])
        else:
            group = _group(command, program, 0)
            document = document.with_item(("hooks", event), None, group)
        expected["hooks"][event].append(group)
        _check(document, expected)
    return document.text


def updated(text: str, command: tuple[str, ...], program: HookProgram, journal: Path) -> str | None:
    """Return the settings of an agent whose hooks of ours run a command; None if some are missing.

    All else that is in a hook, as its time limit, stays.

    Args:
        text: the settings.
        command: the words of the command.
        program: the agent.
        journal: the absolute path of the journal.

    Raises:
        ValueError: the settings have another form.
    """
    document = JsonText(text)
    hooks = find(document.value, program, journal)
    if sorted(hook.event for hook in hooks) != sorted(program.events):
        return None
    for hook in hooks:
        line = _line(command, hook.made)
        expected = _copy(document.value)
        expected["hooks"][hook.event][hook.group]["hooks"][hook.at]["command"] = line
        place = ("hooks", hook.event, hook.group, "hooks", hook.at)
        document = document.with_value(place, "command", line)
        _check(document, expected)
    return document.text


def removed(text: str, program: HookProgram, journal: Path) -> str | None:
    """Return the settings of an agent without our hooks for a journal.

    None means that the file was made for them and has nothing else.

    Args:
        text: the settings.
        program: the agent.
        journal: the absolute path of the journal.

    Raises:
        ValueError: the settings have another form.
    """
    document = JsonText(text)
    made: dict[str, int] = {}
    while hooks := find(document.value, program, journal):
        hook = hooks[-1]
        made[hook.event] = max(made.get(hook.event, 0), hook.made)
        document = _without(document, hook)
    most = max(made.values(), default=0)
    for event, level in made.items():
        if level >= _LIST and document.value["hooks"].get(event) == []:
            document = document.without_item(("hooks",), document.index(("hooks",), event))
    if most >= _HOOKS and document.value.get("hooks") == {}:
        document = document.without_item((), document.index((), "hooks"))
    return None if most >= _FILE and document.text.strip() == "{}" else document.text


def _without(document: JsonText, hook: Hook) -> JsonText:
    """Return settings without a hook, or without its group if it has no other."""
    expected = _copy(document.value)
    groups = expected["hooks"][hook.event]
    if len(groups[hook.group]["hooks"]) == 1:
        document = document.without_item(("hooks", hook.event), hook.group)
        del groups[hook.group]
    else:
        document = document.without_item(("hooks", hook.event, hook.group, "hooks"), hook.at)
        del groups[hook.group]["hooks"][hook.at]
    _check(document, expected)
    return document


def _check(document: JsonText, expected: object) -> None:
    """Check that an edit did what it should, and nothing else.

    Raises:
        ValueError: it did not: the text has a form that is not known here.
    """
    if document.value != expected:
        raise ValueError("its form is not known: add or remove the hooks by hand")


def _with_group(value: dict[str, Any], event: str) -> dict[str, Any]:
    """Return a copy of settings that has a list for an event."""
    found: dict[str, Any] = _copy(value)
    found["hooks"] = found.get("hooks") or {}
    groups = _object(found["hooks"], "hooks").setdefault(event, [])
    if not isinstance(groups, list):
        raise ValueError(f"hooks.{event} is no list")  # noqa: TRY004 - of a text, not of a call
    return found


def _copy(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        return {key: _copy(inner) for key, inner in value.items()}
    return [_copy(inner) for inner in value] if isinstance(value, list) else value


def _object(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{name} is no object")  # noqa: TRY004 - of a text, not of a call
    return cast("dict[str, Any]", value)


def _group(command: tuple[str, ...], program: HookProgram, made: int) -> dict[str, Any]:
    line = _line(command, made)
    return {"hooks": [{"type": "command", "command": line, "timeout": program.timeout}]}


def _line(command: tuple[str, ...], made: int) -> str:
    return shlex.join((*command, "--made", str(made))) + _QUIET


def _own(text: object, program: HookProgram, journal: Path) -> tuple[int, tuple[str, ...]] | None:
    """Return what was made for a command of ours, and its words; None if it is another's."""
    if not isinstance(text, str) or "journal" not in text:
        return None
    try:
        words = tuple(shlex.split(text))
    except ValueError:
        return None  # a quote that is not closed
    size = len(command_of("", journal, program))
    if words[1:size] != command_of("", journal, program)[1:]:
        return None
    more = words[size : size + 2]
    made = int(more[1]) if more[:1] == ("--made",) and more[1:] and more[1].isdigit() else 0
    return made, words[:size]


def _commands(value: object) -> Iterator[tuple[str, int, int, dict[str, Any]]]:
    """Yield event, number of the group, number in it, and the hook, of all that have the form."""
    events = value.get("hooks") if isinstance(value, dict) else None
    for event, groups in events.items() if isinstance(events, dict) else ():
        for group, each in enumerate(groups if isinstance(groups, list) else ()):
            hooks = each.get("hooks") if isinstance(each, dict) else None
            for at, hook in enumerate(hooks if isinstance(hooks, list) else ()):
                if isinstance(hook, dict):
                    yield event, group, at, hook
