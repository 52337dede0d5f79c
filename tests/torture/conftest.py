"""Fixtures of the samples of the steps."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def log_level() -> Iterator[None]:
    """Restore the log level, which steps raise: later tests read warnings in the log."""
    log = logging.getLogger("projector")
    level = log.level
    yield
    log.setLevel(level)
