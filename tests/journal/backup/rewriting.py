"""Rewrites a segment as erasure does, in the plainest way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from journal.format.record import Erased, Header, Record, encode_erased, encode_event, encode_header
from journal.format.scan import Found, scan
from journal.process.ids import uuid7

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path


def erase(segment: Path, gone: Collection[str]) -> None:
    """Replace a segment by one without the events that have these ids."""
    lines = []
    for item in scan(segment.read_bytes(), 0):
        assert isinstance(item, Found)
        record = item.record
        if isinstance(record, Header):
            supersedes = (*record.supersedes, record.segment)
            new = replace(record, segment=uuid7(), supersedes=supersedes, inode=0)
            lines.append(encode_header(new))
        elif isinstance(record, Record) and record.event.id in gone:
            lines.append(encode_erased(Erased(record.seq, 1, record.event.order, "request")))
        elif isinstance(record, Record):
            lines.append(encode_event(record.seq, record.event))
    draft = segment.with_name(f".{segment.name}.{uuid7()}")
    draft.touch(0o600)
    draft.write_bytes(b"".join(lines))
    draft.replace(segment)
