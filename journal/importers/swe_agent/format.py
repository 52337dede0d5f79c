"""The format of the trajectories of SWE-agent, for detection and for reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.importers.formats import DocumentFormat, SourceFormat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.files.document import Document, Numbered
    from journal.importers.parsing.parser import Item, Location
    from journal.importers.parsing.values import Json

_ENDINGS = (".traj", ".traj.json")


def _list_of(document: Document) -> str | None:
    """Return the name of the list of messages, "" for the document itself; None if there is none.

    A list of messages is a trajectory only if the file's name says so: others have that shape, too.
    """
    shape = document.shape
    name = getattr(document.stream, "name", "")
    named = isinstance(name, str) and name.endswith(_ENDINGS)
    if "history" in shape.lists and (named or "trajectory" in shape.lists):
        return "history"
    about = "info" in shape.rest or "info" in shape.large
    if "messages" in shape.lists and about and (named or "trajectory_format" in shape.rest):
        return "messages"
    return "" if named and any("role" in keys for keys in _first(document)) else None


def _first(document: Document) -> list[set[str]]:
    found = document.shape.lists.get("")
    return [] if found is None else found.keys


def _is_document(document: Document) -> bool:
    return _list_of(document) is not None


def _pieces(document: Document, location: Location) -> Iterator[Numbered]:
    from journal.importers.swe_agent.parser import SweAgent  # noqa: PLC0415 - loaded to read

    parser, name = SweAgent(location), _list_of(document)
    rest = document.shape.rest
    for large in ("info", "replay_config"):
        if large in document.shape.large:
            rest = {**rest, large: document.member(large)}
    yield 1, parser.begin(rest)
    yield from document.pieces(name or None, parser.message)
    if name == "history":
        yield from document.pieces("trajectory", parser.step)


def _whole(value: Json, location: Location) -> Iterator[Item]:
    from journal.importers.swe_agent.parser import SweAgent  # noqa: PLC0415 - loaded to read

    parser = SweAgent(location)
    whole = value if isinstance(value, dict) else {"messages": value}
    yield from parser.begin(whole)
    for name, parse in (
        ("history", parser.message),
        ("messages", parser.message),
        ("trajectory", parser.step),
    ):
        found = whole.get(name)
        for number, piece in enumerate(found if isinstance(found, list) else [], 1):
            yield from parse(number, piece)


FORMAT = SourceFormat(
    name="swe-agent",
    version=1,
    about="trajectories of SWE-agent and mini-swe-agent",
    files=("*.traj", "*.traj.json"),
    documents=DocumentFormat(matches=_is_document, pieces=_pieces, whole=_whole),
)
