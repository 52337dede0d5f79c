"""The suite of openai-agents on `JournalSession`."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from typing import Any

from tools.conformance.frameworks.openai_agents_left_out import left_out
from tools.conformance.suite import Suite

_VERSION = "openai-agents==0.24.0"

_SESSION = "tests/memory/test_session.py"
_ADVANCED = "tests/extensions/memory/test_advanced_sqlite_session.py"

SUITE = Suite(
    name="openai_agents",
    extra="openai-agents",
    packages=(
        _VERSION,
        "pytest-asyncio",
        "pytest-mock>=3.14",
        "rich",
        "inline-snapshot",
        "sqlalchemy>=2",
    ),
    source=_VERSION,
    tests=(_SESSION, "tests/memory/test_session_limit.py", _ADVANCED),
    sample=("tests/memory/test_session_limit.py",),
    passing=137,
    own=("tests/adapters/test_openai_agents.py", "tests/adapters/test_openai_branches.py"),
    left_out=left_out(_SESSION, _ADVANCED),
)


def install() -> None:
    """Put our session in the place of the one on SQLite."""
    import agents
    from agents.extensions import memory
    from agents.extensions.memory import advanced_sqlite_session
    from agents.memory import sqlite_session

    from projector.adapters.openai_agents import JournalBranchingSession, JournalSession

    journals = tempfile.mkdtemp(prefix="conformance-journals-")
    atexit.register(shutil.rmtree, journals)

    class Session(JournalSession):
        """A session in the folder that a test names, else in a journal of its own, as in memory."""

        def __init__(self, session_id: str, db_path: str | None = None, **options: Any) -> None:  # noqa: ANN401
            super().__init__(session_id, db_path or tempfile.mkdtemp(dir=journals), **options)

    class BranchingSession(JournalBranchingSession):
        """The same, with the arguments of `AdvancedSQLiteSession`."""

        def __init__(
            self,
            *,
            session_id: str,
            db_path: str | None = None,
            create_tables: bool = False,  # noqa: ARG002 - a journal has no tables
            logger: object = None,  # noqa: ARG002 - errors go to the logger of the project
            **options: Any,  # noqa: ANN401
        ) -> None:
            options.pop("sessions_table", None)
            options.pop("messages_table", None)
            super().__init__(session_id, db_path or tempfile.mkdtemp(dir=journals), **options)

        @property
        def _current_branch_id(self) -> str:
            return self.current_branch

    for module in (agents, agents.memory, sqlite_session):
        module.SQLiteSession = Session
    for module in (memory, advanced_sqlite_session):
        module.AdvancedSQLiteSession = BranchingSession
