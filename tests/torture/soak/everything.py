"""Writers, projectors, readers and rebuilds together, killed at random."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from journal import Journal
from journal.verify.checks import DEATH
from tests.torture.soak.cast import Cast, play, read_lines
from tests.torture.soak.judging import check_all_there, judge
from tests.torture.soak.programs import ROLES, Program

if TYPE_CHECKING:
    from pathlib import Path

_LEVELS = ("never", "interval", "always")


def everything(folder: Path, seed: int, seconds: float, *, small: bool) -> dict[str, object]:
    """Run the scenario; return its counts.

    Args:
        folder: for the journal and the files of the programs.
        seed: chooses which program is killed, and when.
        seconds: how long the programs run.
        small: whether fewer programs run, as in a sample.

    Raises:
        Failed: a check failed.
    """
    rng = random.Random(seed)
    cast = Cast(folder, rng, [*ROLES, "project", str(folder / "journal")])
    with Journal.open(cast.journal):
        pass
    _add_writers(cast, rng, 2 if small else 6)
    cast.add_projectors()
    files = str(cast.acknowledged)
    for n in range(1 if small else 3):
        _add(cast, rng, f"reader{n}", "read", files)
    for n in range(1 if small else 2):
        _add(cast, rng, f"holder{n}", "hold")
    work = [cast.acknowledged / "writer0.jsonl"]
    return play(cast, seconds, work, lambda: _judge(cast))


def _add(cast: Cast, rng: random.Random, name: str, role: str, *arguments: str) -> Program:
    seed = str(rng.getrandbits(32))
    argv = [*ROLES, role, str(cast.journal), *arguments, seed]
    # the first program of each kind is never killed
    program = Program(name, argv, cast.folder, killable=not name.endswith("0"))
    cast.programs.append(program)
    return program


def _add_writers(cast: Cast, rng: random.Random, count: int) -> None:
    for n in range(count):
        name = "busy1" if n == 1 else f"writer{n}"
        program = _add(cast, rng, name, "write", str(cast.acknowledged / f"{name}.jsonl"), name)
        program.argv.append(_LEVELS[n % len(_LEVELS)])


def _judge(cast: Cast) -> dict[str, object]:
    counts = cast.judge()
    acknowledged = {
        (str(session), str(id))
        for path in cast.acknowledged.iterdir()
        for session, id in read_lines(path)
    }
    remains = judge(cast.journal, DEATH)
    check_all_there(acknowledged, remains)
    return {
        "acknowledged": len(acknowledged),
        "messages": len(remains.keys),
        "records": remains.records,
        "lanes": remains.lanes,
        "segments": remains.segments,
        "bytes": remains.bytes,
        "torn": remains.problems,
        **counts,
    }
