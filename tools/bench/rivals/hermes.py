"""The real `SessionDB` of hermes-agent, from PyPI."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from pkgutil import extend_path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import tools
from tools.bench.corpus.stage import BEGAN, EACH, messages, source_of
from tools.bench.corpus.words import Texts
from tools.bench.processes import alone

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from tools.bench.plan import Plan

_INSERT = """
INSERT INTO messages(session_id, role, content, timestamp, observed, active)
VALUES(?, ?, ?, ?, 0, 1)
"""
_TRANSACTION = 20


def open_database(path: Path) -> Any:  # noqa: ANN401 - the package has no types, and need not be there
    """Open a `state.db` as hermes-agent does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # it has a package `tools`, too, and imports from it: its folder is searched after ours
    tools.__path__ = extend_path(tools.__path__, tools.__name__)
    return import_module("hermes_state").SessionDB(path)


def searched_of(plan: Plan) -> Path:
    """Return a database with the searched corpus, filled in bulk."""
    path = plan.folder / f"hermes-{plan.rival_searched}" / "state.db"
    if not path.exists():
        plan.say(f"filling hermes-agent's database with {plan.rival_searched:,} messages")
        alone(plan, "rivals.hermes", "fill", database=str(path), count=plan.rival_searched)
    return path


def fill(database: str, count: int) -> Callable[[], None]:
    """Fill a database through its own connection, in large transactions, with its triggers."""
    db = open_database(Path(database))

    def write() -> None:
        turns: list[list[dict[str, Any]]] = []
        begun = -1
        for batch in messages(Texts(), count):
            for session in range(begun + 1, max(m["session"] for m in batch) + 1):
                db.create_session(f"session-1-{session}", source_of(session))
                begun = session
            turns.append(batch)
            if len(turns) == _TRANSACTION:
                db._execute_write(_insert(turns))  # noqa: SLF001 - one call for each would take minutes
                turns = []
        if turns:
            db._execute_write(_insert(turns))  # noqa: SLF001 - same
        db.close()

    return write


def _insert(turns: list[list[dict[str, Any]]]) -> Callable[[sqlite3.Connection], None]:
    rows = [
        (f"session-1-{m['session']}", m["role"], m["content"], m["timestamp"] / 1e6)
        for batch in turns
        for m in batch
    ]

    def write(connection: sqlite3.Connection) -> None:
        connection.executemany(_INSERT, rows)

    return write


def append_all(database: str, count: int) -> Callable[[], float]:
    """Append messages one by one, as an agent does; measure the seconds."""
    db = open_database(Path(database))
    texts = Texts().take(count)
    for session in range(count // 50 + 1):
        db.create_session(f"s{session}", "cli")

    def write() -> float:
        began = perf_counter()
        for number, text in enumerate(texts):
            moment = (BEGAN + number * EACH) / 1e6
            db.append_message(f"s{number // 50}", "user", text, timestamp=moment)
        seconds = perf_counter() - began
        db.close()
        return seconds

    return write
