r"""What a message was about: the values by which it is filtered and counted, as pure functions.

The *facets* of a message come from its data alone, so they are the same in every projection:

- its own `source` and `model`, and the working directory and the git branch that its source gave
  it (`extra.cwd`, `extra.git_branch`); a message without a value has that of its session, and its
  working directory is only one that its session may have (`projector.apply.inherited`)
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
_MARKS = re.compile(r"path|Path|file|\*\*\* |\+\+\+ ")
"""One of these is in every text of arguments that names a file."""
_FIELDS = frozenset({"extra", "model", "source", "tool_calls", "tool_name"})
"""Fields from which a facet can come, beside the parts of a content."""
_NO_FILE = "/dev/null"


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
    parts_of_content = content if isinstance(content, list) else None
    if parts_of_content is None and _FIELDS.isdisjoint(data):  # most messages
        return NONE
    source, model, tool = data.get("source"), data.get("model"), _text(data.get("tool_name"))
    source = source if isinstance(source, str) else None
    extra, calls = data.get("extra"), data.get("tool_calls")
    cwd = branch = None
    failed = False
    if isinstance(extra, dict):
        cwd, branch = _text(extra.get("cwd")), _text(extra.get("git_branch"))
        code = extra.get("exit_code")
        failed = extra.get("is_error") is True or (code.__class__ is int and code != 0)
    # a source may have megabytes: a cache must not hold hundreds of such
    own = (_own if len(source or "") <= LONGEST else _own.__wrapped__)(
        source, cwd, branch, _text(model)
    )
    if parts_of_content is None and not isinstance(calls, list):
        return Facets(own, (tool,) if tool else (), (), failed)
    tools, files = {tool} if tool else set[str](), set[str]()
    for call in calls if isinstance(calls, list) else ():
        if isinstance(call, dict):
            function = call.get("function")
            _add_call(function if isinstance(function, dict) else call, tools, files)
    for part in parts_of_content or ():
        if isinstance(part, dict):
            if part.get("type") == "tool_use":
                _add_call(part, tools, files)
            elif part.get("type") == "tool_result":
                failed = failed or part.get("is_error") is True
    return Facets(own, tuple(sorted(tools)[:MOST]), tuple(sorted(files)[:MOST]), failed)


@lru_cache(maxsize=512)
def _own(source: str | None, cwd: str | None, branch: str | None, model: str | None) -> Own:
    return Own(source, cwd, branch, model if is_model(model) else None)


def is_model(name: str | None) -> bool:
    """Return whether a name is that of a model; "<synthetic>" is what a program wrote itself."""
    return name is not None and not name.startswith("<")


def _text(value: object) -> str | None:
    """Return a text that can be the name of something."""
    return value if isinstance(value, str) and 0 < len(value) <= LONGEST else None


def _add_call(call: dict[str, Any], tools: set[str], files: set[str]) -> None:
    """Add the tool of a call, and the files that its arguments name."""
    if name := _text(call.get("name")):
        tools.add(name)
    for key in _ARGUMENTS:
        arguments = call.get(key)
        if isinstance(arguments, str):
            # most calls name no file, and need not be decoded
            if _MARKS.search(arguments) is None:
                continue
            arguments = _decoded(arguments)
        if arguments is not None:
            files.update(_named(arguments))


def _named(arguments: object) -> Iterator[str]:
    """Yield the paths that a call's arguments name."""
    # arguments that are a text are a patch, if they name a file
    waiting: list[tuple[str, object, int]] = [("patch", arguments, 0)]
    while waiting:
        key, value, depth = waiting.pop()
        if isinstance(value, str):
            if key in PATH_KEYS:
                if len(value) <= LONGEST and (path := _clean(value)):
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
    found = _PATCHED.findall(text) if "*** " in text else []
    if "+++ " in text:
        for before, after in _DIFFED.findall(text):
            sides = ((before, "a/"), (after, "b/"))
            found += [name.removeprefix(side) for name, side in sides if name != _NO_FILE]
    yield from filter(None, (_clean(name) for name in found if len(name) <= LONGEST))


@lru_cache(maxsize=4096)
def _clean(path: str) -> str | None:
    """Return a path as it is counted; None if it is none."""
    path = path.strip().removeprefix("file://")
    if "\n" in path or "\0" in path or "://" in path or not parts(path):
        return None
    return whole(path).removeprefix("./")


SUFFIXES = 2
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
