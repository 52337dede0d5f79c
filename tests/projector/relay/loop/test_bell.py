"""What wakes the relay: lanes of this machine, and not the mirrors that it writes itself."""

from __future__ import annotations

import asyncio
from shutil import rmtree
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from journal import Journal
from projector.relay.loop import bell as module
from projector.relay.loop.bell import Bell

if TYPE_CHECKING:
    from pathlib import Path

_SOON = 5.0
_NOT = 0.3


async def _rings(bell: Bell, seconds: float) -> bool:
    try:
        await asyncio.wait_for(bell._rung.wait(), seconds)
    except TimeoutError:
        return False
    bell._rung.clear()
    return True


@pytest.mark.parametrize("most", [64, 0], ids=["one by one", "with the mirrors"])
def test_own_lanes_ring_and_mirrors_do_not(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Also lanes and segments that were made meanwhile."""
    monkeypatch.setattr(module, "_MOST", most)
    lanes = journal_dir / "lanes"
    mirror = lanes / f"m-{UUID(int=7)}-1"

    async def act() -> None:
        with Bell(lanes) as bell:
            first.append_message("s", "user", "again")
            assert await _rings(bell, _SOON), "a lane that was there"
            with Journal.open(journal_dir) as second:
                assert await _rings(bell, _SOON), "a new lane"
                await asyncio.sleep(_NOT)
                bell._rung.clear()
                second.append_message("s", "user", "hello")
                assert await _rings(bell, _SOON), "a record in a new lane"
            await asyncio.sleep(_NOT)
            bell._rung.clear()
            mirror.mkdir()
            (mirror / "00000001.jsonl").write_bytes(b"{}\n")
            (mirror / "00000001.jsonl").write_bytes(b"{}\n{}\n")
            assert not await _rings(bell, _NOT), "a mirror"
            rmtree(mirror)

    with Journal.open(journal_dir) as first:
        first.append_message("s", "user", "hello")
        asyncio.run(act())
