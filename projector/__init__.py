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
)
from projector.projection import Projection, Results
from projector.search import Hit, Look
from projector.status import Status
from projector.views import MessageView, SessionView

__all__ = [
    "Hit",
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
    "Results",
    "SessionView",
    "Status",
]
