"""An entry in a configuration that is JSON, with comments or without."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from journal.agents.config.json_edit import JsonText
from projector.mcp.install.entry import (
    changed_keys,
    is_own,
    is_same_text,
    kept_because,
    made_of,
    others_of,
)
from projector.mcp.protocol import NAME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from projector.mcp.install.entry import Server

Form = Callable[[list[str]], dict[str, Any]]
"""Returns the entry for the words of a command."""
_STARTS = ("command", "args")
"""The keys of an entry that say how the server is started."""
NOTHING, BOX, FILE = 0, 1, 2
"""What was made beside the entry: nothing, the object that holds it, or the file, too."""


def added(
    text: str | None,
    path: Sequence[str],
    form: Form,
    server: Server,
) -> str:
    """Return a configuration with the entry.

    Args:
        text: the configuration; None if there is none.
        path: the keys of the object that holds entries.
        form: returns the entry for the words of a command.
        server: how the server is started.

    Raises:
        ValueError: it is no JSON, has another form, or an entry of this name that is not ours.
    """
    made = FILE if text is None else NOTHING
    text = "{}\n" if text is None or not text.strip() else text
    document = JsonText(text)
    box = _box(document.value, path)
    if box is not None and NAME in box:
        return _updated(document, path, form, server)
    if box is None:
        made = max(made, BOX)
        entry = {NAME: form(server.words(made))}
        changed = document.with_item(path[:-1], path[-1], entry)
        expected = _with(document.value, path, entry)
    else:
        entry = form(server.words(made))
        changed = document.with_item(path, NAME, entry)
        expected = _with(document.value, path, box | {NAME: entry})
    _check(changed, expected)
    return changed.text


def kept(text: str, path: Sequence[str], form: Form) -> str:
    """Return why the entry is not removed: it is not as it was written; empty if it is.

    The arguments are those of `added`.

    Raises:
        ValueError: as `removed`.
    """
    document = JsonText(text)
    box = _box(document.value, path) or {}
    if NAME not in box:
        return ""
    words = _own_words(box)
    written = form(words[:6] if others_of(words) else words)
    if keys := changed_keys(box[NAME], written):
        return kept_because(keys)
    own = json.dumps(written, ensure_ascii=False)
    return "" if is_same_text(document.item(path, NAME), own) else kept_because(())


def removed(text: str, path: Sequence[str]) -> str | None:
    """Return a configuration without the entry as it was written; None if it has none.

    An empty text means that there is to be no file.

    Args:
        text: the configuration.
        path: the keys of the object that holds entries.

    Raises:
        ValueError: it is no JSON, has another form, or an entry of this name that is not ours.
    """
    document = JsonText(text)
    box = _box(document.value, path)
    if box is None or NAME not in box:
        return None
    made = made_of(_own_words(box))
    rest = {name: value for name, value in box.items() if name != NAME}
    changed = document.without_item(path, document.index(path, NAME))
    _check(changed, _with(document.value, path, rest))
    if made >= BOX and not rest:
        outer = path[:-1]
        expected = _without(changed.value, path)
        changed = changed.without_item(outer, changed.index(outer, path[-1]))
        _check(changed, expected)
    return "" if made >= FILE and changed.text.strip() == "{}" else changed.text


def _updated(document: JsonText, path: Sequence[str], form: Form, server: Server) -> str:
    """Return a configuration whose entry starts the server; all else in it stays as it is."""
    box = _box(document.value, path) or {}
    old = _own_words(box)
    new = form(server.words(made_of(old), others_of(old)))
    entry = dict(box[NAME])
    for key in _STARTS:
        if key in new and entry.get(key) != new[key]:
            entry[key] = new[key]
            document = document.with_value((*path, NAME), key, new[key])
            _check(document, _with(document.value, path, box | {NAME: entry}))
    return document.text


def _own_words(box: dict[str, Any]) -> list[Any]:
    words = _words(box[NAME])
    if not is_own(words):
        raise ValueError(f"it has another entry named {NAME}, which is not of this program")
    return words


def _words(entry: object) -> list[Any]:
    """Return the words of the command of an entry."""
    if not isinstance(entry, dict):
        return []
    command, args = entry.get("command"), entry.get("args", [])
    first = command if isinstance(command, list) else [command]
    return [*first, *(args if isinstance(args, list) else [])]


def _box(value: object, path: Sequence[str]) -> dict[str, Any] | None:
    """Return the object that holds entries; None if there is none.

    Raises:
        ValueError: the configuration has another form.
    """
    at = value
    for depth, key in enumerate(path):
        if not isinstance(at, dict):
            raise ValueError(f"{'.'.join(path[:depth]) or 'it'} is no object")  # noqa: TRY004 - of a text
        if key not in at:
            if depth + 1 < len(path):
                raise ValueError(f"it has no {'.'.join(path[: depth + 1])}")
            return None
        at = at[key]
    if not isinstance(at, dict):
        raise ValueError(f"{'.'.join(path)} is no object")  # noqa: TRY004 - of a text
    return at


def _with(value: Any, path: Sequence[str], box: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    found = copy.deepcopy(value)
    at = found
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = box
    return found


def _without(value: Any, path: Sequence[str]) -> Any:  # noqa: ANN401 - any JSON
    found = copy.deepcopy(value)
    at = found
    for key in path[:-1]:
        at = at[key]
    del at[path[-1]]
    return found


def _check(document: JsonText, expected: object) -> None:
    """Check that an edit did what it should, and nothing else.

    Raises:
        ValueError: it did not.
    """
    if document.value != expected:
        raise ValueError("its form is not known: edit it by hand")
