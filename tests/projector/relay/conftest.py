"""Fixtures of the tests of the relay: one real server for many tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.relay.servers import Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A real server, empty."""
    with Server(tmp_path / "server") as server:
        yield server
