"""Cut the power at random moments of several recordings, and check each disk."""

from __future__ import annotations

import subprocess
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import orjson

from .file_system import copy, make, mounted
from .image import FlushedImage
from .look import Seen, failed, look
from .loss import LOSSES, Cut, last_flush
from .recording import JOURNAL, record

if TYPE_CHECKING:
    from collections.abc import Generator

    from .file_system import FileSystem
    from .programs import Level
    from .recording import Recording

_CUTS = 40
"""Cuts for each recording."""
_EARLY = 8
"""One cut in this many is early, while the journal is created."""
_FIRST = 300
"""Number of operations of the disk in which that happens, roughly."""
_KEPT = 3
"""Disks that are kept for each file system and level: a fault often shows in several cuts."""
_MS = 1_000_000


@dataclass(slots=True)
class Tally:
    """Results of the cuts on one file system at one level.

    Attributes:
        cuts: number of power cuts.
        required: number of promised events, over all cuts.
        found: number of events that existed.
        projected: number of cuts after which a projection existed.
        oldest_lost: the greatest age of an acknowledged event that was lost, in nanoseconds.
        problems: problems that `journal verify` found, by kind.
        failed: number of cuts with a failure.
    """

    cuts: int = 0
    required: int = 0
    found: int = 0
    projected: int = 0
    oldest_lost: int = 0
    problems: Counter[str] = field(default_factory=Counter)
    failed: int = 0

    def add(self, seen: Seen) -> None:
        """Count a cut."""
        self.cuts += 1
        self.required += seen.required
        self.found += seen.found
        self.projected += seen.projected
        self.oldest_lost = max(self.oldest_lost, seen.oldest_lost)
        self.problems += seen.problems
        self.failed += bool(seen.wrong)

    def __str__(self) -> str:
        problems = ", ".join(f"{kind} {self.problems[kind]}" for kind in sorted(self.problems))
        oldest = (
            f" the oldest acknowledged event lost was of {self.oldest_lost / _MS:.0f} ms before,"
            if self.oldest_lost
            else ""
        )
        return (
            f"{self.cuts} cuts, {self.required:,} events promised, {self.found:,} found,"
            f" {self.projected} with a projection, verify found {problems or 'nothing'},{oldest}"
            f" {self.failed} failed"
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan for each file system and level.

    Attributes:
        seed: makes all random choices; the scheduling of programs also varies.
        cuts: the number of cuts.
        seconds: the time for which programs work in one recording.
        lies: `fdatasync` or `fsync`, which the writers then do not do; `flush`, which the disk
            answers and does not do. Each must make cuts fail.
    """

    seed: int
    cuts: int
    seconds: float
    lies: tuple[str, ...]


class Bench:
    """Cuts the power of one file system at one level.

    Args:
        system: the file system.
        level: the level of the writers.
        plan: the plan, with its lies.
        folder: for temporary files.
    """

    def __init__(self, system: FileSystem, level: Level, plan: Plan, folder: Path) -> None:
        self._system = system
        self._level = level
        self._plan = plan
        self._folder = folder
        self._rng = Random(f"{plan.seed} {system.name} {level}")
        self._rounds = 0
        self._kept = 0
        self.tally = Tally()

    def done(self) -> bool:
        """Return whether all moments were checked."""
        return self.tally.cuts >= self._plan.cuts

    def round(self) -> Generator[str, None, None]:
        """Record some work, cut its power at some moments, and describe the failures after each.

        Yields:
            After each cut a description of what is wrong; empty if nothing is.

        Raises:
            RuntimeError: the work itself failed.
            CalledProcessError: an empty file system cannot be made or mounted.
        """
        with tempfile.TemporaryDirectory(dir=self._folder) as name:
            folder = Path(name)
            make(self._system, folder / "empty")
            recording = record(
                self._system,
                self._level,
                folder / "empty",
                folder,
                self._rng,
                seconds=self._plan.seconds,
                projectors=self._rounds % 2,
                lies=tuple(lie for lie in self._plan.lies if lie != "flush"),
            )
            self._rounds += 1
            flushed = FlushedImage(folder / "empty", recording.operations)
            for cut in self._cuts(recording):
                image = folder / "lost"
                flushed.lose(cut, self._durable(recording, cut), self._rng, image)
                seen = self._judge(recording, cut, image, folder / "mount")
                self.tally.add(seen)
                yield self._describe(recording, cut, seen, image) if seen.wrong else ""
                image.unlink()

    def _cuts(self, recording: Recording) -> list[Cut]:
        """Choose moments, in order, each immediately before the next answer of the disk."""
        rng = self._rng
        count = min(_CUTS, self._plan.cuts - self.tally.cuts)
        begin, end = recording.begin, recording.end
        early = min(begin + _FIRST, end)
        losses = [LOSSES[number % len(LOSSES)] for number in range(count)]
        rng.shuffle(losses)
        moments = sorted(
            rng.randrange(begin, early if number % _EARLY == 0 else end) for number in range(count)
        )
        return [
            Cut(done, recording.operations[done].at - 1, loss, rng.choice(self._system.sectors))
            for done, loss in zip(moments, losses, strict=True)
        ]

    def _durable(self, recording: Recording, cut: Cut) -> int:
        """Return the number of durable operations; if the disk lies, only those of the mount."""
        done = recording.begin if "flush" in self._plan.lies else cut.done
        return last_flush(recording.operations, done)

    def _judge(self, recording: Recording, cut: Cut, image: Path, mount: Path) -> Seen:
        try:
            with mounted(self._system, image, mount):
                return look(mount / JOURNAL, recording.stories, cut.at)
        except subprocess.CalledProcessError as error:
            return failed(f"the file system cannot be mounted, or let go: {error}")

    def _describe(self, recording: Recording, cut: Cut, seen: Seen, image: Path) -> str:
        """Describe what is wrong; keep the disk after the check, and the promises."""
        wrong = "\n  ".join(seen.wrong)
        described = (
            f"{self._system.name}, {self._level}: power lost after operation {cut.done:,} of the"
            f" disk, {cut.loss} of the unflushed writes kept (sectors of {cut.sector} bytes),"
            f" seed {self._plan.seed}\n  {wrong}"
        )
        if self._kept < _KEPT:
            self._kept += 1
            folder = Path(tempfile.mkdtemp(prefix="power-cut-"))
            copy(image, folder / "image")
            (folder / "wrong").write_text(f"{described}\n", "utf-8")
            stories = [asdict(story) for story in recording.stories]
            (folder / "stories").write_bytes(orjson.dumps({"at": cut.at, "stories": stories}))
            described += f"\n  the disk is kept in {folder}"
        return described
