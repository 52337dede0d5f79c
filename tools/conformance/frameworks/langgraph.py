"""The suites of LangGraph on `AsyncJournalSaver` and `JournalStore`.

The contracts for checkpointers are in the wheel of `langgraph-checkpoint-conformance`, the tests of
stores in the source distribution of `langgraph-checkpoint-sqlite`.
"""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.conformance.suite import HERE, Suite, is_own

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

_CONTRACTS = 81
"""How many contracts `langgraph-checkpoint-conformance` 0.0.2 has, with those of all methods."""
_EXTENDED = 23
"""How many of these the SQLite checkpointer does not support."""
_STORE, _ASYNC = "tests/test_store.py", "tests/test_async_store.py"
_VECTORS = "searches by vectors; a search here is a full-text search"
_SQL = "tests a function that makes SQL for SQLite's store"

SUITE = Suite(
    name="langgraph",
    extra="langgraph",
    packages=(
        "langgraph-checkpoint==4.3.2",
        "langgraph-checkpoint-conformance==0.0.2",
        "langgraph-checkpoint-sqlite==3.1.2",
        "langgraph==1.2.24",
        "pytest-asyncio>=1.3",
    ),
    source="langgraph-checkpoint-sqlite==3.1.2",
    tests=(f"{HERE}::test_contracts", _STORE, _ASYNC),
    sample=(f"{HERE}::test_contracts", _STORE),
    passing=109,
    left_out={
        f"{_STORE}::{name}": reason
        for reason, names in {
            _VECTORS: (
                "test_vector_store_initialization",
                "test_vector_insert_with_auto_embedding",
                "test_vector_update_with_embedding",
                "test_vector_search_with_filters",
                "test_vector_search_pagination",
                "test_vector_search_edge_cases",
                "test_embed_with_path",
                "test_embed_with_path_operation_config",
                "test_scores",
            ),
            _SQL: (
                "test_nonnull_migrations",
                "test_escape_glob_literal",
                "test_namespace_match_pattern",
                "test_list_namespaces_prefix_uses_indexable_condition",
            ),
        }.items()
        for name in names
    }
    | {
        f"{_ASYNC}::{name}": _VECTORS
        for name in (
            "test_vector_store_initialization",
            "test_vector_insert_with_auto_embedding",
            "test_vector_update_with_embedding",
            "test_vector_search_with_filters",
            "test_vector_search_pagination",
            "test_vector_search_edge_cases",
            "test_embed_with_path",
        )
    },
    own=("tests/adapters/test_langgraph.py", "tests/adapters/test_langgraph_store.py"),
    options=("-o", "asyncio_mode=auto"),
)


def install() -> None:
    """Put our stores in the place of SQLite's; each gets a journal of its own."""
    from langgraph.store import sqlite as theirs

    from projector.adapters.langgraph import AsyncJournalStore, JournalStore

    class Store(JournalStore):
        @classmethod
        @contextmanager
        def from_conn_string(cls, _name: str, **_index: object) -> Iterator[JournalStore]:
            with tempfile.TemporaryDirectory() as folder, cls(Path(folder) / "journal") as store:
                yield store

        def setup(self) -> None:
            """Make nothing: a journal has no tables."""

    class AsyncStore(AsyncJournalStore):
        @classmethod
        @asynccontextmanager
        async def from_conn_string(
            cls, _name: str, **_index: object
        ) -> AsyncIterator[AsyncJournalStore]:
            with tempfile.TemporaryDirectory() as folder:
                async with cls(Path(folder) / "journal") as store:
                    yield store

        async def setup(self) -> None:
            """Make nothing: a journal has no tables."""

    theirs.SqliteStore = Store
    theirs.AsyncSqliteStore = AsyncStore


def test_contracts() -> None:
    """Run the contracts for checkpointers: all methods, also those that are optional."""
    from langgraph.checkpoint.conformance import checkpointer_test, validate

    @checkpointer_test(name="own" if is_own() else "journal")
    async def make() -> AsyncIterator[Any]:
        with tempfile.TemporaryDirectory() as folder:
            async with _saver(Path(folder)) as saver:
                yield saver

    report = asyncio.run(validate(make))
    results = report.results.values()
    passed = sum(result.tests_passed for result in results)
    wanted = _CONTRACTS - _EXTENDED if is_own() else _CONTRACTS
    if passed != wanted or any(result.tests_failed for result in results):
        raise AssertionError(f"{passed} of {wanted} contracts hold: {report.to_dict()}")


@asynccontextmanager
async def _saver(folder: Path) -> AsyncIterator[Any]:
    if is_own():
        from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

        async with AsyncSqliteSaver.from_conn_string(str(folder / "checkpoints.db")) as saver:
            yield saver
    else:
        from projector.adapters.langgraph import AsyncJournalSaver

        async with AsyncJournalSaver(folder / "journal") as saver:
            yield saver
