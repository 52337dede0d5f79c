"""ClickHouse behind HTTP, and a table of its own for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from journal.fs.directory import open_directory
from projector.sink.config import Config, write_config
from tests.support.programs import clickhouse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.programs.clickhouse import Server


@pytest.fixture
def server() -> Iterator[Server]:
    """ClickHouse behind HTTP."""
    clickhouse.needed()
    with clickhouse.serving() as server:
        yield server


@pytest.fixture
def table(server: Server, journal_dir: Path) -> str:
    """A table of its own, which the journal names as its sink."""
    name = f"t{uuid4().hex}"
    journal = open_directory(journal_dir)
    write_config(journal, Config(server.url, "tests", name, user="someone"))
    return f"tests.{name}"
