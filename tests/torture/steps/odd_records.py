"""Project arbitrary records with a valid checksum, arranged in many ways, and compare.

::

    python -m tests.torture.steps.odd_records                       4,000 seeds
    python -m tests.torture.steps.odd_records --seeds 500 --seed 7  seeds 7 to 506
    python -m tests.torture.steps.odd_records --seconds 60          as many as fit
    python -m tests.torture.steps.odd_records --sample              a few, as `make test` does

Each seed gives well-formed messages, and between them records of every type with values that our
writers refuse: other types, numbers beyond every bound, lone surrogates, NUL characters, repeated
keys, nesting of a thousand levels, empty and overlong ids, headers where none is allowed. The
projector raises no exception; every well-formed message is applied; the digest and all that readers
show are the same for every arrangement and batch, and after a rebuild. A seed that fails is
reduced: records are left out as long as it still fails.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from journal.fs.directory import open_directory
from projector.db.digest import digest
from projector.projection import Projection
from projector.run.build import rebuild
from projector.run.projector import Projector
from tests.support.arrangements import small
from tests.support.disks.in_memory import MEMORY
from tests.support.projections import counters, header, scratch, write_segment
from tests.support.shown import shown
from tests.torture.arguments import Amount, again, step_parser
from tests.torture.odd_lines import GOOD, WORDS, Line, odd_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import apsw

_AMOUNT = Amount(4_000, sample=40)
_LIVE = 5
"""Of this many seeds, one is also projected in a journal with rebuilds."""
_OFTEN, _SELDOM = 0.3, 0.15
_SIZES = (4, 12, 24, 40)


def lines_of(seed: int) -> list[Line]:
    """Return the records of a seed."""
    random = Random(seed)
    return odd_lines(random, random.choice(_SIZES))


def trouble(lines: Sequence[Line], seed: int) -> str | None:
    """Project records as a seed arranges them; return what is wrong, None if nothing is."""
    with tempfile.TemporaryDirectory(prefix="odd-", dir=MEMORY) as folder:
        try:
            _check(lines, Random(f"arrange {seed}"), Path(folder), live=seed % _LIVE == 0)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this seed's failure
            return f"{type(error).__name__}: {error}"
    return None


def _check(lines: Sequence[Line], random: Random, folder: Path, *, live: bool) -> None:
    wanted = sorted(line.good for line in lines if line.good)
    plain = _projected(lines, folder / "plain", None)
    _hold("one go", plain, wanted, plain)
    for name in ("first", "second"):
        result = _projected(lines, folder / name, random)
        _hold(f"the {name} arrangement", result, wanted, plain)
    if live:
        _hold("a rebuild", _rebuilt(lines, folder / "live", random), wanted, plain)


def _hold(name: str, found: dict[str, Any], wanted: list[str], plain: dict[str, Any]) -> None:
    missing = set(wanted) - set(found["good"])
    if missing:
        raise AssertionError(f"{name}: {sorted(missing)} are not applied")
    for what in plain | found:
        if found.get(what) != plain.get(what):
            raise AssertionError(f"{name}: {what}: {found.get(what)!r}, not {plain.get(what)!r}")


def _projected(lines: Sequence[Line], folder: Path, random: Random | None) -> dict[str, Any]:
    """Project records in one pass, or in random order, pieces and batches."""
    lanes = folder / "lanes"
    lanes.mkdir(parents=True)
    with scratch(folder / "1.db") as db:
        if random is None:
            _write_all(lanes, lines)
            Projector(db, lanes).catch_up()
        else:
            with small(random):
                for _ in _written_in_pieces(lanes, lines, random):
                    Projector(db, lanes).catch_up()
                Projector(db, lanes).catch_up()
        return _says(db)


def _rebuilt(lines: Sequence[Line], folder: Path, random: Random) -> dict[str, Any]:
    journal = open_directory(folder)
    for _ in _written_in_pieces(journal.lanes, lines, random):
        if random.random() < _OFTEN:
            with Projection.open(folder) as projection:
                projection.digest()
    rebuild(journal)
    with Projection.open(folder) as projection:
        return projection.read(_says)[0]


def _says(db: apsw.Connection) -> dict[str, Any]:
    counted = counters(db)
    keys = db.execute(
        "SELECT s.session, key, value FROM _keys k JOIN _sessions s ON s.id = k.session"
    )
    good = db.execute(
        "SELECT event_id FROM _events e JOIN _sessions s ON s.id = e.session WHERE s.session = ?",
        (GOOD,),
    )
    result: dict[str, Any] = {
        "digest": digest(db),
        "counted": {name: counted[name] for name in ("events", "messages", "conflicts", "unknown")},
        "quarantined": counted["quarantined"],
        "keys": sorted(keys.fetchall()),
        "good": [str(key) for (key,) in good],
        **shown(db, WORDS),
    }
    result["good"].sort()
    return result


def _write_all(lanes: Path, lines: Sequence[Line]) -> None:
    for number, lane in enumerate(sorted({line.lane for line in lines}), 1):
        raw = b"".join(line.raw + b"\n" for line in lines if line.lane == lane)
        write_segment(lanes, str(number), 1, header(lane) + raw)


def _written_in_pieces(lanes: Path, lines: Sequence[Line], random: Random) -> Iterator[None]:
    """Write records in another order, over several segments; a projector may read in between."""
    for folder, lane in enumerate(sorted({line.lane for line in lines}), 1):
        mine = [line.raw + b"\n" for line in lines if line.lane == lane]
        random.shuffle(mine)
        number, waiting = 1, header(lane, 1)
        for raw in mine:
            if random.random() < _SELDOM:
                write_segment(lanes, str(folder), number, waiting)
                number += 1
                waiting = header(lane, number)
                yield
            waiting += raw
            if random.random() < _OFTEN:
                cut = len(waiting) - random.choice([0, 0, 3])
                write_segment(lanes, str(folder), number, waiting[:cut])
                waiting = waiting[cut:]
                yield
        write_segment(lanes, str(folder), number, waiting)
        yield


def smallest(lines: list[Line], seed: int) -> list[Line]:
    """Leave out records of a seed that fails as long as it still fails."""
    size = len(lines)
    while size > 1:
        size = (size + 1) // 2
        at = 0
        while at < len(lines):
            fewer = lines[:at] + lines[at + size :]
            if fewer and any(trouble(fewer, other) for other in (seed, seed + 5, seed + 10)):
                lines = fewer
            else:
                at += size
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the seeds of the command line; return the exit code."""
    parser = step_parser(__doc__)
    _AMOUNT.add_to(parser)
    given = parser.parse_args(arguments)
    began = time.monotonic()
    done = records = 0
    for seed in _AMOUNT.budget(given).seeds():
        lines = lines_of(seed)
        done += 1
        records += len(lines)
        wrong = trouble(lines, seed)
        if wrong is not None:
            print(f"FAILED seed {seed}: {wrong[:2000]}", flush=True)
            left = smallest(lines, seed)
            print(f"{len(left)} of its {len(lines)} records are enough:")
            for line in left:
                print(f"  {line.lane} {line.raw[:600]!r}")
            print(f"  {(trouble(left, seed) or 'in another arrangement')[:2000]}")
            print(f"again: {again('odd_records', seed, 'seeds')}")
            return 1
    print(
        f"odd_records: seeds {given.seed} to {given.seed + done - 1}: {done:,} sets of"
        f" {records:,} records in {time.monotonic() - began:.0f} s, all held"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
