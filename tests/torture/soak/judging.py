"""The checks of a journal after every scenario."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from journal.format.event_types import MESSAGE_APPENDED
from journal.segments.reader import read_events
from journal.verify import verify
from projector import Projection
from tests.torture.soak.programs import Failed

if TYPE_CHECKING:
    from journal.verify.checks import Kind

_PROJECTOR = Path(sys.executable).with_name("projector")
_COUNTS = ("events", "messages", "sessions", "duplicates", "conflicts")

Key = tuple[str, str]
"""Session and id of a message."""


@dataclass(frozen=True, slots=True)
class Remains:
    """The content of a valid journal after a scenario.

    Attributes:
        keys: the keys of all messages that readers show.
        records: number of records of messages in the lanes; a repeated append has its own
            record.
        lanes: number of lanes.
        segments: number of segments.
        bytes: their size.
        problems: problems that killed writers have caused.
        digest: the digest of the projection and of a rebuild.
    """

    keys: frozenset[Key]
    records: int
    lanes: int
    segments: int
    bytes: int
    problems: int
    digest: str


def judge(journal: Path, allowed: frozenset[Kind] = frozenset()) -> Remains:
    """Check lanes, projection and a rebuild of it against each other.

    Args:
        journal: its folder.
        allowed: the kinds of problems that `verify` may find.

    Raises:
        Failed: there is a problem of another kind, a message that is shown twice or that only one
            of lanes and projection has, a conflict, or a rebuild with another digest.
    """
    report = verify(journal / "lanes")
    if wrong := [problem for problem in report.problems if problem.kind not in allowed]:
        raise Failed(f"verify finds {', '.join(map(str, wrong[:3]))}")
    records = Counter(
        (found.record.event.session, found.record.event.id)
        for found in read_events(journal / "lanes", lambda *_: None)
        if found.record.event.type == MESSAGE_APPENDED
    )
    digest, shown = _compare_with_a_rebuild(journal)
    if shown.keys() != records.keys():
        raise Failed("the projection differs from the lanes")
    if doubled := [key for key, count in shown.items() if count != 1]:
        raise Failed(f"{len(doubled)} doubled, such as {doubled[0]}")
    return Remains(
        frozenset(shown),
        records.total(),
        report.lanes,
        report.segments,
        report.bytes,
        len(report.problems),
        digest,
    )


def check_all_there(acknowledged: set[Key], remains: Remains) -> None:
    """Check that all acknowledged messages exist.

    Raises:
        Failed: a message is lost, or none was acknowledged, which proves nothing.
    """
    if not acknowledged:
        raise Failed("nothing was acknowledged: the writers did no work")
    if missing := acknowledged - remains.keys:
        raise Failed(f"{len(missing)} acknowledged and lost, such as {min(missing)}")


def _compare_with_a_rebuild(journal: Path) -> tuple[str, Counter[Key]]:
    """Return the digest, and how often each message is shown."""
    with Projection.open(journal) as projection:
        before, status = projection.digest(), projection.status()
        argv = [str(_PROJECTOR), "--journal", str(journal), "rebuild"]
        subprocess.run(argv, check=True, stderr=subprocess.DEVNULL)
        if before != (after := projection.digest()):
            raise Failed(f"digest {before} became {after} by a rebuild")
        again = projection.status()
        for name in _COUNTS:
            counts = getattr(status, name), getattr(again, name)
            if counts[0] != counts[1]:
                raise Failed(f"{name}: {counts[0]} before the rebuild and {counts[1]} after")
        if status.conflicts:
            raise Failed(f"{status.conflicts} conflicts")
        shown = Counter(
            (view.session, message.id)
            for view in projection.sessions(limit=10**9)
            for message in projection.messages(view.session)
        )
        if shown.total() != status.messages:
            raise Failed(f"{shown.total()} messages are shown, {status.messages} are counted")
    return before, shown
