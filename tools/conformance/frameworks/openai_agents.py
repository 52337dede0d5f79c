"""The suite of openai-agents on `JournalSession`."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from typing import Any

from tools.conformance.suite import Suite

_VERSION = "openai-agents==0.24.0"

_CONNECTIONS = "is about the SQLite connections of threads; a journal has none"
_CORRUPT = "writes a damaged row with SQL; a journal sets damaged records aside itself"
_LOCKS = "is about SQLite's locks and transactions; an append takes none"
_WORDS = "expects the error of the class on SQLite; ours is ClosedError"
_LEFT_OUT = {
    "close_closes_worker_thread_connections": _CONNECTIONS,
    "reaps_connections_from_exited_worker_threads": _CONNECTIONS,
    "closes_retired_connections_before_the_next_allocation": _CONNECTIONS,
    "keeps_connections_of_live_worker_threads": _CONNECTIONS,
    "pop_item_skips_corrupt_most_recent": _CORRUPT,
    "pop_item_returns_none_after_dropping_only_corrupt_rows": _CORRUPT,
    "get_items_limit_skips_corrupt_newest_rows": _CORRUPT,
    "get_items_session_settings_limit_skips_corrupt_rows": _CORRUPT,
    "closed_rejects_empty_add_items": _WORDS,
    "file_lock_is_shared_across_instances": _LOCKS,
    "failed_add_items_releases_write_lock": _LOCKS,
    "failed_clear_session_rolls_back": _LOCKS,
    "failed_pop_item_releases_write_lock": _LOCKS,
    "rollback_failure_evicts_connection": _CONNECTIONS,
    "close_retries_quarantined_connection": _CONNECTIONS,
    "post_commit_cancellation_propagates_after_known_outcome": _LOCKS,
}

SUITE = Suite(
    name="openai_agents",
    extra="openai-agents",
    packages=(_VERSION, "pytest-asyncio", "pytest-mock>=3.14", "rich", "inline-snapshot"),
    source=_VERSION,
    tests=("tests/memory/test_session.py", "tests/memory/test_session_limit.py"),
    sample=("tests/memory/test_session_limit.py",),
    passing=53,
    own=("tests/adapters/test_openai_agents.py",),
    left_out={
        f"tests/memory/test_session.py::test_sqlite_session_{name}": reason
        for name, reason in _LEFT_OUT.items()
    },
)


def install() -> None:
    """Put our session in the place of the one on SQLite."""
    import agents
    from agents.memory import sqlite_session

    from projector.adapters.openai_agents import JournalSession

    journals = tempfile.mkdtemp(prefix="conformance-journals-")
    atexit.register(shutil.rmtree, journals)

    class Session(JournalSession):
        """A session in the folder that a test names, else in a journal of its own, as in memory."""

        def __init__(self, session_id: str, db_path: str | None = None, **options: Any) -> None:  # noqa: ANN401
            super().__init__(session_id, db_path or tempfile.mkdtemp(dir=journals), **options)

    for module in (agents, agents.memory, sqlite_session):
        module.SQLiteSession = Session
