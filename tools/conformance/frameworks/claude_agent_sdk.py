"""The suite of claude-agent-sdk on `JournalSessionStore`."""

from __future__ import annotations

import asyncio
import atexit
import shutil
import tempfile
import weakref
from typing import Any

from tools.conformance.suite import HERE, Suite, is_own

_LAST = chr(0x10FFFF)
"""Behind all names of sessions."""
_NO_TIME = "gives the store some turns of the event loop and no time, and ours reads in a thread"
_VERSION = "claude-agent-sdk==0.2.189"

SUITE = Suite(
    name="claude_agent_sdk",
    extra="claude",
    packages=(_VERSION, "anyio[trio]>=4"),
    source=_VERSION,
    tests=(
        f"{HERE}::test_contracts",
        "tests/test_session_resume.py",
        "tests/test_session_import.py",
        "tests/test_session_helpers_store.py",
    ),
    sample=(f"{HERE}::test_contracts", "tests/test_session_import.py"),
    passing=214,
    left_out={
        "tests/test_session_resume.py::TestTimeoutsAndErrors"
        "::test_cancelled_after_mkdtemp_cleans_temp_dir": _NO_TIME,
        "tests/test_session_helpers_store.py::TestListSessionsFromStore"
        "::test_load_concurrency_is_bounded": _NO_TIME,
    },
    own=("tests/adapters/test_claude_agent_sdk.py",),
)


def install() -> None:
    """Put our store in the place of the one in memory, with the helpers that the tests use."""
    import claude_agent_sdk
    from claude_agent_sdk._internal import session_store

    from projector.adapters.claude_agent_sdk import JournalSessionStore
    from projector.adapters.claude_agent_sdk.keys import name_of
    from projector.adapters.claude_agent_sdk.rows import entries, names

    journals = tempfile.mkdtemp(prefix="conformance-journals-")
    atexit.register(shutil.rmtree, journals)

    class Store(JournalSessionStore):
        """A journal of its own for each store, as each store in memory is empty at first."""

        def __init__(self) -> None:
            super().__init__(tempfile.mkdtemp(dir=journals))
            self._mtimes: dict[str, int] = {}  # set by tests, which do not wait for a clock
            weakref.finalize(self, self._opened.close)

        async def list_sessions(self, project_key: str) -> list[dict[str, Any]]:
            found = await super().list_sessions(project_key)
            for each in found:
                each["mtime"] = self._mtimes.get(
                    f"{project_key}/{each['session_id']}", each["mtime"]
                )
            return found

        def get_entries(self, key: dict[str, str]) -> list[dict[str, Any]]:
            return self.store.read_all(lambda db: entries(db, name_of(key)))

        @property
        def size(self) -> int:
            return self.store.read_all(
                lambda db: sum(name.count("/") == 1 for name in names(db, "", _LAST))
            )

    claude_agent_sdk.InMemorySessionStore = Store
    session_store.InMemorySessionStore = Store


def test_contracts() -> None:
    """Run the contracts that the SDK's wheel has for stores, all optional methods included."""
    from claude_agent_sdk import InMemorySessionStore
    from claude_agent_sdk.testing import run_session_store_conformance

    if not is_own():
        assert InMemorySessionStore.__module__ == __name__  # noqa: S101 - a test
    asyncio.run(run_session_store_conformance(InMemorySessionStore))
