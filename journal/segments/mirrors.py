"""Mirrors: folders beside the lanes that hold the lanes of other machines, byte for byte.

The program that carries them between machines writes a mirror, and nothing else does. Readers read
it as any lane. No writer leases it, and no eraser changes it: its origin does, and the result
arrives here.
"""

from __future__ import annotations

import re

from journal.process.ids import UUID

_NAME = re.compile(rf"m-({UUID})-([1-9][0-9]{{0,8}})")


def mirror_name(machine: str, lane: int) -> str:
    """Return the name of the folder that mirrors the lane with a number on a machine."""
    return f"m-{machine}-{lane}"


def parse_mirror(name: str) -> tuple[str, int] | None:
    """Return the uuid of the machine and the number of the folder there; None for no mirror."""
    found = _NAME.fullmatch(name)
    return None if found is None else (found[1], int(found[2]))


def is_mirror(lane: str) -> bool:
    """Return whether a lane's folder mirrors one of another machine, which alone rewrites it."""
    return parse_mirror(lane) is not None
