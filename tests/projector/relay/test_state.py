"""What the relay remembers, with others that look at it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING

from projector.relay.state import STATE, State

if TYPE_CHECKING:
    from pathlib import Path

_TOGETHER = 4
_TIMES = 60


def test_it_is_opened_for_the_first_time_by_several_at_once(tmp_path: Path) -> None:
    """As by `journal relay status` while a relay starts: none gets an error."""
    barrier = Barrier(_TOGETHER)

    def look(path: Path) -> str:
        barrier.wait()
        with State(path) as state:
            return state.get("stream")

    with ThreadPoolExecutor(_TOGETHER) as pool:
        for number in range(_TIMES):
            folder = tmp_path / str(number)
            folder.mkdir()
            paths = [folder / STATE] * _TOGETHER
            assert list(pool.map(look, paths)) == [""] * _TOGETHER
