"""Journals with a sink: what changes them, what drains them, and whether both are equal."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import orjson

from journal.fs.directory import open_directory
from projector import Projection
from projector.fold.part import Part
from projector.sink.config import read_config
from projector.sink.document import Document
from projector.sink.documents import Documents
from projector.sink.drain import Drainer
from tests.support.programs import clickhouse

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

    from projector import SessionStore
    from projector.sink.drain import Sent

_FIELDS = [name for name in Document._fields if name not in {"part", "deleted", "version"}]


def drain(journal_dir: Path, *, batch: int = 7, again: bool = False, part: str = "") -> Sent:
    """Send what the sink lacks."""
    journal = open_directory(journal_dir)
    with closing(read_config(journal).connect()) as sink:
        drainer = Drainer(journal, sink, Part.parse(part) if part else None, batch)
        with closing(drainer):
            return drainer.drain(again=again)


def assert_equal(journal_dir: Path, table: str, *parts: str) -> None:
    """Fail unless the sink has, row by row, the documents of the projection or of its parts."""
    wanted = []
    for part in parts or (None,):
        with Projection.open(journal_dir, part=part) as projection:
            documents, _ = projection.read(lambda db: list(Documents(db).every()))
        wanted += [[getattr(each, name) for name in _FIELDS] for each in documents]
    wanted = orjson.loads(orjson.dumps(wanted))  # with lists in the place of tuples, as JSON has it
    fields = ", ".join(_FIELDS)
    query = f"SELECT {fields} FROM {table} FINAL WHERE deleted = 0 FORMAT JSONCompact"
    found = orjson.loads(clickhouse.run(query))["data"]
    assert sorted(found) == sorted(wanted)


def change(store: SessionStore, random: Random, rounds: int) -> None:
    """Append, revise, remove, archive, clear and delete at random, and fork."""
    for _ in range(rounds):
        session = f"s{random.randrange(4)}"
        n = random.randrange(30)
        kind = random.randrange(12)
        if kind < 6:
            line = f"line-{n}" if n % 3 == 0 else None
            text = f"word{n} straße ÉCOLE 北京大学 it's a \\ test\n{random.random()}"
            store.append(session, random.choice(["user", "tool"]), text, id=f"m{n}", line=line)
        elif kind < 8:
            store.revise_message(session, f"m{n}", content=f"revised {random.random()}")
        elif kind == 8:
            store.remove_messages(session, [f"m{n}"])
        elif kind == 9:
            store.archive_messages(session, [f"m{n}"])
        elif kind == 10:
            store.restore_messages(session, [f"m{n}"])
        elif random.random() < 0.3:
            store.delete(session)
