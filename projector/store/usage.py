"""The usage of sessions: tokens, calls and costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from journal.format.event_types import USAGE_ADDED, USAGE_SET
from journal.format.timestamps import moment
from projector.store.fields import present
from projector.store.handle import Handle

if TYPE_CHECKING:
    from projector.store.fields import UsageFields


class Usage(Handle):
    """Counters of a session, shown in `SessionView.usage`.

    ::

        store.add_usage("s1", id="call-1", input_tokens=812, estimated_cost=0.004)
        store.set_usage("s1", output_tokens=100)

    The counters are `input_tokens`, `output_tokens`, `cache_read_tokens`, `cache_write_tokens`,
    `reasoning_tokens`, `api_calls`, and `estimated_cost` and `actual_cost` in US dollars; `model`,
    `provider`, `timestamp` and `extra` may add more. `call` is the id of the API call: of several
    additions with one call, each counter counts once, by its greatest value. None means absent.
    """

    def add_usage(
        self, session: str, *, id: str | None = None, **used: Unpack[UsageFields]
    ) -> None:
        """Add to the counters of a session.

        Args:
            session: its id.
            id: the id of the event: a second call with it has no effect.
            used: what to add, by counter.

        Raises:
            EventError, AppendError, SyncError, ClosedError: as `create`.
        """
        self._add(session, USAGE_ADDED, _present(used), id)

    def set_usage(
        self, session: str, *, id: str | None = None, **totals: Unpack[UsageFields]
    ) -> None:
        """Set counters of a session to totals, to which later calls of `add_usage` add.

        Raises:
            EventError, AppendError, SyncError, ClosedError: as `create`.
        """
        self._add(session, USAGE_SET, _present(totals), id)


def _present(used: UsageFields) -> dict[str, Any]:
    data = present(used)
    if "timestamp" in data:
        data["timestamp"] = moment("timestamp", data["timestamp"])
    return data
