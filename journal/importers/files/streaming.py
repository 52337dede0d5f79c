"""The streaming JSON reader: the events and pieces of one document, and where it is damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from journal.importers.files.decode import BOM, DEPTH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.values import Json


DEEP = "nested too deeply"
_BUILT = DEPTH + 16
"""Levels that are built: enough to detect that a value is too deep."""
_CHUNK = 64 * 1024
"""Bytes that are parsed at once, except for longer values."""
_OPENS = ("start_map", "start_array")
_CLOSES = ("end_map", "end_array")
_ERRORS = (UnicodeDecodeError, OverflowError, ValueError)
"""Errors of the parser for invalid values, beside its own errors."""
_GIVEN_UP = 10_000
"""Levels at which reading of a document stops: it is no transcript."""


class Broken(Exception):  # noqa: N818 - the name describes the document
    """The document is no JSON from some place on; the message is the reason, in one line."""


class TooDeep(Broken):
    """The document is nested too deeply to be read further."""


Event = tuple[str, Any]


def events_of(stream: BinaryIO) -> Iterator[Event]:
    """Return a document's parts in their order.

    Raises:
        Broken: the document is no JSON from here on.
    """
    return _shallow(_parsed(past_bom(stream)))


def pieces_of(stream: BinaryIO, name: str | None) -> Iterator[Json]:
    """Build the items of a list one by one.

    Values that are nested more deeply than a journal accepts are left out; their parent stays too
    deep.

    Args:
        stream: the document.
        name: the list's name in the object that the document is; None where the document is the
            list itself.

    Raises:
        Broken: the document is no JSON from here on.
    """
    depth, inner = 0, 1 if name is None else 2
    inside, at = False, ""
    builder: Builder | None = None
    for event, value in events_of(stream):
        opens, closes = event in _OPENS, event in _CLOSES
        depth -= closes
        if builder is not None:
            builder.take(event, value)
            if depth == inner and not opens:
                yield builder.value
                builder = None
        elif inside and depth == inner and not closes:
            if opens:
                builder = Builder()
                builder.take(event, value)
            else:
                yield value
        elif depth == inner - 1 and opens:
            inside = event == "start_array" and (name is None or at == name)
        elif depth == inner - 1 and event == "map_key":
            at = value
        if depth < inner and closes:
            inside = False
        depth += opens


def member_of(stream: BinaryIO, name: str) -> Json:
    """Build one object or list of the object that a document is; None if it has none.

    Raises:
        Broken: the document is no JSON before the end of the member.
    """
    depth, at = 0, ""
    builder: Builder | None = None
    for event, value in events_of(stream):
        opens = event in _OPENS
        depth -= event in _CLOSES
        if builder is not None:
            builder.take(event, value)
            if depth == 1 and not opens:
                return builder.value
        elif depth == 1 and event == "map_key":
            at = value
        elif depth == 1 and opens and at == name:
            builder = Builder()
            builder.take(event, value)
        depth += opens
    return None


def _parsed(stream: BinaryIO) -> Iterator[Event]:
    """Parse a document chunk by chunk.

    The parser starts a value again that the end of a chunk cuts off. So a chunk is twice as large
    as the previous one if that completed no value: otherwise a long string would take quadratic
    time.
    """
    import ijson  # type: ignore[import-untyped] # noqa: PLC0415 - no types; `import journal` must stay light

    found: list[Event] = ijson.sendable_list()
    parser = ijson.basic_parse_coro(found, use_float=True)
    size = _CHUNK
    try:
        while chunk := stream.read(size):
            parser.send(chunk)
            size = _CHUNK if found else 2 * size
            yield from found
            found.clear()
        parser.close()
    except (ijson.JSONError, *_ERRORS) as error:
        yield from found  # events before the error
        raise Broken(_reason(error)) from error
    yield from found


class Builder:
    """Builds one object from its events."""

    __slots__ = ("_builder",)

    def __init__(self) -> None:
        import ijson  # noqa: PLC0415 - `import journal` must stay light

        self._builder = ijson.ObjectBuilder()

    def take(self, event: str, value: Json) -> None:
        """Add an event."""
        self._builder.event(event, value)

    @property
    def value(self) -> Json:
        """Return the built value."""
        return self._builder.value


def _shallow(events: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Skip values that are nested too deeply to be built.

    Raises:
        TooDeep: the document ends inside of such a value, or is deeper than any transcript.
    """
    depth = 0
    try:
        for event in events:
            depth += event[0] in _OPENS
            if depth <= _BUILT:
                yield event
            elif depth > _GIVEN_UP:
                break
            depth -= event[0] in _CLOSES
    except Exception as error:
        if depth <= _BUILT:
            raise
        raise TooDeep(DEEP) from error
    if depth > _BUILT:
        raise TooDeep(DEEP)


def past_bom(stream: BinaryIO) -> BinaryIO:
    """Return a document at its beginning, after a byte order mark."""
    stream.seek(0)
    stream.seek(len(BOM) if stream.read(len(BOM)) == BOM else 0)
    return stream


def _reason(error: Exception) -> str:
    text = error.args[0] if error.args else error
    text = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
    lines = text.strip().splitlines()
    return lines[0].strip() if lines else type(error).__name__
