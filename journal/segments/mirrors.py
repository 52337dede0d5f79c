"""Mirrors: folders beside the lanes that hold the lanes of other machines, byte for byte.

The program that carries them between machines writes a mirror, and nothing else does. Readers read
it as any lane. No writer leases it, and no eraser changes it: its origin does, and the result
arrives here.
"""

from __future__ import annotations

import re

_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_NAME = re.compile(rf"m-({_UUID})-([1-9][0-9]{{0,8}})")


def parse_mirror(name: str) -> tuple[str, int] | None:
    """Return the uuid of the machine and the number of the folder there; None for no mirror."""
    found = _NAME.fullmatch(name)
    return None if found is None else (found[1], int(found[2]))
