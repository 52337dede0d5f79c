"""Fixtures of the tests of the relay: real servers, and folders in memory.

A server and the machines sync each message, and prove nothing about the disk by it: on a disk that
other tests use, too, most of the time was spent on that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.disks.in_memory import in_memory
from tests.support.relay.servers import Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """An empty folder in memory, in the place of that of pytest."""
    with in_memory() as folder:
        yield folder


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A real server, empty."""
    with Server(tmp_path / "server") as server:
        yield server
