"""Writers, readers, projectors, rebuilds and forgetters together, killed at random."""

from __future__ import annotations

import random
import subprocess
import sys
from typing import TYPE_CHECKING

from journal import Journal
from journal.fs.directory import open_directory
from journal.verify.checks import DEATH
from projector.forgetting.erasures import erasures
from projector.forgetting.files.check import check_erased
from tests.torture.soak.cast import Cast, play, read_lines
from tests.torture.soak.forgetting import waits
from tests.torture.soak.forgetting.appends import judge_appends, read_spans, read_waits
from tests.torture.soak.forgetting.remains import find_remains
from tests.torture.soak.forgetting.roles import acknowledged_keys, named
from tests.torture.soak.judging import check_all_there, judge
from tests.torture.soak.programs import PATIENCE, ROOT, Failed, Program

if TYPE_CHECKING:
    from pathlib import Path

    from tests.torture.soak.forgetting.model import Key, Named
    from tests.torture.soak.forgetting.waits import Wait

_ROLES = "tests.torture.soak.forgetting.roles"
_LEVELS = ("never", "interval", "always")
_FILLER = "old0"
_FILLED, _FILLED_OF_SAMPLE = (200, 60_000), (20, 1_000)
"""Number of messages that exist before, and characters of each: most requests erase one of them, so
that a long segment is rewritten again and again."""
_CACHES = 64 * 1024 * 1024
"""Bytes by which memory may grow: a projector may build its first generation late."""


class Forgetting:
    """The scenario: its programs, and where their files are.

    Args:
        folder: for the journal and the files of the programs.
        seed: chooses which program is killed, and when.
        small: whether fewer programs run, as in a sample.
        sabotage: what is wrong with the programs; `none` if nothing is.

    Attributes:
        cast: the programs.
    """

    def __init__(self, folder: Path, seed: int, *, small: bool, sabotage: str) -> None:
        self._sabotage = sabotage
        self._rng = random.Random(seed)
        self._logs = folder / "forgetters"
        self._logs.mkdir()
        project = self._command("project", str(folder / "journal"))
        self.cast = Cast(folder, self._rng, project, _CACHES)
        with Journal.open(self.cast.journal):
            pass
        files, logs = str(self.cast.acknowledged), str(self._logs)
        filled = _FILLED_OF_SAMPLE if small else _FILLED
        self._run("fill", files, _FILLER, *map(str, filled))
        names = [f"writer{n}" for n in range(3 if small else 6)]
        for n, name in enumerate(names):
            # one of each level is never killed
            self._add(name, "write", files, name, _LEVELS[n % 3], killable=n >= len(_LEVELS))
        self._bare = folder / "bare.jsonl"
        self._add("bare", "bare", str(folder / "bare"), str(self._bare), killable=False)
        self.cast.add_projectors()
        for n in range(1 if small else 3):
            self._add(f"reader{n}", "read", files, logs, killable=n > 0)
        for n in range(1 if small else 2):
            name, writers = f"forgetter{n}", names[n :: 1 if small else 2]
            old = [_FILLER] if n == 0 else []
            self._add(name, "forget", files, logs, name, *writers, *old, killable=n > 0)

    @property
    def work(self) -> list[Path]:
        """The files of the programs that are never killed."""
        writers = [self.cast.acknowledged / f"writer{n}.jsonl" for n in range(len(_LEVELS))]
        return [*writers, self._logs / "forgetter0.jsonl"]

    def _command(self, role: str, *arguments: str) -> list[str]:
        return [sys.executable, "-m", _ROLES, role, self._sabotage, *arguments]

    def _run(self, role: str, *arguments: str) -> str:
        """Play a role to its end; return what it printed.

        Raises:
            Failed: it ended with an error.
        """
        argv = self._command(role, str(self.cast.journal), *arguments)
        done = subprocess.run(argv, cwd=ROOT, capture_output=True, timeout=PATIENCE, check=False)
        if done.returncode:
            raise Failed(f"{role} ended with {done.returncode}: {done.stderr.decode()[-2000:]}")
        return done.stdout.decode()

    def _add(self, name: str, role: str, *arguments: str, killable: bool) -> None:
        seed = str(self._rng.getrandbits(32))
        argv = self._command(role, str(self.cast.journal), seed, *arguments)
        self.cast.programs.append(Program(name, argv, self.cast.folder, killable=killable))

    def judge(self) -> dict[str, object]:
        """Check what is left; return the counts.

        Raises:
            Failed: a check failed.
        """
        counts = self.cast.judge()
        appends = judge_appends(self._waits(), read_spans(self._logs), read_waits(self._bare))
        if pending := int(self._run("finish")):
            raise Failed(f"{pending} segments are pending although no process writes")
        keys = acknowledged_keys(self.cast.acknowledged)
        done, asked = named(self._logs, done=True), named(self._logs, done=False)
        gone = self._judge_gone(done, keys)
        remains = judge(self.cast.journal, DEATH)
        kept = {key for key in keys if asked.fate(key) == "kept"}
        check_all_there(kept, remains)
        if shown := gone & remains.keys:
            raise Failed(f"{len(shown)} forgotten and there, such as {min(shown)}")
        return {
            "acknowledged": len(set(keys)),
            "kept": len(kept),
            "forgotten": len(gone),
            "records": remains.records,
            "lanes": remains.lanes,
            "segments": remains.segments,
            "torn": remains.problems,
            **self._judge_receipts(),
            **counts,
            **appends,
        }

    def _waits(self) -> dict[str, list[Wait]]:
        """Return what the appends of all writers waited for, by their level."""
        found: dict[str, list[Wait]] = {level: [] for level in _LEVELS}
        for file in self.cast.acknowledged.glob("writer*.jsonl"):
            level = _LEVELS[int(file.stem.removeprefix("writer")) % len(_LEVELS)]
            found[level] += read_waits(file)
        return found

    def _judge_gone(self, done: Named, keys: list[Key]) -> set[Key]:
        """Check that no byte is left of what was forgotten; return the keys of that.

        Raises:
            Failed: something is left, or nothing was forgotten, which proves nothing.
        """
        gone = {key for key in keys if done.fate(key) == "gone"}
        if not gone:
            raise Failed("nothing was forgotten: the forgetters did no work")
        if left := find_remains(self.cast.journal, done, keys):
            raise Failed(f"{len(left)} are left of what was forgotten, such as {left[0]}")
        report = check_erased(open_directory(self.cast.journal, create=False))
        if report.found:
            raise Failed(f"verify --erased finds {report.found[0]}")
        return gone

    def _judge_receipts(self) -> dict[str, object]:
        """Check that each request has a receipt; return how many there are.

        Raises:
            Failed: one has none, or there are fewer than were acknowledged.
        """
        found = erasures(self.cast.journal)
        if missing := [each.id for each in found if each.receipt is None]:
            raise Failed(f"{len(missing)} requests have no receipt, such as {missing[0]}")
        lines = [line for path in self._logs.glob("*.jsonl") for line in read_lines(path)]
        done = [line for line in lines if "done" in line]
        if len(found) < len(done):
            raise Failed(f"{len(found)} requests of {len(done)} that were acknowledged are there")
        return {
            "requests": len(found),
            "pending_at_first": sum(line["pending"] > 0 for line in done),
            "lines_erased": sum(line["lines"] for line in done),
        }


def forgetting(
    folder: Path, seed: int, seconds: float, *, small: bool, sabotage: str = "none"
) -> dict[str, object]:
    """Run the scenario; return its counts.

    Args:
        folder: for the journal and the files of the programs.
        seed: chooses which program is killed, and when.
        seconds: how long the programs run.
        small: whether fewer programs run, as in a sample.
        sabotage: what is wrong with the programs; `none` if nothing is.

    Raises:
        Failed: a check failed.
    """
    if (reason := waits.missing()) is not None:
        raise Failed(reason)
    scenario = Forgetting(folder, seed, small=small, sabotage=sabotage)
    return play(scenario.cast, seconds, scenario.work, scenario.judge)
