"""What can go wrong on the read side, by the phase in which it happens.

::

    ProjectorError
    ├── ProjectionError    a projection cannot be opened, read or built
    │   ├── ProjectionDamaged  it is damaged, foreign or of another version; a rebuild helps
    │   │   ├── NotHidden  it shows what a request asks to forget
    │   │   └── TextDamaged  a text in it is not what was written
    │   └── NotApplied     events could not be applied, and each must be tried alone
    ├── ProjectorBusy      another projector runs
    ├── BuildStopped       the build was cancelled
    ├── NotProjected       the projection did not get there in time
    ├── QueryTimeout       the answer was not ready in time
    ├── NotFound           there is no such session or message
    ├── TitleTaken         another session has the title
    ├── StaleClaim         a task is not held by that claim any more
    ├── DependencyCycle    a task would wait for itself
    ├── NotFinished        what is requested to be forgotten is not removed everywhere yet
    ├── RetentionError     `retention.toml` cannot be read or says what cannot be
    └── QueryError         the query cannot be searched for
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from journal.format.timestamps import to_datetime

if TYPE_CHECKING:
    from datetime import datetime

    from journal.erasure.request import Request


@dataclass(frozen=True, slots=True)
class Behind:
    """What an answer does not know.

    Attributes:
        bytes: of records that were in the journal at the query and were not applied.
        events: how many records these are.
        as_of: when something was applied last, microseconds since 1970; None if never.
        why: why they were not applied before the answer.
    """

    bytes: int
    events: int
    as_of: int | None
    why: str

    @property
    def as_of_utc(self) -> datetime | None:
        """`as_of` as a datetime in UTC."""
        return None if self.as_of is None else to_datetime(self.as_of)

    def __str__(self) -> str:
        at = self.as_of_utc
        since = "" if at is None else f" of {at:%Y-%m-%d %H:%M:%S} UTC"
        if not self.bytes:
            return f"the projection{since} is behind: {self.why}"
        events = "1 event" if self.events == 1 else f"{self.events:,} events"
        verb = "is" if self.events == 1 else "are"
        return (
            f"the projection{since} is behind: {events} ({self.bytes:,} bytes) {verb} not applied"
            f" yet, since {self.why}"
        )

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return asdict(self)


class ProjectorError(Exception):
    """Root of every error that the projector raises."""


class ProjectionError(ProjectorError):
    """A projection cannot be opened, read or built."""


class ProjectionDamaged(ProjectionError):  # noqa: N818 - reads as a state
    """The projection is damaged, deleted, foreign or of another version: a rebuild replaces it."""


class NotHidden(ProjectionDamaged):
    """The projection shows what requests ask to forget: a new generation replaces it.

    Attributes:
        requests: the requests under which it was not built.
    """

    def __init__(self, message: str, requests: tuple[Request, ...]) -> None:
        super().__init__(message)
        self.requests = requests


class TextDamaged(ProjectionDamaged):
    """A text in the projection is not what was written, although its page has a valid checksum."""


class NotApplied(ProjectionError):  # noqa: N818 - reads as a state
    """Events could not be applied; which of them is to blame is not known yet."""


class ProjectorBusy(ProjectorError):  # noqa: N818 - reads as a state
    """Another projector runs."""


class BuildStopped(ProjectorError):  # noqa: N818 - reads as a state
    """The build was cancelled; nothing of it is left."""


class NotProjected(ProjectorError, TimeoutError):  # noqa: N818 - reads as a state
    """The projection did not reach a position in time."""


class QueryTimeout(ProjectorError, TimeoutError):  # noqa: N818 - reads as a state
    """The answer was not ready in the time that was allowed."""


class NotFound(ProjectorError, LookupError):  # noqa: N818 - reads as a state
    """There is no such session or message.

    Attributes:
        behind: what the projection that was asked does not know; None if it knows everything.
    """

    behind: Behind | None = None


class TitleTaken(ProjectorError, ValueError):  # noqa: N818 - reads as a state
    """Another session has the title: that named `session`."""

    def __init__(self, message: str, session: str) -> None:
        super().__init__(message)
        self.session = session


class StaleClaim(ProjectorError):  # noqa: N818 - reads as a state
    """A task is not held by that claim any more; nothing was written."""


class DependencyCycle(ProjectorError, ValueError):  # noqa: N818 - reads as a state
    """A task would wait for itself; nothing was written."""


class NotFinished(ProjectorError):  # noqa: N818 - reads as a state
    """A request to forget is in the journal, and was not carried out completely."""


class RetentionError(ProjectorError, ValueError):
    """`retention.toml` cannot be read, or says what cannot be; nothing was forgotten."""


class QueryError(ProjectorError, ValueError):
    """The query cannot be searched for."""
