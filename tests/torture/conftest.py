"""What every sample of a step leaves as it was."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def log_level() -> Iterator[None]:
    """Restore the level of the log, which steps raise: later tests read warnings in it."""
    log = logging.getLogger("projector")
    level = log.level
    yield
    log.setLevel(level)
