"""Reads sessions that opencode has exported, and the files in `storage` of its first versions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tools.texts_check.pieces import Item
from tools.texts_check.readers.opencode_parts import opencode_pieces
from tools.texts_check.readers.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tools.texts_check.raw_files import Json, RawFile

_FOLDERS = frozenset({"session", "message", "part"})


def _claims(file: RawFile) -> bool:
    return _is_export(file.first) or _stored(file.path) is not None


def _is_export(first: Json) -> bool:
    messages = first.get("messages")
    return (
        "info" in first and isinstance(messages, list) and all("parts" in one for one in messages)
    )


def _stored(path: Path) -> Path | None:
    """Return the folder `storage` of a file in it."""
    for folder in path.parents[:3]:
        if folder.name in _FOLDERS and (folder.parent / "message").is_dir():
            return folder.parent if path.suffix == ".json" else None
    return None


def _read(file: RawFile) -> Iterator[Item]:
    first = file.first
    if _is_export(first):
        session, version = str(first["info"]["id"]), str(first["info"].get("version") or "")
        for message in first["messages"]:
            info = message["info"]
            pieces = tuple(opencode_pieces(str(info.get("role")), message["parts"]))
            yield Item(session, str(info.get("id")), pieces, version)
    elif (storage := _stored(file.path)) is not None and file.path.parents[1].name == "message":
        parts = [
            *(storage / "part" / str(first["id"])).glob("*.json"),
            *storage.glob("part/*.json"),
        ]
        found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(parts)]
        own = [part for part in found if part.get("messageID", first["id"]) == first["id"]]
        pieces = tuple(opencode_pieces(str(first.get("role")), own))
        yield Item(str(first["sessionID"]), str(first["id"]), pieces, _version(storage, first))


def _version(storage: Path, message: Json) -> str:
    for path in storage.glob("session/*/*.json"):
        session: Json = json.loads(path.read_text(encoding="utf-8"))
        if session.get("id") == message["sessionID"]:
            return str(session.get("version") or "")
    return ""


READER = Reader("opencode", _claims, _read)
