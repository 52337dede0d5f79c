"""Put hostile things into a journal's folder, and look how every command ends.

::

    python -m tests.torture.steps.hostile                      400 rounds
    python -m tests.torture.steps.hostile --rounds 1 --seed 7  round 7
    python -m tests.torture.steps.hostile --seconds 60         as many as fit
    python -m tests.torture.steps.hostile --sample             a few, as `make test` does

Each round copies a journal whose every text is hostile, and its backup, puts one to three things in
random places of them (pipes, devices, links, other owners and modes, sparse files of a terabyte,
junk, odd names), and runs commands on them. Whatever they answer,

- they end within 30 seconds, by themselves, with an exit code that is documented;
- there is no traceback;
- what they write is UTF-8 without anything that a terminal obeys;
- they need no more memory than the bytes that are there;
- what links lead to, outside of the journal, stays as it was.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from journal import Journal, make_backup
from journal.cli import cli as journal_cli
from projector import Projection
from projector.cli import cli as projector_cli
from tests.torture.arguments import Amount, again, step_parser
from tests.torture.hostile_places import OUTSIDE, disturb

if TYPE_CHECKING:
    from collections.abc import Sequence

_AMOUNT = Amount(400, sample=12, unit="rounds")
_PATIENCE = 30.0
"""Seconds that a command may take."""
_MEMORY = 512 * 1024
"""KiB of memory that a command may have, this program's own included."""
_CODES = {0, 1, 2, 3, 5, 7}
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_EVIL = "\x1b]0;OWNED\x07\x9b31m\u202egnp\u2028"
_COMMANDS = (
    "journal append --session s --role user hello",
    "journal backup {backup}",
    "journal backup --verify {backup}",
    "journal cat",
    "journal restore {backup}",
    "journal status",
    "journal status --json",
    "journal verify",
    "journal verify --json",
    "projector search needle",
    "projector search needle --json",
    "projector sessions",
    "projector show s1",
    "projector show s1 --markdown",
    "projector status",
    "projector sync",
    "projector rebuild",
    "projector verify",
    "projector digest",
)
_PER_ROUND = 6
_BACKUP = "backup"
_COMPARED = 64 * 1024
"""Bytes of a file outside the journal that are compared."""


@dataclass(slots=True)
class Done:
    """The results: rounds, commands by exit code, kinds of objects, and failures."""

    rounds: int = 0
    codes: Counter[int] = field(default_factory=Counter)
    things: Counter[str] = field(default_factory=Counter)
    failed: dict[int, str] = field(default_factory=dict)


def make(folder: Path) -> Path:
    """Make a journal of two lanes, its projection and backup, and the folder for links."""
    path = folder / "journal"
    (folder / OUTSIDE).mkdir()
    (folder / OUTSIDE / "victim").write_text("precious\n")
    with Journal.open(path) as first, Journal.open(path) as second:
        for n, journal in enumerate([first, second] * 10):
            journal.append_message(
                f"s{n % 3}",
                f"user{_EVIL}",
                f"needle {n} {_EVIL}",
                id=f"m{n}\x9b",
                tool_name=_EVIL,
                source=_EVIL,
            )
        first.append(session="s1", type="session.created", data={"title": f"t\n{_EVIL}"})
    with Projection.open(path) as projection:
        projection.sessions()
    make_backup(path, folder / _BACKUP)
    return path


def one(made: Path, seed: int, done: Done) -> None:
    """Run one round; record its failures."""
    random = Random(seed)
    with tempfile.TemporaryDirectory(prefix="hostile-") as name:
        folder = Path(name)
        shutil.copytree(made, folder, dirs_exist_ok=True, symlinks=True)
        path = folder / "journal"
        backup = folder / _BACKUP
        places = random.choices((path, backup), (3, 1), k=random.randint(1, 3))
        things = [disturb(place, random) for place in places]
        for thing in things:
            done.things[thing.partition(" at ")[0].partition(" (")[0]] += 1
        before = _outside(folder)
        for command in random.sample(_COMMANDS, _PER_ROUND):
            code, wrong = _look(command.format(backup=backup), path, folder)
            done.codes[code] += 1
            if not wrong and _outside(folder) != before:
                wrong = "changed what is outside of the journal"
            if wrong:
                done.failed[seed] = f"`{command}` after {', '.join(things)}: {wrong}"
                break
        for place in (*path.rglob("*"), *backup.rglob("*")):  # else it could not be removed
            if place.is_dir() and not place.is_symlink():
                place.chmod(0o700)
    done.rounds += 1


def _outside(folder: Path) -> list[tuple[str, int, bytes]]:
    """Return the size and the beginning of each file that links may lead to."""
    found = []
    for path in sorted((folder / OUTSIDE).rglob("*")):
        beginning = b""
        if path.is_file():
            with path.open("rb") as file:  # through a link, a file may have grown to a terabyte
                beginning = file.read(_COMPARED)
        found.append((str(path), path.lstat().st_size, beginning))
    return found


def _look(command: str, path: Path, folder: Path) -> tuple[int, str]:
    """Run a command in a child; return its exit code, and what is wrong with its end."""
    out, err = folder / "out", folder / "err"
    child = os.fork()
    if child == 0:
        _run(command.split(), path, out, err)
    until = time.monotonic() + _PATIENCE
    while (ended := os.wait4(child, os.WNOHANG))[0] == 0:
        if time.monotonic() > until:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return -1, f"it still ran after {_PATIENCE} s"
        time.sleep(0.002)
    code = os.waitstatus_to_exitcode(ended[1])
    return code, _wrong(code, ended[2].ru_maxrss, out.read_bytes() + err.read_bytes())


def _wrong(code: int, memory: int, written: bytes) -> str:
    try:
        shown = written.decode()
    except UnicodeDecodeError as error:
        return f"what it wrote is not UTF-8: {error}"
    if "Traceback" in shown or code not in _CODES:
        return f"it ended with {code}: {shown[-600:]}"
    if (found := _OBEYED.search(shown)) is not None:
        return f"it wrote {shown[max(0, found.start() - 30) : found.end() + 30]!r}"
    return f"it had {memory:,} KiB in memory" if memory > _MEMORY else ""


def _run(command: list[str], path: Path, out: Path, err: Path) -> None:
    """Run the command, and never return."""
    code = 99
    try:
        os.environ["JOURNAL_DIR"] = str(path)
        for fd, file in ((0, Path(os.devnull)), (1, out), (2, err)):
            os.dup2(os.open(file, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), fd)
        sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
        program = journal_cli if command[0] == "journal" else projector_cli
        program.main(command[1:], prog_name=command[0])
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    except BaseException:  # noqa: BLE001 - a fault of the program, and the parent shows it
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rounds of the command line; return the exit code."""
    parser = step_parser(__doc__)
    _AMOUNT.add_to(parser)
    given = parser.parse_args(arguments)
    began = time.monotonic()
    done = Done()
    with tempfile.TemporaryDirectory(prefix="hostile-") as name:
        make(Path(name))
        for seed in _AMOUNT.budget(given).seeds():
            one(Path(name), seed, done)
    for seed, wrong in sorted(done.failed.items())[:20]:
        print(f"FAILED round {seed}: {wrong}")
        print(f"  again: {again('hostile', seed, 'rounds')}", flush=True)
    things = ", ".join(f"{n:,} {thing}" for thing, n in sorted(done.things.items()))
    codes = ", ".join(f"{n:,} with {code}" for code, n in sorted(done.codes.items()))
    print(
        f"hostile: rounds {given.seed} to {given.seed + done.rounds - 1}: {things};"
        f" {done.codes.total():,} commands ended ({codes})"
        f" in {time.monotonic() - began:.0f} s, {len(done.failed)} rounds failed"
    )
    return int(bool(done.failed))


if __name__ == "__main__":
    sys.exit(main())
