"""A message near the largest that a record holds costs the projector little."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable

_MEASURE = """
import os, subprocess, sys
process = subprocess.Popen([sys.argv[1], "sync"], stdout=2)
_, status, used = os.wait4(process.pid, 0)
print(os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss >> 10)
"""
"""It runs in its own process, because Linux counts the memory of a parent for its child."""


def _ideographs(random: Random) -> str:
    return "".join(map(chr, random.choices(range(0x4E00, 0x6D40), k=5_000_000)))


def _numbers(random: Random) -> str:
    return " ".join(map(hex, random.choices(range(1 << 28), k=1_550_000)))


def _accents(_: Random) -> str:
    return "e\u0301 " * 3_800_000


def _half_runs(_: Random) -> str:
    return ("A" * 511 + "!") * 30_000


@pytest.mark.parametrize("make", [_ideographs, _numbers, _accents, _half_runs])
def test_a_message_of_15_mib_takes_seconds_and_little_memory(
    tmp_path: Path, make: Callable[[Random], str]
) -> None:
    """With any script: below 4 s of processor time and 250 MiB of memory."""
    text = make(Random(4))  # noqa: S311 - the same each time
    assert 14 << 20 < len(text.encode()) < 16 << 20
    path = tmp_path / "journal"  # the comparison with a rebuild takes longer than the test
    with Journal.open(path) as journal:
        journal.append_message("s", "user", text, id="big")
    program = Path(sys.executable).with_name("projector")
    measured = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(program)],
        env={**os.environ, "JOURNAL_DIR": str(path)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=60,
    )
    code, seconds, mib = map(float, measured.stdout.split())
    assert code == 0
    assert seconds < 4
    assert mib < 250
