r"""What a message was about: the values by which it is filtered and counted, as pure functions.

The *facets* of a message come from its data alone, so they are the same in every projection:

- its own `source` and `model`, and the working directory and the git branch that its source gave
  it (`extra.cwd`, `extra.git_branch`); a message without a value has that of its session
- the names of the tools that it calls (`tool_calls`, and content parts of the type `tool_use`), and
  of the tool whose result it is (`tool_name`)
- the files that these calls name: texts under a key of `PATH_KEYS` at any depth of the arguments,
  and under one of `PATCH_KEYS` the files of patches: `*** Update File: x` (also Add, Delete and
  Move to), and `--- a/x` followed by `+++ b/x` as in a unified diff
- whether it reports an error: `extra.is_error` is true, `extra.exit_code` is not 0, or a content
  part of the type `tool_result` has `is_error`

A path is what the call says: no file is looked for. It is written with slashes, without `.` and
empty parts. Of a message the first `MOST` tools and files count, in the order of their names, and
no name of more than `LONGEST` characters.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MOST = 100
"""Most tools, and most files, of a message."""
LONGEST = 1_024
"""Characters of the longest name of a tool or file, and of the longest value that is counted."""
PATH_KEYS = frozenset(
    {
        "absolute_path",
        "absolutePath",
        "file",
        "file_path",
        "filePath",
        "filename",
        "files",
        "notebook_path",
        "path",
        "paths",
        "relative_path",
        "relative_workspace_path",
        "target_file",
    }
)
"""Keys of arguments under which tools get a path, or a list of paths."""
PATCH_KEYS = frozenset({"cmd", "code", "command", "diff", "input", "patch", "script"})
"""Keys of arguments under which tools get a patch, or a command that contains one."""
_DEEP = 6
"""How deep in arguments paths are looked for: deeper in is what a tool writes, and not opens."""

_PATCHED = re.compile(
    r"^\*\*\* (?:Update File|Add File|Delete File|Move to): ([^\n]+)", re.MULTILINE
)
_DIFFED = re.compile(r"^--- ([^\t\n]+)(?:\t[^\n]*)?\n\+\+\+ ([^\t\n]+)", re.MULTILINE)
_ARGUMENTS = ("arguments", "input", "args")
_MARKS = ("path", "Path", "file", "*** ", "+++ ")
"""One of these is in every text of arguments that names a file."""
_OTHERS = frozenset({"extra", "tool_calls", "tool_name"})
"""Fields from which a facet can come that few messages have."""
_FIELDS = _OTHERS | {"source", "model"}
_NO_FILE = "/dev/null"
_NO_PATH = frozenset("\0\n")


class Own(NamedTuple):
    """The values that a message or a session has for itself; None where it has none."""

    source: str | None = None
    project: str | None = None
    branch: str | None = None
    model: str | None = None


class Facets(NamedTuple):
    """What a message was about.

    Attributes:
        own: its own values.
        tools: names of the tools that it calls or has the result of, sorted.
        files: paths that its calls name, sorted.
        failed: whether it reports an error.
    """

    own: Own
    tools: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    failed: bool = False


NONE = Facets(Own())
"""Those of a message that has none for itself."""


def facets(data: Mapping[str, Any]) -> Facets:
    """Return the facets of a message's data, whatever the kinds of its values are."""
    content = data.get("content")
    if content.__class__ is not list and _FIELDS.isdisjoint(data):
        return NONE
    source, model, extra = data.get("source"), data.get("model"), data.get("extra")
    source = source if isinstance(source, str) else None
    if content.__class__ is not list and _OTHERS.isdisjoint(data):
        # a name may have megabytes, and thousands of such must not be cached
        is_short = len(source or "") <= LONGEST
        return (_plain if is_short else _plain.__wrapped__)(source, _model(model))
    project = branch = None
    failed = False
    if isinstance(extra, dict):
        project, branch = _text(extra.get("cwd")), _text(extra.get("git_branch"))
        code = extra.get("exit_code")
        failed = extra.get("is_error") is True or (code.__class__ is int and code != 0)
    own = Own(source, project, branch, _model(model))
    calls, tool = data.get("tool_calls"), _text(data.get("tool_name"))
    if calls.__class__ is not list and content.__class__ is not list:
        return Facets(own, (tool,) if tool else (), (), failed)
    made = [_called(call) for call in _objects(calls)]
    for part in _objects(content):
        if part.get("type") == "tool_use":
            made.append(part)
        elif part.get("type") == "tool_result":
            failed = failed or part.get("is_error") is True
    tools = {name for name in (tool, *(_text(call.get("name")) for call in made)) if name}
    files = {path for call in made for name in _ARGUMENTS for path in _named(call.get(name))}
    return Facets(own, tuple(sorted(tools)[:MOST]), tuple(sorted(files)[:MOST]), failed)


@lru_cache(maxsize=256)
def _plain(source: str | None, model: str | None) -> Facets:
    return Facets(Own(source, None, None, model))


def _text(value: object) -> str | None:
    """Return a text that can be the name of something."""
    return value if isinstance(value, str) and 0 < len(value) <= LONGEST else None


def _model(value: object) -> str | None:
    # "<synthetic>" is no model: the program wrote the message itself
    name = _text(value)
    return None if name is None or name.startswith("<") else name


def _objects(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _called(call: dict[str, Any]) -> dict[str, Any]:
    function = call.get("function")
    return function if isinstance(function, dict) else call


def _named(arguments: object) -> Iterator[str]:
    """Yield the paths that a call's arguments name."""
    if isinstance(arguments, str):
        # most calls name no file, and need not be decoded
        if not any(mark in arguments for mark in _MARKS):
            return
        arguments = _decoded(arguments)
    # arguments that are a text are a patch, if they name a file
    waiting: list[tuple[str, object, int]] = [("patch", arguments, 0)]
    while waiting:
        key, value, depth = waiting.pop()
        if isinstance(value, str):
            if key in PATH_KEYS and (path := _clean(value)):
                yield path
            elif key in PATCH_KEYS:
                yield from _patched(value)
        elif depth < _DEEP:
            if isinstance(value, dict):
                waiting += [(name, item, depth + 1) for name, item in value.items()]
            elif isinstance(value, list):
                waiting += [(key, item, depth + 1) for item in value]


def _decoded(arguments: str) -> object:
    """Return the value of a JSON text; the text itself if it is none, or was cut off."""
    try:
        return orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return arguments


def _patched(text: str) -> Iterator[str]:
    """Yield the paths of the files that patches in a text change."""
    if "*** " in text:
        yield from filter(None, map(_clean, _PATCHED.findall(text)))
    if "+++ " in text:
        for before, after in _DIFFED.findall(text):
            for side, name in (("a/", before), ("b/", after)):
                if name != _NO_FILE and (path := _clean(name.removeprefix(side))):
                    yield path


def _clean(path: str) -> str | None:
    """Return a path as it is counted; None if it is none."""
    path = path.strip().removeprefix("file://")
    is_path = len(path) <= LONGEST and _NO_PATH.isdisjoint(path) and "://" not in path
    return whole(path).removeprefix("./") if is_path and parts(path) else None


SUFFIXES = 3
"""A path is found in the index by so many of its last parts, and as a whole."""


def parts(path: str) -> list[str]:
    """Return the parts of a path; one without a slash is divided at backslashes."""
    divided = path.split("/" if "/" in path else "\\")
    return [part for part in divided if part not in {"", "."}]


def whole(path: str) -> str:
    """Return the key of a path as a whole: relative and absolute ones have different keys."""
    return ("/" if path.startswith("/") else "./") + "/".join(parts(path))


def path_keys(path: str) -> list[str]:
    """Return the keys by which a path is found: itself, and its last parts."""
    names = parts(path)
    ends = ["/".join(names[-count:]) for count in range(1, min(SUFFIXES, len(names)) + 1)]
    return [whole(path), *ends]


def reverse(path: str) -> str:
    """Return a path from its last part on, a slash behind each: its ends are its beginnings."""
    return "".join(f"{part}/" for part in reversed(parts(path)))
