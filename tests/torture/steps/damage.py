"""Damage journals in every way, and check that only the damaged bytes are lost.

::

    python -m tests.torture.steps.damage                     3,000 seeds
    python -m tests.torture.steps.damage --seeds 1 --seed 7  seed 7
    python -m tests.torture.steps.damage --seconds 60        as many as fit
    python -m tests.torture.steps.damage --kind 'NUL run'    one kind of damage
    python -m tests.torture.steps.damage --sample            a few, as `make test` does

Each seed makes a journal of several lanes and segments, some of it projected before the damage
and some not, does one to three kinds of damage at random places, and appends more. Then

- every intact record is applied, and so are those that were projected before the damage and
  appended after it, and nothing else;
- the records and the quarantine of a rebuild cover every byte, without overlap, each stretch with
  lane, segment, offset, length and reason;
- `journal verify` exits with 5 and names the same stretches, and by lane and range every sequence
  number that is missing;
- `journal cat` reads the same records.

The step finds intact records with its own search and parser, and not with the journal's code. One
case is not counted as a loss: a record that is an object inside another record cannot be
distinguished from a user's data.
"""

from __future__ import annotations

import logging
import multiprocessing
import re
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING
from unittest.mock import patch

import orjson
from click.testing import CliRunner

import journal.segments.blocks
import journal.segments.reader
from journal import Journal
from journal.cli import cli
from journal.format.frame import MAX_RECORD
from journal.fs.directory import open_directory
from journal.segments.segment import segment_name
from journal.verify import verification
from projector.run.projector import Projector
from tests.support.arrangements import small
from tests.support.damage.damages import KINDS, LARGE, Files, Place
from tests.support.damage.oracle import Expected, expected, finished, gaps, is_future, uncovered
from tests.support.disks.in_memory import MEMORY
from tests.support.made_up import ODD, WORDS
from tests.support.model import Model, content
from tests.support.projections import Fact, counters, header, line, message, scratch
from tests.support.skewed import SkewedClock, skewed
from tests.torture.arguments import Amount, Budget, again, step_parser

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import apsw

_AMOUNT = Amount(3_000, sample=80)
_CHUNK = 10
"""Seeds that a worker gets at once."""
_SMALL_LIMIT, _SMALL_BLOCK = 4_000, 600
"""Replace 16 MiB and 1 MiB, because real overlong lines would take too long."""


_RARE = 200
"""Of this many seeds, one has real lines of 16 MiB."""


class Lost(Exception):  # noqa: N818 - says what is the matter
    """A check after the damage failed."""


def _toss(random: Random) -> bool:
    return random.choice([True, False])


def make(random: Random) -> tuple[list[Fact], Files]:
    """Return the records of a few lanes, each with its own clock, and their segments."""
    facts: list[Fact] = []
    files: Files = {}
    moment, right = 10**15, 1_790_000_000 * 10**9
    for lane in range(1, random.randint(2, 4)):
        seq, clock = 0, SkewedClock(random, lambda: right)
        for number in range(1, random.randint(2, 5)):
            files[str(lane), number] = header(f"L{lane}", number, seq=seq + 1, folder=lane)
            for _ in range(random.randint(0, 6)):
                seq += 1
                moment += 1
                text = f"{random.choice(ODD)} {' '.join(random.choices(WORDS, k=2))}"
                event = message(f"m{lane}.{seq}", text, session=f"s{seq % 3}", time=moment)
                event = replace(event, time=clock() // 1000)
                facts.append(Fact(f"L{lane}", seq, event))
                files[str(lane), number] += line(facts[-1])
    return facts, files


def write(lanes: Path, files: Files) -> None:
    """Make the segments of a journal equal to `files`."""
    for path in lanes.glob("*/*.jsonl"):
        if (path.parent.name, int(path.stem)) not in files:
            path.unlink()
    for (folder, number), bytes in files.items():
        path = lanes / folder / segment_name(number)
        path.parent.mkdir(exist_ok=True)
        # another file under the same name, like a restored copy
        path.unlink(missing_ok=True)
        path.write_bytes(bytes)


def read(lanes: Path) -> Files:
    """Read the segments of a journal."""
    return {
        (path.parent.name, int(path.stem)): path.read_bytes() for path in lanes.glob("*/*.jsonl")
    }


def check_projection(db: apsw.Connection, found: Expected, kept: Sequence[Fact]) -> None:
    """Compare a projection with the records that it must have, may have, and had before."""
    shown = {(str(s), str(k)) for s, k in db.execute("SELECT session, id FROM messages")}
    must = {fact.key for fact in [*found.must, *kept]}
    if missing := must - shown:
        raise Lost(f"whole and not applied: {sorted(missing)}")
    if extra := shown - must - {fact.key for fact in found.may}:
        raise Lost(f"applied, and nowhere in the journal: {sorted(extra)}")
    facts = [fact for fact in [*found.must, *kept, *found.may] if fact.key in shown]
    wanted, says = Model(facts).content(WORDS), replace(content(db, WORDS), digest="")
    for name in ("order", "counters", "others", "found", "index"):
        if getattr(says, name) != getattr(wanted, name):
            raise Lost(f"{name}: {getattr(says, name)!r} and not {getattr(wanted, name)!r}")


Stretch = tuple[str, int, int, int]
"""Lane, segment, offset and length."""


def check_quarantine(db: apsw.Connection, files: Files) -> set[Stretch]:
    """Check that records and quarantine cover every segment; return the stretches."""
    query = "SELECT lane_folder, number, offset, length, reason FROM _quarantine"
    rows = [
        (str(f), int(n), int(o), int(size), str(why)) for f, n, o, size, why in db.execute(query)
    ]
    if counters(db)["quarantined"] != len(rows):
        raise Lost(f"{counters(db)['quarantined']} quarantined, and {len(rows)} noted")
    if bad := [row for row in rows if not row[4]]:
        raise Lost(f"without a reason: {bad}")
    ends = finished(files)
    stretches: dict[Place, list[tuple[int, int]]] = {}
    for folder, number, offset, length, *_ in rows:
        end = ends[folder, number]
        # an unfinished line that is already too long is reported, too, except for a possible record
        if offset < end:
            stretch = offset, min(offset + length, end)
            stretches.setdefault((folder, number), []).append(stretch)
    for place, bytes in files.items():
        if not is_future(bytes):
            wrong = uncovered(bytes[: ends[place]], sorted(stretches.get(place, [])))
            if wrong is not None:
                raise Lost(f"lane {place[0]}, segment {place[1]}: {wrong}")
    return {row[:4] for row in rows}


def check_verify(path: Path, files: Files, stretches: set[Stretch]) -> None:
    """Check the report of `journal verify`, and that `journal cat` continues after damage."""
    answer = CliRunner().invoke(cli, ["--journal", str(path), "verify", "--json"])
    if answer.exception is not None and not isinstance(answer.exception, SystemExit):
        raise Lost(f"verify raised {answer.exception!r}")
    problems = orjson.loads(answer.stdout)["problems"]
    if answer.exit_code != (5 if problems else 0):
        raise Lost(f"verify exits with {answer.exit_code} at {len(problems)} problems")
    named = {(p["lane"], p["segment"], p["offset"], p["length"]) for p in problems}
    if unnamed := stretches - named:
        raise Lost(f"in quarantine, and not named by verify: {sorted(unnamed)}")
    found = {
        (p["lane"], *_range(p["reason"])) for p in problems if p["kind"] == "gap" and p["reason"]
    }
    if found != (missing := gaps(files)):
        raise Lost(f"verify names {sorted(found)} as missing, and {sorted(missing)} are")
    if not problems and stretches:
        raise Lost("verify is content")


def _range(reason: str) -> tuple[int, int]:
    numbers = re.findall(r"[\d,]+", reason.partition("number ")[2])
    first, last = numbers[0], numbers[-1]
    return int(first.replace(",", "")), int(last.replace(",", ""))


def check_cat(path: Path, found: Expected) -> None:
    """Check that `journal cat` prints every intact record."""
    answer = CliRunner().invoke(cli, ["--journal", str(path), "cat"])
    lines = [orjson.loads(text) for text in answer.stdout.split("\n") if text]
    printed = {(event["session"], event["id"]) for event in lines}
    if missing := {fact.key for fact in found.must} - printed:
        raise Lost(f"whole and not printed by `journal cat` ({answer.exit_code}): {missing}")


@contextmanager
def scaled(random: Random, *, large: bool) -> Iterator[int]:
    """Lower the limits of a record and a block for all readers, unless `large`; yield the limit.

    No process writes at the same time, so no reader needs to wait for an unfinished line.
    """
    with ExitStack() as stack:
        stack.enter_context(patch.object(verification, "_PATIENCE", 0.0))
        limit = MAX_RECORD
        if not large:
            stack.enter_context(small(random))
            if _toss(random):
                limit = _SMALL_LIMIT
                stack.enter_context(patch.object(journal.segments.blocks, "MAX_RECORD", limit))
                for module in (journal.segments.blocks, journal.segments.reader):
                    stack.enter_context(patch.object(module, "BLOCK", _SMALL_BLOCK))
        yield limit


def torture(seed: int, kind: str | None, done: Done) -> None:
    """Damage one journal; raise Lost if a check fails."""
    random = Random(f"damage {seed}")
    facts, files = make(random)
    large = kind in LARGE or (kind is None and seed % _RARE == 0)
    kinds = [kind or random.choice(sorted(LARGE if large else KINDS))]
    if kind is None and not large:
        kinds += random.choices(sorted(KINDS), k=random.choice([0, 0, 1, 2]))
    with ExitStack() as stack:
        path = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="damage-", dir=MEMORY)))
        limit = stack.enter_context(scaled(random, large=large))
        root = open_directory(path / "journal")
        db = stack.enter_context(scratch(path / "kept.db"))
        running = Projector(db, root.lanes)
        kept: list[Fact] = []
        if _toss(random):
            kept = project_some(random, facts, files, root.lanes, running)
        for name in kinds:
            (KINDS | LARGE)[name](random, files)
        done.kinds.update(kinds)
        done.projected += bool(kept)
        write(root.lanes, files)
        if _toss(random):
            running.catch_up()
        append(random, root.path, seed)
        files = read(root.lanes)
        found = expected(files, limit)
        done.records += len(found.must)
        if _toss(random):
            running = Projector(db, root.lanes)
        running.catch_up()
        check_projection(db, found, kept)
        with scratch(path / "rebuilt.db") as rebuilt:
            Projector(rebuilt, root.lanes).catch_up()
            check_projection(rebuilt, found, [])
            stretches = check_quarantine(rebuilt, files)
        done.stretches += len(stretches)
        check_verify(root.path, files, stretches)
        check_cat(root.path, found)


def project_some(
    random: Random, facts: list[Fact], files: Files, lanes: Path, running: Projector
) -> list[Fact]:
    """Project a part of every lane, or all of it; return the records of that part."""
    part: Files = {}
    for folder in {folder for folder, _ in files}:
        numbers = sorted(n for f, n in files if f == folder)
        upto = random.choice([0, *numbers, numbers[-1]])
        part |= {(folder, n): files[folder, n] for n in numbers if n <= upto}
        if upto and _toss(random):
            cut = random.randint(0, len(part[folder, upto]))
            part[folder, upto] = part[folder, upto][:cut]
    write(lanes, part)
    running.catch_up()
    there = b"".join(content[: content.rfind(b"\n") + 1] for content in part.values())
    return [fact for fact in facts if line(fact) in there]


def append(random: Random, path: Path, seed: int) -> None:
    """Append a few messages as programs do; the damage must not prevent that."""
    for handle in range(random.randint(1, 2)):
        with skewed(random), Journal.open(path, fsync="never") as opened:
            for number in range(random.randint(1, 3)):
                id = f"new{handle}.{number}"
                opened.append_message("appended", "user", f"alpha {seed} {id}", id=id)


@dataclass(slots=True)
class Done:
    """The results of some seeds."""

    seeds: int = 0
    projected: int = 0
    records: int = 0
    stretches: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    failed: dict[int, str] = field(default_factory=dict)

    def add(self, other: Done) -> None:
        """Add the results of other seeds."""
        self.seeds += other.seeds
        self.projected += other.projected
        self.records += other.records
        self.stretches += other.stretches
        self.kinds += other.kinds
        self.failed |= other.failed


def run(seeds: Iterable[int], kind: str | None) -> Done:
    """Damage one journal for each seed."""
    done = Done()
    for seed in seeds:
        done.seeds += 1
        try:
            torture(seed, kind, done)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this seed's failure
            done.failed[seed] = f"{type(error).__name__}: {error}"
    return done


def _quiet() -> None:
    """Silence a worker: the projector warns of every segment that it reads again."""
    # a test run handles this signal; a worker that did so would not end with its pool
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    logging.getLogger("projector").setLevel(logging.ERROR)


def run_all(budget: Budget, kind: str | None, workers: int) -> Done:
    """Damage journals in worker processes until no seed or no time is left."""
    done = Done()
    chunks = budget.chunks(_CHUNK)
    with multiprocessing.get_context("fork").Pool(workers, _quiet) as pool:
        # a pool reads everything that an iterator has at once: give it only what it can do now
        waiting = [pool.apply_async(run, (seeds, kind)) for seeds in islice(chunks, workers * 2)]
        while waiting:
            done.add(waiting.pop(0).get())
            if (seeds := next(chunks, None)) is not None:
                waiting.append(pool.apply_async(run, (seeds, kind)))
    return done


def main(arguments: Sequence[str] | None = None) -> int:
    """Damage the journals of the command line; return the exit code."""
    parser = step_parser(__doc__)
    _AMOUNT.add_to(parser)
    parser.add_argument("--kind", choices=[*KINDS, *LARGE], help="do this kind of damage only")
    parser.add_argument("--workers", type=int, default=2, help="processes [default: 2]")
    given = parser.parse_args(arguments)
    began = time.monotonic()
    done = run_all(_AMOUNT.budget(given), given.kind, given.workers)
    for seed, wrong in sorted(done.failed.items())[:20]:
        only = f" --kind {given.kind!r}" if given.kind else ""
        print(f"FAILED seed {seed}: {wrong}")
        print(f"  again: {again('damage', seed, 'seeds')}{only}", flush=True)
    kinds = ", ".join(f"{n:,} {kind}" for kind, n in sorted(done.kinds.items()))
    print(
        f"damage: seeds {given.seed} to {given.seed + done.seeds - 1}: {done.kinds.total():,}"
        f" damages ({kinds}), {done.projected:,} journals projected before,"
        f" {done.stretches:,} stretches in quarantine, {done.records:,} records around them"
        f" in {time.monotonic() - began:.0f} s, {len(done.failed)} seeds failed"
    )
    return int(bool(done.failed))


if __name__ == "__main__":
    sys.exit(main())
