"""Helpers that make requests to forget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal import Journal
from journal.erasure.hashes import event_hash, session_hash
from journal.erasure.rewrite import Kept, new_header
from journal.erasure.segment import read_for_erasure
from journal.format.event_types import ERASURE_REQUESTED, FORGET
from journal.fs.directory import open_directory
from journal.fs.key_file import own_key
from journal.process.ids import uuid7

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from journal.erasure.requests import Forgotten
    from journal.format.keyed_hash import Key
    from journal.format.position import Position
    from journal.segments.listing import SegmentRef


def request_data(
    key: Key,
    sessions: Iterable[str] = (),
    events: Iterable[tuple[str, str]] = (),
    messages: Iterable[str] = (),
    reach: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """Return the data of a request.

    Args:
        key: the key of its hashes.
        sessions: ids of sessions.
        events: sessions and ids of events.
        messages: hashes of messages.
        reach: the last number of each lane.
    """
    hashes = {
        "sessions": [session_hash(key, session) for session in sessions],
        "events": [event_hash(key, *event) for event in events],
        "messages": list(messages),
    }
    data: dict[str, Any] = {"key": key.id} | {
        name: found for name, found in hashes.items() if found
    }
    return data if reach is None else data | {"reach": dict(reach)}


def ask(path: Path, id: str | None = None, **what: Any) -> Position:  # noqa: ANN401 - as request_data
    """Append a request to a journal; `what` as in `request_data`."""
    key = own_key(open_directory(path).path)
    with Journal.open(path) as journal:
        data = request_data(key, **what)
        return journal.append(session=FORGET, id=id, type=ERASURE_REQUESTED, data=data)


def rewrite(ref: SegmentRef, forgotten: Forgotten) -> None:
    """Replace a segment as an erasure does, whether its lane is leased or not."""
    read = read_for_erasure(ref, forgotten, joins=True, erases_damage=False)
    old = ref.path.read_bytes()
    new = [new_header(old[: read.header_end], uuid7())] if read.header_end else []
    new += [
        old[piece.start : piece.end] if isinstance(piece, Kept) else piece
        for piece in read.rewriting.pieces
    ]
    draft = ref.path.with_name(f".{ref.path.name}.draft")
    draft.write_bytes(b"".join(new))
    draft.rename(ref.path)
