"""The streaming JSON reader: one document's events and pieces, and where it breaks off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from journal.importers.decode import BOM, DEPTH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.items import Json


DEEP = "nested too deeply"
_BUILT = DEPTH + 16
"""Levels that are built: enough that what is cut off below them is still seen to be too deep."""
_GIVEN_UP = 10_000
"""Levels at which a document is not read on: it is no transcript."""


class Broken(Exception):  # noqa: N818 - reads as what it says of the document
    """The document is no JSON from some place on; the message says why, in one line."""


class TooDeep(Broken):
    """The document cannot be read on for its depth."""


def events_of(stream: BinaryIO) -> Iterator[tuple[str, Any]]:
    """Give a document's parts in the order in which they stand.

    Raises:
        Broken: the document is no JSON from here on.
    """
    import ijson  # type: ignore[import-untyped] # noqa: PLC0415 - no types; `import journal` must stay light

    try:
        yield from _shallow(ijson.basic_parse(_past_bom(stream), use_float=True))
    except (ijson.JSONError, UnicodeDecodeError, OverflowError) as error:
        raise Broken(_reason(error)) from error


def pieces_of(stream: BinaryIO, path: str) -> Iterator[Json]:
    """Build the values at a path (`item`, `messages.item`) one by one.

    What is nested more deeply than a journal takes is left out of a value, which stays too deep.

    Raises:
        Broken: the document is no JSON from here on.
    """
    import ijson  # noqa: PLC0415 - `import journal` must stay light

    try:
        # the streaming reader keeps each level's path as text: unbounded, that is quadratic
        shallow = _shallow(ijson.basic_parse(_past_bom(stream), use_float=True))
        yield from ijson.items(ijson.parse(shallow), path)
    except (ijson.JSONError, UnicodeDecodeError, OverflowError) as error:
        raise Broken(_reason(error)) from error


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
        """What was built."""
        return self._builder.value


def _shallow(events: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Leave out what is nested more deeply than is built.

    Raises:
        TooDeep: the document ends inside of such a value, or is deeper than any transcript.
    """
    depth = 0
    try:
        for event in events:
            depth += event[0] in ("start_map", "start_array")
            if depth <= _BUILT:
                yield event
            elif depth > _GIVEN_UP:
                break
            depth -= event[0] in ("end_map", "end_array")
    except Exception as error:
        if depth <= _BUILT:
            raise
        raise TooDeep(DEEP) from error
    if depth > _BUILT:
        raise TooDeep(DEEP)


def _past_bom(stream: BinaryIO) -> BinaryIO:
    stream.seek(0)
    stream.seek(len(BOM) if stream.read(len(BOM)) == BOM else 0)
    return stream


def _reason(error: Exception) -> str:
    text = error.args[0] if error.args else error
    text = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
    lines = text.strip().splitlines()
    return lines[0].strip() if lines else type(error).__name__
