"""The read side of Agent Journal: one full-text database made from all lanes.

::

    from projector import Projection

    with Projection.open("~/agents") as projection:
        results = projection.search("docker AND compose", limit=20, context=1)
"""

from journal import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from projector.errors import (
        Behind,
        NotFound,
        NotProjected,
        ProjectionError,
        ProjectorBusy,
        ProjectorError,
        QueryError,
        QueryTimeout,
        TitleTaken,
    )
    from projector.projection import Projection, Results
    from projector.search.engine import Hit, Look
    from projector.store import (
        ABSENT,
        AsyncSessionStore,
        Claim,
        FlushReport,
        Listing,
        Refused,
        SessionStore,
    )
    from projector.upkeep.status import Status
    from projector.views.freshness import Freshness
    from projector.views.messages import MessageView
    from projector.views.sessions import SessionView
else:
    from journal.process.exports import lazy

    __getattr__, __dir__ = lazy(
        __name__,
        {
            "projector.errors": (
                "Behind",
                "NotFound",
                "NotProjected",
                "ProjectionError",
                "ProjectorBusy",
                "ProjectorError",
                "QueryError",
                "QueryTimeout",
                "TitleTaken",
            ),
            "projector.projection": ("Projection", "Results"),
            "projector.search.engine": ("Hit", "Look"),
            "projector.store": (
                "ABSENT",
                "AsyncSessionStore",
                "Claim",
                "FlushReport",
                "Listing",
                "Refused",
                "SessionStore",
            ),
            "projector.upkeep.status": ("Status",),
            "projector.views.freshness": ("Freshness",),
            "projector.views.messages": ("MessageView",),
            "projector.views.sessions": ("SessionView",),
        },
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
    "__version__",
]
