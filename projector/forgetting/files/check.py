"""Look for what is forgotten in everything below a journal's folder."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import apsw

from journal.erasure.receipts import find_lost_requests
from journal.erasure.requests import read_requests
from journal.errors import counted
from journal.format.event import Event
from journal.format.record import FORMAT
from journal.importers.run.ledger import Ledger
from journal.segments.gone import repeat_if_gone
from journal.segments.listing import list_segments
from journal.segments.reader import SegmentWalk
from projector.db.quiet import quiet
from projector.db.read_only import open_on_any_medium
from projector.errors import ProjectionError, RetentionError
from projector.forgetting import contents
from projector.forgetting.files.leftovers import DATABASE, HINTS, IMPORTS
from projector.forgetting.files.own_files import files_below, why_not_own
from projector.forgetting.retention import NAME, read_policy
from projector.run.hiding import recorded

if TYPE_CHECKING:
    from journal.erasure.requests import Forgotten
    from journal.format.record import Header
    from journal.format.scan import Damage
    from journal.fs.directory import Directory
    from journal.segments.listing import SegmentRef


@dataclass(frozen=True, slots=True)
class StillThere:
    """Something that is forgotten, and still there.

    Attributes:
        where: the file, relative to the journal's folder.
        request: id of the request that forgets it.
        count: how many events and names of sessions these are.
    """

    where: str
    request: str
    count: int


@dataclass(frozen=True, slots=True)
class Unchecked:
    """Something that cannot be checked.

    Attributes:
        where: the file, relative to the journal's folder.
        why: why it cannot be checked.
    """

    where: str
    why: str


@dataclass(frozen=True, slots=True)
class ErasedReport:
    """What a check found.

    Attributes:
        requests: how many requests there are.
        events: how many events were compared with them, in lanes and databases.
        found: what is forgotten, and still there.
        unchecked: what cannot be checked.
        lost: ids of requests that no lane has any more: only a receipt, an earlier search or
            a database names them, and nothing was compared with them.
    """

    requests: int
    events: int
    found: tuple[StillThere, ...]
    unchecked: tuple[Unchecked, ...]
    lost: tuple[str, ...]


def check_erased(journal: Directory) -> ErasedReport:
    """Compare everything below a journal's folder with what its requests forget.

    Nothing is changed. Writers may be at work. Of the files in `imports/` the ids of sessions are
    compared: the rest of them is hashes.

    Raises:
        JournalOpenError: the file `key` is damaged.
        ReadError: a lane cannot be read.
    """
    return repeat_if_gone(lambda: _check_erased(journal))


def _check_erased(journal: Directory) -> ErasedReport:
    check = _Check(journal, read_requests(journal))
    for key in check.forgotten.unknown_keys:
        check.add("key", f"requests have hashes of the key {key}, which is not in it")
    for ref in list_segments(journal.lanes):
        check.segment(ref)
    check.policy()
    for path in files_below(journal.path, check.folder_failed):
        check.file(path)
    return check.report(find_lost_requests(journal))


class _Check:
    """What was found up to now."""

    def __init__(self, journal: Directory, forgotten: Forgotten) -> None:
        self.forgotten = forgotten
        self._unchecked: list[Unchecked] = []
        self._journal = journal
        self._ledger = Ledger(journal.path / IMPORTS)
        self._found: Counter[tuple[str, str]] = Counter()
        self._events = 0
        self._lost: set[str] = set()  # ids of requests that only a database has

    def report(self, lost: tuple[str, ...]) -> ErasedReport:
        found = tuple(StillThere(*key, count) for key, count in sorted(self._found.items()))
        requests = len(self.forgotten.requests)
        lost = tuple(sorted(self._lost.union(lost)))
        return ErasedReport(requests, self._events, found, tuple(self._unchecked), lost)

    def segment(self, ref: SegmentRef) -> None:
        """Compare every event of a segment."""
        where = self._name(ref.path)
        is_newer = False

        def see_header(header: Header, _end: int) -> None:
            nonlocal is_newer
            is_newer = header.format > FORMAT

        def see_damage(_ref: SegmentRef, damage: Damage) -> None:
            why = f"no valid record in {counted(damage.length, 'byte')} at offset {damage.offset:,}"
            self.add(where, why)

        walk = SegmentWalk(ref, see_damage, see_header)
        for at in walk.events():
            if is_newer:
                self.add(where, "it is of a newer version of the format")
                return
            self._compare(where, at.record.event, at.lane, at.record.seq)
        if walk.end < ref.size:
            self.add(
                where, f"an unfinished line of {counted(ref.size - walk.end, 'byte')} at its end"
            )

    def policy(self) -> None:
        """Compare the sessions that the policy of retention pins."""
        try:
            policy = read_policy(self._journal.path)
        except RetentionError as error:
            self.add(NAME, str(error))
            return
        for session in sorted(policy.pinned if policy else ()):
            self._compare_session(NAME, session)

    def file(self, path: Path) -> None:
        """Compare what a file holds that is no segment."""
        where = self._name(path)
        try:
            why = why_not_own(self._journal, path)
        except FileNotFoundError:  # a draft, or the WAL of SQLite
            return
        if why is not None:
            self.add(where, why)
        elif DATABASE.fullmatch(path.name) is not None and path.suffix == ".db":
            self._database(path)
        elif path.parent == self._journal.path / IMPORTS:
            self._imported(where, path.name)

    def folder_failed(self, error: OSError) -> None:
        """Note a folder that cannot be listed."""
        self.add(self._name(Path(error.filename)), f"cannot list it: {error.strerror or error}")

    def _database(self, path: Path) -> None:
        where = self._name(path)
        try:
            db, _ = open_on_any_medium(path, self._journal.uuid)
        except ProjectionError as error:
            if path.exists():  # else another generation is in use by now
                self.add(where, f"it cannot be opened: {error}")
            return
        with quiet:
            try:
                for request, _ in recorded(db):
                    if not self.forgotten.knows(request):
                        self._lost.add(request.id)
                for content in contents.every(db):
                    self._compare(where, content.event, content.lane, content.seq)
                for session, parent in db.execute("SELECT session, parent FROM main._sessions"):
                    for name in filter(None, (session, parent)):
                        self._compare_session(where, str(name))
            except apsw.Error as error:
                self.add(where, f"it cannot be read: {error}")
            finally:
                db.close()

    def _imported(self, where: str, name: str) -> None:
        """Compare the sessions that a source of an import has."""
        if name in HINTS:
            return
        entry = self._ledger.entry(name)
        if entry is None:
            self.add(where, "it is no entry of the ledger of imports: `journal forget --finish`")
            return
        for session in sorted(entry.session_ids):
            self._compare_session(where, session)

    def _compare(self, where: str, event: Event, lane: str, seq: int) -> None:
        self._events += 1
        left, request = self.forgotten.apply(event, lane, seq)
        if left is not event:
            self._found[where, request] += 1

    def _compare_session(self, where: str, session: str) -> None:
        left, request = self.forgotten.apply(Event(session, "\0", "\0", 0, 0, {}), "", 0)
        if left is None:
            self._found[where, request] += 1

    def add(self, where: str, why: str) -> None:
        """Note what cannot be checked."""
        self._unchecked.append(Unchecked(where, why))

    def _name(self, path: Path) -> str:
        return str(path.relative_to(self._journal.path))
