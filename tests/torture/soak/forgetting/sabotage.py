"""What a sabotage does to the programs: each must be found by another check of the scenario."""

from __future__ import annotations

import contextlib
import fcntl
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from journal.erasure.eraser import erase
from journal.erasure.requests import Forgotten
from journal.lanes.writer import LaneWriter
from projector.run.hiding import Hiding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from journal.erasure.eraser import Report
    from journal.format.event import Event
    from journal.fs.directory import Directory


@contextmanager
def _bytes() -> Iterator[None]:
    """Leave the bytes of what is forgotten where they are."""

    def nothing(journal: Directory, _: Forgotten, **more: Any) -> Report:  # noqa: ANN401 - as `erase`
        return erase(journal, Forgotten(()), **more)

    with patch("projector.forgetting.finish.erase", nothing):
        yield


@contextmanager
def _neighbours() -> Iterator[None]:
    """Forget more than was asked: one message in five."""
    apply = Forgotten.apply

    def too_much(self: Forgotten, event: Event, lane: str, seq: int) -> tuple[Event | None, str]:
        if self.requests and event.type == "message.appended" and seq % 5 == 0:
            return None, self.requests[0].id
        return apply(self, event, lane, seq)

    with patch.object(Forgotten, "apply", too_much):
        yield


@contextmanager
def _shown() -> Iterator[None]:
    """Go on with a generation that does not know the newest requests."""
    with patch.object(Hiding, "stops", lambda *_: False):
        yield


@contextmanager
def _waits() -> Iterator[None]:
    """Let an append wait until nothing is erased."""
    append = LaneWriter.append

    def waiting(self: LaneWriter, *given: Any) -> Any:  # noqa: ANN401 - as `append`
        path = self.lane.path.parent.parent / "eraser"
        with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
        return append(self, *given)

    with patch.object(LaneWriter, "append", waiting):
        yield


SABOTAGES: Mapping[str, Callable[[], AbstractContextManager[None]]] = {
    "none": nullcontext,
    "bytes": _bytes,
    "neighbours": _neighbours,
    "shown": _shown,
    "waits": _waits,
}
