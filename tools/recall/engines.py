"""The searches that are compared: this project's, two plain ones and another engine's."""

from __future__ import annotations

import re
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from journal import Journal
from projector import Projection

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from tools.recall.questions import Session

_MESSAGES = 200
"""Hits of which the sessions are ranked."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a search answers to a question.

    Attributes:
        sessions: ids of sessions, best first, each once.
        found: how many messages are claimed to match; those that only come near do not count.
        missing: words of the question that are named as never said.
    """

    sessions: tuple[str, ...]
    found: int
    missing: tuple[str, ...] = ()


Ask = Callable[[str], Answer]
"""Searches for a question, as a person types it."""


@contextmanager
def ours(sessions: Sequence[Session]) -> Iterator[Ask]:
    """`Projection.search` without arguments, on a journal of the sessions."""
    with tempfile.TemporaryDirectory(prefix="recall-") as folder:
        path = Path(folder) / "journal"
        with Journal.open(path, fsync="never") as journal:
            for session in sessions:
                journal.append_many(_events(session))
        with Projection.open(path) as projection:

            def ask(question: str) -> Answer:
                found = projection.search(question, limit=_MESSAGES)
                names = (hit.session for hit in (*found.hits, *found.near))
                return Answer(tuple(dict.fromkeys(names)), len(found), found.missing)

            ask("the first question also applies all events")
            yield ask


@contextmanager
def _plain(sessions: Sequence[Session], operator: str) -> Iterator[Ask]:
    """Search with SQLite's FTS5 and its own bm25, the words of the question joined."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE VIRTUAL TABLE texts USING fts5(session UNINDEXED, text)")
        rows = ((session.id, text) for session in sessions for text in _texts(session))
        db.executemany("INSERT INTO texts VALUES(?, ?)", rows)

        def ask(question: str) -> Answer:
            words = re.findall(r"\w+", question)
            if not words:
                return Answer((), 0)
            match = f" {operator} ".join(f'"{word}"' for word in words)
            query = "SELECT session FROM texts WHERE texts MATCH ? ORDER BY rank LIMIT ?"
            rows = db.execute(query, (f"text : ({match})", _MESSAGES))
            return _answer([str(session) for (session,) in rows])

        yield ask


@contextmanager
def _tantivy(sessions: Sequence[Session]) -> Iterator[Ask]:
    """Search with tantivy's default tokenizer; its query parser reads questions leniently."""
    tantivy: Any = import_module("tantivy")  # only the environment of the benchmarks has it
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("session", stored=True, tokenizer_name="raw")
    builder.add_text_field("text")
    index = tantivy.Index(builder.build())
    writer = index.writer()
    for session in sessions:
        for text in _texts(session):
            writer.add_document(tantivy.Document(session=session.id, text=text))
    writer.commit()
    index.reload()
    searcher = index.searcher()

    def ask(question: str) -> Answer:
        query, _ = index.parse_query_lenient(question, ["text"])
        hits = searcher.search(query, _MESSAGES).hits
        return _answer([str(searcher.doc(at)["session"][0]) for _, at in hits])

    yield ask


OURS = "agent-journal"
OTHERS: dict[str, Callable[[Sequence[Session]], AbstractContextManager[Ask]]] = {
    "plain AND": lambda sessions: _plain(sessions, "AND"),
    "plain OR": lambda sessions: _plain(sessions, "OR"),
    "tantivy": _tantivy,
}
"""The searches to compare with, by their names in tables."""


def _answer(found: list[str]) -> Answer:
    return Answer(tuple(dict.fromkeys(found)), len(found))


def _texts(session: Session) -> Iterator[str]:
    if session.title:
        yield session.title
    for message in session.messages:
        yield message.text


def _events(session: Session) -> Iterator[dict[str, Any]]:
    if session.title:
        data: dict[str, Any] = {"title": session.title, "cwd": f"/home/dev/{session.project}"}
        yield {"session": session.id, "id": "created", "type": "session.created", "data": data}
    for index, message in enumerate(session.messages):
        data = {"role": message.role, "content": message.text, "timestamp": message.time}
        yield {"session": session.id, "id": f"m{index}", "type": "message.appended", "data": data}
