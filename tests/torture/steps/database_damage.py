"""Damage the projection at random: it is rebuilt, and every answer is right.

::

    python -m tests.torture.steps.database_damage --count 2000
    python -m tests.torture.steps.database_damage --seconds 20 --seed 7
    python -m tests.torture.steps.database_damage --count 300 --sabotage    the step must fail

A journal is projected, with a WAL that a killed projector left and without one. Then, repeatedly,
bytes of the database, its WAL, the WAL's index or CURRENT are flipped, overwritten, zeroed, cut off
or replaced by those of another journal or of an earlier time, or files are removed. After each
damage all queries are run: searches, sessions, messages, keys, the digest. Each answer must be that
of the undamaged projection.

With --sabotage pages have no checksums, as in any other SQLite database.
"""

from __future__ import annotations

import logging
import random
import shutil
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from journal import Journal
from journal.fs.directory import open_directory
from projector import Projection, SessionStore
from projector.db import checksums, connections
from projector.run.lock_holder import open_current
from tests.torture.arguments import Amount, step_parser

if TYPE_CHECKING:
    from collections.abc import Iterable

_AMOUNT = Amount(2_000, sample=25, unit="damages")
_MESSAGES = 160
_WORDS = ("alpha", "beta", "gamma", "delta", "北京", "compose", "error")

_LENGTHS = (*[3] * 8, *[30] * 8, 1_500)
"""Words of a text: some texts do not fit on a page."""

Answers = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Kept:
    """Folders to copy from: a projection, an earlier one, and that of another journal."""

    name: str
    folder: Path
    earlier: Path
    other: Path


def _fill(path: Path, chance: random.Random, count: int, *, begin: int = 0) -> None:
    with Journal.open(path, fsync="never") as journal:
        for number in range(begin, begin + count):
            text = " ".join(chance.choices(_WORDS, k=chance.choice(_LENGTHS)))
            journal.append_message(f"s{number % 7}", "user", text, id=f"m{number}")
    with SessionStore.open(path, fsync="never") as store:
        store.keys.set("key", begin + count)
        store.end("s1")


def ask(path: Path) -> Answers:
    """Run all queries on a journal's projection."""
    with Projection.open(path) as projection:
        answers: Answers = {
            word: [
                (hit.id, hit.score, hit.snippet)
                for hit in projection.search(word, limit=12, sort="oldest").hits
            ]
            for word in _WORDS
        }
        answers["sessions"] = list(projection.sessions(limit=100))
        for view in answers["sessions"]:
            answers[view.session] = list(projection.messages(view.session))
        answers["digest"] = projection.digest()
    return answers


def _prepare(folder: Path, chance: random.Random) -> tuple[Path, list[_Kept]]:
    path, other = folder / "journal", folder / "other"
    _fill(other, chance, 60)
    ask(other)
    _fill(path, chance, _MESSAGES // 2)
    ask(path)
    earlier = folder / "earlier"
    shutil.copytree(path / "projection", earlier)
    _fill(path, chance, _MESSAGES // 2, begin=_MESSAGES // 2)
    ask(path)
    closed = folder / "closed"
    shutil.copytree(path / "projection", closed)
    # the files as a killed projector leaves them: copied while they are open
    _fill(path, chance, 20, begin=_MESSAGES)
    _, projector = open_current(open_directory(path))
    projector.catch_up()
    killed = folder / "killed"
    shutil.copytree(path / "projection", killed)
    projector.close()
    return path, [
        _Kept("closed", closed, earlier, other / "projection"),
        _Kept("killed", killed, earlier, other / "projection"),
    ]


def _flip(data: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 1, 5, 50))):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _overwrite(data: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(data))
    end = min(len(data), start + chance.choice((1, 16, 512, 4096, 20_000)))
    data[start:end] = chance.randbytes(end - start)


def _zero(data: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(data))
    if chance.choice((True, False)):
        start -= start % 4096
    end = min(len(data), start + chance.choice((1, 16, 512, 4096, 20_000)))
    data[start:end] = bytes(end - start)


def _cut(data: bytearray, chance: random.Random) -> None:
    del data[chance.choice((0, 1, chance.randrange(len(data)))) :]


def _swap_pages(data: bytearray, chance: random.Random) -> None:
    first, second = (chance.randrange(0, max(1, len(data) - 4096), 4096) for _ in range(2))
    one, two = data[first : first + 4096], data[second : second + 4096]
    data[first : first + 4096], data[second : second + 4096] = two, one


_DAMAGES = (_flip, _overwrite, _zero, _cut)


def _damage(kept: _Kept, target: Path, chance: random.Random) -> str:
    """Damage the folder `target`; return the kind and the file."""
    names = sorted(p.name for p in target.iterdir() if p.name[0].isdigit() or p.name == "CURRENT")
    name = chance.choice(names)
    file = target / name
    kind = chance.choice(("bytes", "bytes", "bytes", "bytes", "remove", "earlier", "other"))
    source = {"earlier": kept.earlier, "other": kept.other}.get(kind)
    if source is not None and (source / name).exists():
        shutil.copyfile(source / name, file)
    elif kind == "remove":
        file.unlink()
    else:
        data = bytearray(file.read_bytes())
        damage = chance.choice(_DAMAGES)
        kind = damage.__name__.strip("_")
        if data:
            damage(data, chance)
        file.write_bytes(data)
    return f"{kind} {name.lstrip('0123456789') or name}"


def run(seed: int, numbers: Iterable[int]) -> tuple[Counter[str], list[str]]:
    """Damage and query, once for each number; return counts by kind, and failures."""
    logging.getLogger("projector").setLevel(logging.ERROR)
    folder = Path(tempfile.mkdtemp(prefix="database-damage-"))
    counts: Counter[str] = Counter()
    faults: list[str] = []
    try:
        path, starts = _prepare(folder, random.Random(seed))
        truth = ask(path)
        for number in numbers:
            chance = random.Random(f"{seed}/{number}")
            kept = chance.choice(starts)
            shutil.rmtree(path / "projection")
            shutil.copytree(kept.folder, path / "projection")
            what = f"{kept.name}: {_damage(kept, path / 'projection', chance)}"
            counts[what] += 1
            faults += [f"{number}: {what}: {fault}" for fault in _compare(path, truth)]
    finally:
        shutil.rmtree(folder)
    return counts, faults


def _compare(path: Path, truth: Answers) -> list[str]:
    try:
        found = ask(path)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a fault
        return [f"{type(error).__name__}: {error}"]
    return [f"the answer for {name} is another" for name in truth if found.get(name) != truth[name]]


def main(arguments: list[str] | None = None) -> int:
    """Run the step; return the exit code."""
    parser = step_parser(__doc__, seed=1)
    _AMOUNT.add_to(parser)
    parser.add_argument("--sabotage", action="store_true", help="the step must fail")
    given = parser.parse_args(arguments)
    if given.sabotage:
        # the path under which connections open it
        vars(connections)["vfs"] = lambda: None
    damages = _AMOUNT.budget(given).seeds()
    counts, faults = run(given.seed, (seed - given.seed for seed in damages))
    print(f"database_damage: seed {given.seed}: {counts.total()} damages of {len(counts)} kinds")
    print(f"database_damage: checksums by {checksums.vfs()}, {'off' if given.sabotage else 'on'}")
    for fault in faults:
        print(f"database_damage: {fault}")
    if not faults:
        print("database_damage: every answer was that of the undamaged projection")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
