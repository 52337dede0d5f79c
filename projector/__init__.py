"""The read side of Agent Journal: one full-text database made from all lanes.

::

    from projector import Projection

    with Projection.open("~/agents") as projection:
        results = projection.search("docker AND compose", limit=20, context=1)
"""

from projector.errors import (
    NotFound,
    NotProjected,
    ProjectionError,
    ProjectorBusy,
    ProjectorError,
    QueryError,
    QueryTimeout,
    TitleTaken,
)
from projector.freshness import Behind, Freshness
from projector.message_view import MessageView
from projector.projection import Projection, Results
from projector.search import Hit, Look
from projector.session_view import SessionView
from projector.status import Status
from projector.store import (
    ABSENT,
    AsyncSessionStore,
    Claim,
    FlushReport,
    Listing,
    Refused,
    SessionStore,
)

__all__ = [
    "ABSENT",
    "AsyncSessionStore",
    "Behind",
    "Claim",
    "FlushReport",
    "Freshness",
    "Hit",
    "Listing",
    "Look",
    "MessageView",
    "NotFound",
    "NotProjected",
    "Projection",
    "ProjectionError",
    "ProjectorBusy",
    "ProjectorError",
    "QueryError",
    "QueryTimeout",
    "Refused",
    "Results",
    "SessionStore",
    "SessionView",
    "Status",
    "TitleTaken",
]
