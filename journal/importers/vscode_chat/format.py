"""The formats of VS Code's chats, for detection and for reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.importers.formats import DocumentFormat, LineFormat, SourceFormat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.files.document import Document, Numbered
    from journal.importers.parsing.parser import Item, Location, Parser
    from journal.importers.parsing.values import Json

_LIST = "requests"
_FIELDS = {"kind", "k", "v", "i"}
_HEAD = {"sessionId", "creationDate"}


def _is_line(value: Json) -> bool:
    if not isinstance(value, dict) or not value.keys() <= _FIELDS:
        return False
    kind, chat = value.get("kind"), value.get("v")
    if kind == 0:
        return isinstance(chat, dict) and _LIST in chat and "sessionId" in chat
    return type(kind) is int and 0 < kind < 4 and isinstance(value.get("k"), list)  # noqa: PLR2004 - kinds of operations


def _is_document(document: Document) -> bool:
    shape = document.shape
    return _LIST in shape.lists and shape.rest.keys() >= _HEAD


def _parser(location: Location) -> Parser:
    from journal.importers.vscode_chat.chat import ChatLog  # noqa: PLC0415 - loaded to read

    return ChatLog(location)


def _pieces(document: Document, location: Location) -> Iterator[Numbered]:
    from journal.importers.vscode_chat.document import pieces  # noqa: PLC0415 - loaded to read

    return pieces(document, location, _LIST)


def _whole(value: Json, location: Location) -> Iterator[Item]:
    from journal.importers.vscode_chat.document import whole  # noqa: PLC0415 - loaded to read

    return whole(value, location, _LIST)


FORMAT = SourceFormat(
    name="vscode-chat",
    version=1,
    about="chats of VS Code: JSON snapshots, and JSONL logs of operations",
    paths=("~/.config/Code/User/workspaceStorage", "~/.config/Code/User/globalStorage"),
    files=("*.json", "*.jsonl"),
    lines=LineFormat(matches=_is_line, parser=_parser),
    documents=DocumentFormat(matches=_is_document, pieces=_pieces, whole=_whole),
)
