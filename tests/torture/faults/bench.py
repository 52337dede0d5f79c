"""A folder in which a workload is run repeatedly, and the checks after each run."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from journal.format.event_types import FORGET
from journal.fs.directory import open_directory
from journal.lanes.torn import remove_torn
from journal.segments.listing import list_segments
from journal.segments.reader import read_events
from journal.verify import DEATH, verification, verify
from projector.db.connections import open_reader, open_writer
from projector.db.digest import digest
from projector.db.generations import generations
from projector.run.build import rebuild
from projector.run.watermark import lag, load_marks
from tests.torture.faults import traced
from tests.torture.faults.workloads import SESSION, Workload, catch_up, event, small

if TYPE_CHECKING:
    from collections.abc import Collection

    from tests.torture.faults.traced import Ended, Point


class Bench:
    """One workload in one folder, which is prepared once and copied before each run."""

    def __init__(self, workload: Workload, base: Path) -> None:
        small()
        verification._PATIENCE = 0
        self.workload = workload
        self.shared = traced.Shared()
        self._base = base / workload.name
        self._base.mkdir()
        self.folder = self._base / "journal"
        workload.prepare(self.folder)
        self._template = self._base / "template"
        self._empty = not self.folder.exists()
        if not self._empty:
            self.folder.rename(self._template)
        # everything is loaded, and run once, before the first fork
        self.fresh()
        self.calls = self._count()
        self.fresh()
        traced.run(workload.work, self.folder, self.shared)
        self._keys: set[tuple[str, str]] = set()
        self._digest = ""
        problems = self.redo()
        if problems:
            raise RuntimeError(f"{workload.name} fails undisturbed: {problems}")

    def _count(self) -> dict[str, int]:
        traced.run(self.workload.work, self.folder, self.shared)
        self.fresh()
        ended = traced.run(self.workload.work, self.folder, self.shared)
        if ended.code or ended.stray or ended.errors:
            raise RuntimeError(f"{self.workload.name} fails undisturbed: {ended}")
        return ended.calls

    def fresh(self) -> None:
        """Reset the folder to the state before the workload."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if not self._empty:
            shutil.copytree(self._template, self.folder)

    def run(self, point: Point | None, patience: float = traced.PATIENCE) -> Ended:
        """Run the workload once from its beginning."""
        self.fresh()
        return traced.run(self.workload.work, self.folder, self.shared, point, patience=patience)

    def check(
        self, acknowledged: list[int], allowed: Collection[str] = DEATH, *, once: bool
    ) -> list[str]:
        """Return what is wrong with the journal, before any program continues it.

        Args:
            acknowledged: numbers of the acknowledged events of the writer.
            allowed: kinds of problems that are explained.
            once: whether no event was tried twice.
        """
        lanes = self.folder / "lanes"
        if not lanes.exists():
            return [f"no journal, but {acknowledged} acknowledged"] if acknowledged else []
        wrong = [str(p) for p in verify(lanes).problems if p.kind not in allowed]
        found = self._found()
        for number in acknowledged:
            key = SESSION, str(event(number)["id"])
            if key not in found:
                wrong.append(f"event {number} was acknowledged and is lost")
        if once:
            wrong += [f"{key} occurs {n} times" for key, n in found.items() if n != 1]
        known = self._keys | {(SESSION, id) for id in self.workload.erased}
        if self._keys and not found.keys() <= known:
            wrong.append(f"never appended: {sorted(found.keys() - self._keys)}")
        if not self.workload.writes and self._lanes(self.folder) != self._lanes(self._template):
            wrong.append("the lanes were changed by what only reads them")
        return wrong + self._readable()

    def _readable(self) -> list[str]:
        """Check the projection as the first reader after a run does."""
        directory = open_directory(self.folder, create=False)
        kept = generations(directory.path)
        number = kept.current()
        if number is None:
            return []
        db = open_reader(kept.path(number), directory.uuid)
        try:
            rows = db.execute("SELECT count(*) FROM messages").get
            counted = db.execute("SELECT value FROM _meta WHERE key = 'messages'").get
            sound = db.pragma("integrity_check")
        finally:
            db.close()
        if rows != counted or sound != "ok":
            return [f"a reader finds {rows} messages of {counted}, integrity {sound}"]
        return []

    def _found(self) -> Counter[tuple[str, str]]:
        events = (at.record.event for at in read_events(self.folder / "lanes", lambda *_: None))
        # a receipt has another id in each run
        return Counter(
            (event.session, event.type if event.session == FORGET else event.id) for event in events
        )

    @staticmethod
    def _lanes(folder: Path) -> dict[str, bytes]:
        lanes = folder / "lanes"
        return {str(p.relative_to(lanes)): p.read_bytes() for p in lanes.rglob("*") if p.is_file()}

    def complete(self) -> list[str]:
        """Return what is missing although the workload reported success."""
        if self.workload.writes:
            found = self._found().keys()
            missing = self._keys - found
            left = {id for _, id in found} & self.workload.erased
            return [
                *([f"reported as done, and not there: {sorted(missing)}"] if missing else []),
                *([f"reported as erased, and there: {sorted(left)}"] if left else []),
            ]
        directory = open_directory(self.folder, create=False)
        kept = generations(directory.path)
        number = kept.current()
        if number is None:
            return ["reported as done, and no generation is in use"]
        db = open_reader(kept.path(number), directory.uuid)
        try:
            behind = lag(load_marks(db), list_segments(directory.lanes))
        finally:
            db.close()
        return [f"reported as done, and behind: {behind}"] if behind.bytes else []

    def redo(self) -> list[str]:
        """Continue as a user would, and return what is then wrong with journal and projection."""
        before = self._lanes(self.folder)
        self.workload.redo(self.folder)
        after = self._lanes(self.folder)
        changed = {at for at in before.keys() | after if before.get(at) != after.get(at)}
        unused = {Path(at).parts[0] for at in after} - {Path(at).parts[0] for at in changed}
        found = self._found()
        keys, want = found.keys(), self.workload.events
        # the next lessee of a lane removes what a dead one left unfinished; those without are next
        for lane in unused:
            remove_torn(self.folder / "lanes" / lane)
        wrong = [str(problem) for problem in verify(self.folder / "lanes").problems]
        wrong += self._left()
        if len(keys) != want:
            wrong.append(f"{len(keys)} distinct events instead of {want}")
        catch_up(self.folder)
        caught_up = self._projection(found)
        directory = open_directory(self.folder, create=False)
        rebuild(directory)
        rebuilt = self._projection(found)
        wrong += caught_up[1] + rebuilt[1]
        if caught_up[0] != rebuilt[0]:
            wrong.append(f"digest {caught_up[0]}, and {rebuilt[0]} when rebuilt")
        if not self._keys:
            self._keys, self._digest = set(keys), rebuilt[0]
        if rebuilt[0] != self._digest and not self.workload.varies:
            wrong.append(f"digest {rebuilt[0]}, and {self._digest} undisturbed")
        return wrong

    def _left(self) -> list[str]:
        """Return which files hold a text that was erased."""
        texts = [f"word{id[1:]} alpha".encode() for id in self.workload.erased]
        return [
            f"{path.relative_to(self.folder)} holds what was erased"
            for path in self.folder.rglob("*")
            if path.is_file() and any(text in path.read_bytes() for text in texts)
        ]

    def _projection(self, found: Counter[tuple[str, str]]) -> tuple[str, list[str]]:
        directory = open_directory(self.folder, create=False)
        kept = generations(directory.path)
        number = kept.current()
        if number is None:
            return "", ["no generation is in use"]
        db = open_writer(kept.path(number), directory.uuid)
        try:
            wrong = []
            meta = dict(db.execute("SELECT key, value FROM _meta"))
            messages = len(found) - self.workload.others
            want = {
                "events": len(found),
                "messages": messages,
                "duplicates": found.total() - len(found),
                "conflicts": 0,
            }
            wrong += [f"{k} is {meta[k]}, not {v}" for k, v in want.items() if meta[k] != v]
            rows = db.execute("SELECT count(*) FROM messages").get
            if rows != messages:
                wrong.append(f"{rows} rows of messages for {messages}")
            hits = db.execute("SELECT count(*) FROM fts WHERE fts MATCH 'alpha OR line'").get
            if hits != messages:
                wrong.append(f"{hits} full-text entries for {messages} messages")
            if (sound := db.pragma("integrity_check")) != "ok":
                wrong.append(f"integrity check: {sound}")
            db.execute("INSERT INTO fts(fts) VALUES('integrity-check')")
            return digest(db), wrong
        finally:
            db.close()
