"""The interface of a parser, and the items that it yields."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from journal.importers.parsing.values import Json


@dataclass(frozen=True, slots=True, init=False)
class Found:
    """An event from a line.

    Attributes:
        line: number of the line, from 1; in one JSON document, the number of the piece.
        event: the arguments of `Journal.append`: session, id, type, data.
        repairs: how it differs from the source.
        origin: number of its own line, if that is an earlier one; else 0.
        revisable: whether the source may rewrite the message: if the journal has it with another
            content, the new one becomes `message.revised`.
        guessed: whether it gives a message the time of its file: only a new message needs that.
    """

    line: int
    event: dict[str, Any]
    repairs: tuple[str, ...] = ()
    origin: int = 0
    revisable: bool = False
    guessed: bool = False

    def __init__(
        self,
        line: int,
        event: dict[str, Any],
        repairs: tuple[str, ...] = (),
        origin: int = 0,
        revisable: bool = False,  # noqa: FBT001, FBT002 - as a dataclass has it
        guessed: bool = False,  # noqa: FBT001, FBT002
    ) -> None:
        # the one that dataclass makes takes twice as long, and each event needs it
        _set_line(self, line)
        _set_event(self, event)
        _set_repairs(self, repairs)
        _set_origin(self, origin)
        _set_revisable(self, revisable)
        _set_guessed(self, guessed)


_set_line, _set_event, _set_repairs, _set_origin, _set_revisable, _set_guessed = (
    vars(Found)[field.name].__set__ for field in fields(Found)
)


class Skipped(NamedTuple):
    """A line, or a part of one, that is not imported, and why: made in little time, as many are."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Repaired:
    """A line that is imported although it is no strict JSON, and what was changed."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A message that its source holds a second time."""

    line: int
    session: str


@dataclass(frozen=True, slots=True)
class SessionStart:
    """When a session began, in microseconds, where the source states it outside of its lines."""

    line: int
    session: str
    micros: int


@dataclass(frozen=True, slots=True)
class SessionEnd:
    """The source has nothing further of a session: what is remembered of it can be dropped."""

    line: int
    session: str


@dataclass(frozen=True, slots=True)
class Retraction:
    """Lines whose messages the source retracts.

    Attributes:
        line: number of the line that retracts them.
        lines: numbers of the lines that are retracted, in order.
        reason: how the source retracts them.
    """

    line: int
    lines: Sequence[int]
    reason: str


@dataclass(frozen=True, slots=True)
class Restoration:
    """Lines whose messages the source takes up again, after it had retracted them.

    Attributes:
        line: number of the line that does so.
        lines: numbers of the lines, in order.
        reason: how the source takes them up.
    """

    line: int
    lines: Sequence[int]
    reason: str


@dataclass(frozen=True, slots=True)
class SideFile:
    """The output of a tool that the source keeps in a file of its own.

    Attributes:
        line: number of the line that names the file.
        session: the session of that line.
        folder: the name of the folder that holds the file, such as "tool-results".
        name: the file's name, without a folder.
        data: fields of the message for the file's text, without its content.
        instead: the fields in which the message differs while the file is not there; None if there
            is no message without the file.
    """

    line: int
    session: str
    folder: str
    name: str
    data: dict[str, Any]
    instead: dict[str, Any] | None = None


Item = (
    Found
    | Skipped
    | Repaired
    | Duplicate
    | SessionStart
    | SessionEnd
    | Retraction
    | Restoration
    | SideFile
)


class Parser(Protocol):
    """Turns the values of one source, in order, into items.

    Attributes:
        equal_is_same: whether two lines with one id and equal contents are one message, whatever is
            between them, and although other messages have that id, too.
    """

    equal_is_same: ClassVar[bool]

    def value(self, line: int, value: Json, raw: bytes | None) -> Iterator[Item]:
        """Handle the value of one line; `raw` are its bytes, None if it is no line."""
        ...

    def left_out(self, line: int, size: int, id: str) -> Iterator[Item]:
        """Handle a line that is too long to be read: its size in bytes, and its fingerprint."""
        ...

    def end(self) -> Iterator[Item]:
        """Yield the items that were waiting for a later line."""
        ...


def _nothing(_name: str) -> Json:
    return None


def _no_names(_folder: str) -> list[str]:
    return []


def _no_entries(_name: str, _field: str) -> Mapping[str, dict[str, Json]]:
    return {}


def _no_text(_name: str) -> str:
    return ""


def _no_files(_folder: str, _field: str) -> Mapping[str, list[str]]:
    return {}


@dataclass(frozen=True, slots=True)
class Location:
    """The location of a source: ids are made from it if the source has none.

    Attributes:
        stem: the file's name without its ending.
        folders: names of the folders above it, innermost first.
        mark: 8 hex digits that identify the resolved path.
        modified: when the file was changed last, in microseconds since 1970: a better guess than
            the time of the import, where a source has no times.
        beside: reads a small JSON file of the same program, by its path from the file's folder;
            None if there is none that can be read. A name must not come from a transcript.
        listed: returns the sorted names of the files in a folder, by its path from the file's
            folder; none if there is no such folder.
        grouped: returns the sorted names of the small JSON files in a folder, as `listed` does, by
            the text that each has in a field; a file without one is left out.
        index: returns the entries of an index that a program keeps of its sessions, by the text
            that each has in a field, the last of each: of a small file of JSON lines, or of the
            list `entries` in a JSON document, or of the values of one without; empty if there is
            no such file.
        first_name: the name that an earlier place of the same file gave; empty if there is none.
        text: returns the text of a small file, by its path as `beside`; empty if there is none.
    """

    stem: str
    folders: tuple[str, ...] = ()
    mark: str = ""
    modified: int | None = None
    beside: Callable[[str], Json] = field(default=_nothing, compare=False, repr=False)
    listed: Callable[[str], list[str]] = field(default=_no_names, compare=False, repr=False)
    grouped: Callable[[str, str], Mapping[str, list[str]]] = field(
        default=_no_files, compare=False, repr=False
    )
    index: Callable[[str, str], Mapping[str, dict[str, Json]]] = field(
        default=_no_entries, compare=False, repr=False
    )
    first_name: str = ""
    text: Callable[[str], str] = field(default=_no_text, compare=False, repr=False)

    @property
    def name(self) -> str:
        """A session id for a source that names none."""
        if self.first_name:
            return self.first_name
        return f"{self.stem or 'file'}-{self.mark}" if self.mark else self.stem or "file"
