"""Calls of tools: the one line that says what a call is about, and its arguments."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from journal.cli.kit.clean import json_line
from projector.web.render.blocks import Block, Code, Diff
from projector.web.render.code import SHOWN, code, language_of
from projector.web.render.diff import changed, is_patch, patched
from projector.web.render.markdown import first_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LINE = 160
"""Characters of the line."""
_PATHS = (
    "file_path",
    "path",
    "filePath",
    "filename",
    "file",
    "notebook_path",
    "absolute_path",
    "target_file",
    "TargetFile",
    "DirectoryPath",
    "file_name",
)
_COMMANDS = ("command", "cmd", "script", "CommandLine")
_EDITS = (("old_string", "new_string"), ("old_str", "new_str"), ("search", "replace"))
_CONTENTS = ("content", "file_text", "contents", "CodeContent")
_ABOUT = (
    "pattern",
    "query",
    "url",
    "description",
    "prompt",
    "question",
    "subject",
    "skill",
    "code",
)
_VIEWS = frozenset({"view", "create", "str_replace", "insert", "undo_edit"})
"""Values of `command` that are no command line: `path` says what such a call is about."""


@dataclass(frozen=True, slots=True)
class Called:
    """What is called.

    Attributes:
        tool: its name.
        arguments: an object, or whatever else they are.
        id: by which the result names it; None if it has none.
    """

    tool: str
    arguments: object
    id: str | None


@dataclass(frozen=True, slots=True)
class Summary:
    """What a call is about.

    Attributes:
        target: in one line.
        added, removed: lines of the files that it changes or writes.
        blocks: its arguments.
    """

    target: str
    added: int
    removed: int
    blocks: tuple[Block, ...]


def called(call: object) -> Called:
    """Return a call of the field `tool_calls`, or a content part of the type `tool_use`."""
    if not isinstance(call, dict):
        return Called("call", call, None)
    function = call.get("function")
    inner = function if isinstance(function, dict) else call
    name, id = inner.get("name"), call.get("id")
    arguments = next((inner[key] for key in ("arguments", "input", "args") if key in inner), None)
    return Called(
        name if isinstance(name, str) and name else "call",
        _decoded(arguments),
        id if isinstance(id, str) else None,
    )


def _decoded(arguments: object) -> object:
    if not isinstance(arguments, str):
        return arguments
    try:
        return json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments


def summary(call: Called, cwd: str | None, *, whole: bool = False) -> Summary:
    """Return what a call is about.

    Args:
        call: what is called.
        cwd: the working directory: paths below it are relative to it.
        whole: whether long arguments are shown whole.
    """
    arguments = call.arguments
    if isinstance(arguments, str):
        diffs = tuple(patched(arguments, whole=whole)) if is_patch(arguments) else ()
        target = _files(diffs, cwd) or arguments
        return _summary(target, diffs, diffs or _text(arguments, whole=whole))
    if not isinstance(arguments, dict):
        text = "" if arguments is None else json_line(arguments)
        return _summary(text, (), _text(text, whole=whole))
    diffs = tuple(_diffs(arguments, whole=whole))
    target = _target(arguments, cwd) or _files(diffs, cwd)
    if not target and arguments:
        target = json_line(arguments)
    written = next((arguments[key] for key in _CONTENTS if isinstance(arguments.get(key), str)), "")
    more = 0 if diffs or not written else written.removesuffix("\n").count("\n") + 1
    return _summary(target, diffs, tuple(_blocks(arguments, diffs, whole=whole)), more)


def _summary(
    target: str, diffs: tuple[Diff, ...], blocks: tuple[Block, ...], written: int = 0
) -> Summary:
    added = sum(diff.added for diff in diffs) + written
    return Summary(first_line(target, LINE), added, sum(diff.removed for diff in diffs), blocks)


def _target(arguments: Mapping[str, Any], cwd: str | None) -> str:
    path = next((arguments[key] for key in _PATHS if isinstance(arguments.get(key), str)), "")
    for key in _COMMANDS:
        command = arguments.get(key)
        if isinstance(command, list) and all(isinstance(word, str) for word in command):
            command = " ".join(command[-1:] if command[:2] in _SHELLS else command)
        if isinstance(command, str) and not (path and command in _VIEWS):
            return command
    for key in ("pattern", "query"):
        about = arguments.get(key)
        if isinstance(about, str):
            return f"{about} in {_short(path, cwd)}" if path else about
    if path:
        return _short(path, cwd) + _range(arguments)
    return next((arguments[key] for key in _ABOUT if isinstance(arguments.get(key), str)), "")


_SHELLS = (["bash", "-lc"], ["bash", "-c"], ["sh", "-c"], ["zsh", "-lc"])


def _range(arguments: Mapping[str, Any]) -> str:
    """Return the lines that are read, such as `:10-29`; empty for all."""
    first, count = arguments.get("offset"), arguments.get("limit")
    if not (isinstance(first, int) and isinstance(count, int)):
        return ""
    return f":{first}-{first + count - 1}"


def _short(path: str, cwd: str | None) -> str:
    return path.removeprefix(f"{cwd.rstrip('/')}/") if cwd else path


def _files(diffs: tuple[Diff, ...], cwd: str | None) -> str:
    return ", ".join(_short(diff.path, cwd) for diff in diffs)


def _diffs(arguments: Mapping[str, Any], *, whole: bool) -> Iterator[Diff]:
    path = next((arguments[key] for key in _PATHS if isinstance(arguments.get(key), str)), "")
    edits = arguments.get("edits")
    for edit in [arguments, *(edits if isinstance(edits, list) else [])]:
        if not isinstance(edit, dict):
            continue
        for old, new in _EDITS:
            before, after = edit.get(old), edit.get(new)
            if isinstance(before, str) and isinstance(after, str):
                yield changed(path, before, after, whole=whole)
                break
    for value in arguments.values():
        if isinstance(value, str) and is_patch(value):
            yield from patched(value, whole=whole)


def _blocks(
    arguments: Mapping[str, Any], diffs: tuple[Diff, ...], *, whole: bool
) -> Iterator[Block]:
    """Yield the arguments: changes as diffs, commands and contents as code, the rest as JSON."""
    shown: set[str] = set()
    if diffs:
        yield from diffs
        shown |= {"edits", *(key for pair in _EDITS for key in pair)}
        # it stands above the diff
        shown |= {key for key in _PATHS if arguments.get(key) == diffs[0].path}
        shown |= {
            key for key, value in arguments.items() if isinstance(value, str) and is_patch(value)
        }
    for key in _COMMANDS:
        command = arguments.get(key)
        if isinstance(command, str) and command not in _VIEWS:
            yield _code(command, "bash", whole=whole)
            shown.add(key)
    path = next((arguments[key] for key in _PATHS if isinstance(arguments.get(key), str)), "")
    for key in _CONTENTS:
        content = arguments.get(key)
        if isinstance(content, str):
            yield _code(content, language_of(path), whole=whole)
            shown.add(key)
    rest = {key: value for key, value in arguments.items() if key not in shown}
    for key, value in [*rest.items()]:
        if isinstance(value, str) and ("\n" in value or len(value) > LINE):
            yield _code(value, "", key, whole=whole)
            del rest[key]
    if rest:
        yield _code(json_line(rest, indent=True), "json", whole=whole)


def _text(text: str, *, whole: bool) -> tuple[Block, ...]:
    return (_code(text, "", whole=whole),) if text else ()


def _code(text: str, language: str, name: str = "", *, whole: bool) -> Code:
    shown = text if whole else text[:SHOWN]
    return Code(code(shown, language), len(text) - len(shown), name)
