"""Prints what is here of another machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.cli.kit.times import format_local_time
from journal.errors import counted
from journal.segments.machines import SKEW

if TYPE_CHECKING:
    from journal.segments.machines import Mirrored


def machine_line(machine: Mirrored) -> str:
    """Return a line: name, uuid, what is here of it, and when it was heard from."""
    here = f"{counted(machine.lanes, 'lane')}, {counted(machine.bytes, 'byte')}"
    seen = format_local_time(machine.seen, "minutes") if machine.seen else "never"
    return f"{machine.name} ({machine.machine}): {here}, heard {seen}{skew_text(machine.skew)}"


def skew_text(skew: int) -> str:
    """Return what is to be said about the clock of a machine; nothing if it is about right.

    Args:
        skew: microseconds by which it is ahead of ours.
    """
    if abs(skew) <= SKEW:
        return ""
    return f", its clock is {skew / SKEW:+.1f} hours from ours: its dates are wrong, or ours"
