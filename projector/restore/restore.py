"""Writes a session back as a file that its program can resume."""

from __future__ import annotations

import shlex
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from journal.errors import ExportFailed, reason
from journal.format.event_types import MESSAGE_APPENDED
from journal.fs.files import create_file
from journal.importers.parsing.parser import Found, Location
from journal.importers.parsing.transcript import Transcript
from journal.importers.registry import installed
from journal.redact.setup import way_out
from projector.restore import claude_code, codex
from projector.views.redacted import redacted_conversation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from projector.restore.session_file import SessionFile
    from projector.views.messages import MessageView
    from projector.views.sessions import SessionView

_WRITERS: dict[str, Callable[[SessionView, Sequence[MessageView]], SessionFile]] = {
    claude_code.SOURCE: claude_code.write,
    codex.SOURCE: codex.write,
}
SOURCES = frozenset(_WRITERS)
"""The sources whose sessions can be written back."""
_COMPARED = ("tool_calls", "tool_call_id", "reasoning", "model", "meta")
"""The fields that are compared, beside role and content, when the file is read again."""


@dataclass(frozen=True, slots=True)
class Restored:
    """A session that was written.

    Attributes:
        session: its id.
        source: the program that can resume it.
        file: the path of the file.
        folder: the folder of the program in which it has to be, to be resumed.
        messages: messages in the file.
        redacted: values in which secrets were replaced by marks now.
        left_out: messages of the transcript that are not in the file, by the reason.
        changed: ids of messages that the importer reads from the file with another role, text,
            reasoning, or tool.
    """

    session: str
    source: str
    file: str
    folder: str
    messages: int
    redacted: int
    left_out: dict[str, int]
    changed: tuple[str, ...]


def restore(
    journal: Path, session: SessionView, messages: Sequence[MessageView], folder: Path
) -> Restored:
    """Write a session into a folder, which is made if it is not there.

    Args:
        journal: folder of the journal, whose rules redact secrets.
        session: the session.
        messages: its transcript, in order.
        folder: the folder for the file.

    Raises:
        ExportFailed: the session is of another program, or has no message of it; the file exists,
            or cannot be written.
        RedactionError: the rules cannot be used.
    """
    source = session.source or ""
    write = _WRITERS.get(source)
    if write is None:
        names = " and ".join(_WRITERS)
        shown = shlex.join(("projector", "show", session.session, "--markdown"))
        raise ExportFailed(
            f"session {session.session!r} is of {source or 'no known program'!r}: only sessions of"
            f" {names} can be written back; `{shown}` prints it"
        )
    session, messages, redacted = redacted_conversation(way_out(journal), session, messages)
    made = write(session, messages)
    if not made.messages:
        raise ExportFailed(f"session {session.session!r} has no message that {source} could read")
    target = folder / made.name.replace("/", "_")
    _write(folder, target, made.content())
    return Restored(
        session.session,
        source,
        str(target),
        made.folder,
        made.messages,
        redacted,
        dict(made.left_out),
        _changed(source, target.stem, made, messages),
    )


def _write(folder: Path, target: Path, content: bytes) -> None:
    """Write a file into a folder, which is made if it is not there; after an error both are not.

    Raises:
        ExportFailed: the folder is none or cannot be made; the file exists or cannot be written.
    """
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _remove(new)
        is_file = isinstance(error, FileExistsError | NotADirectoryError)
        why = "a part of the path is a file" if is_file else reason(error)
        raise ExportFailed(f"cannot make the folder {folder}: {why}; name another one") from error
    try:
        is_new = create_file(target, content)
    except OSError as error:
        _remove(new)
        raise ExportFailed(
            f"cannot write {target}: {reason(error)}; name another folder"
        ) from error
    if not is_new:
        raise ExportFailed(f"{target} exists; name another folder, or move it away first")


def _remove(folders: Sequence[Path]) -> None:
    """Remove folders that were made, the innermost first, unless another program uses them."""
    for path in folders:
        with suppress(OSError):
            path.rmdir()


def _changed(
    source: str, stem: str, made: SessionFile, messages: Sequence[MessageView]
) -> tuple[str, ...]:
    """Return the ids of messages that the importer reads otherwise from the file, or not at all."""
    format = installed().named(source)
    if format.lines is None:
        return ()
    parser, transcript = format.lines.parser(Location(stem)), Transcript(equal_is_same=False)
    read: dict[str, dict[str, Any]] = {}
    lines = made.content().split(b"\n")[:-1]
    items = [
        item
        for number, (value, raw) in enumerate(zip(made.lines, lines, strict=True), 1)
        for item in transcript.take(parser.value(number, value, raw))
    ]
    for item in (*items, *transcript.take(parser.end())):
        if isinstance(item, Found) and item.event["type"] == MESSAGE_APPENDED:
            read[item.event["id"]] = item.event["data"]
    return tuple(
        message.id
        for message in messages
        if message.id in made.ids and _words(message) != _words_of(read.get(message.id, {}))
    )


def _words(message: MessageView) -> list[Any]:
    fields = message.fields
    return [message.role, message.content, *(fields.get(name) for name in _COMPARED)]


def _words_of(data: dict[str, Any]) -> list[Any]:
    return [data.get(name) for name in ("role", "content", *_COMPARED)]
