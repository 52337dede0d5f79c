"""Reads trajectories of SWE-agent (`history`, `trajectory`) and of mini-swe-agent (messages)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.texts_check.pieces import TEXT, Item, Piece, beside
from tools.texts_check.raw_files import Json, RawFile, plain
from tools.texts_check.readers.chat_message import chat_pieces
from tools.texts_check.readers.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator


def _claims(file: RawFile) -> bool:
    named = file.path.name.endswith((".traj", ".traj.json"))
    return named and (isinstance(file.document, list) or "history" in file.first)


def _read(file: RawFile) -> Iterator[Item]:
    first = file.first
    document = file.document
    history = (
        document if isinstance(document, list) else first.get("history", first.get("messages"))
    )
    session = file.path.name.removesuffix(".json").removesuffix(".traj")
    names: dict[str, str] = {}
    for number, message in enumerate(history or ()):
        answered = (message.get("tool_call_ids") or [None])[0]
        pieces = list(chat_pieces({"tool_call_id": answered, **message}, names))
        yield Item(session, str(number), (*pieces, *_repeated(message, ("thought", "action"))))
    patch = (first.get("info") or {}).get("submission")
    yield Item(session, "submission", (beside("tool", patch, "submitted patches"),))
    for number, step in enumerate(first.get("trajectory") or ()):
        pieces = list(_repeated(step, ("response", "thought", "action", "observation")))
        yield Item(session, f"step {number}", tuple(pieces))


def _repeated(values: Json, names: tuple[str, ...]) -> Iterator[Piece]:
    """Yield texts that are within the content of a message, too."""
    for name in names:
        for each in plain(values.get(name)):
            yield Piece(TEXT, "", each, once=False)


READER = Reader("swe-agent", _claims, _read)
