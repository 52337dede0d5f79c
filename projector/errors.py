"""What can go wrong on the read side, by the phase in which it happens.

::

    ProjectorError
    ├── ProjectionError    a projection cannot be opened, read or built
    │   ├── ProjectionDamaged  and never will: it is damaged, foreign, or of another version
    │   └── NotApplied     events could not be applied, and each must be tried alone
    ├── ProjectorBusy      another projector runs
    ├── BuildStopped       whoever wanted a build wants it no more
    ├── NotProjected       the projection did not get there in time
    ├── QueryTimeout       the answer would have taken longer than was allowed
    ├── NotFound           there is no such session or message
    ├── TitleTaken         another session has the title
    └── QueryError         the query cannot be searched for
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from projector.freshness import Behind


class ProjectorError(Exception):
    """Root of every error that the projector raises."""


class ProjectionError(ProjectorError):
    """A projection cannot be opened, read or built."""


class ProjectionDamaged(ProjectionError):  # noqa: N818 - says what is the matter
    """The projection is damaged, deleted, foreign or of another version: a rebuild replaces it."""


class NotApplied(ProjectionError):  # noqa: N818 - says what is the matter
    """Events could not be applied; which of them is to blame is not known yet."""


class ProjectorBusy(ProjectorError):  # noqa: N818 - says what is the matter
    """Another projector runs."""


class BuildStopped(ProjectorError):  # noqa: N818 - says what is the matter
    """Whoever wanted a build wants it no more; nothing of it is left."""


class NotProjected(ProjectorError, TimeoutError):  # noqa: N818 - says what is the matter
    """The projection did not reach a position in time."""


class QueryTimeout(ProjectorError, TimeoutError):  # noqa: N818 - says what is the matter
    """The answer would have taken longer than was allowed."""


class NotFound(ProjectorError, LookupError):  # noqa: N818 - says what is the matter
    """There is no such session or message.

    Attributes:
        behind: what the projection that was asked does not know; None if it knows everything.
    """

    behind: Behind | None = None


class TitleTaken(ProjectorError, ValueError):  # noqa: N818 - says what is the matter
    """Another session has the title: that named `session`."""

    def __init__(self, message: str, session: str) -> None:
        super().__init__(message)
        self.session = session


class QueryError(ProjectorError, ValueError):
    """The query cannot be searched for."""
