"""The read side of Agent Journal: one full-text database made from all lanes.

::

    from projector import Projection

    with Projection.open("~/agents") as projection:
        results = projection.search("docker AND compose", limit=20, context=1)

The errors of `journal` that the methods raise can be imported from here, too.
"""

from journal import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from journal.errors import (
        AppendError,
        ArbiterBusy,
        ArbiterLost,
        ClockError,
        ClosedError,
        EraseError,
        EraserBusy,
        EventError,
        JournalError,
        JournalOpenError,
        LanesBusy,
        LeaseError,
        NotAJournalError,
        ReadError,
        RedactionError,
        Reentered,
        SyncError,
        VersionError,
    )
    from projector.board import Board, Comment, Task, TaskClaim, TaskDetails, TaskEvent
    from projector.board.async_board import AsyncBoard
    from projector.errors import (
        Behind,
        BuildStopped,
        DependencyCycle,
        NotFinished,
        NotFound,
        NotProjected,
        ProjectionDamaged,
        ProjectionError,
        ProjectorBusy,
        ProjectorError,
        QueryError,
        QueryTimeout,
        RetentionError,
        StaleClaim,
        TitleTaken,
    )
    from projector.export.export import Export, export_sessions
    from projector.forgetting.erasures import Erasure, Receipt, erasures
    from projector.forgetting.finish import Outcome, finish_forgetting
    from projector.forgetting.forget import forget, plan
    from projector.forgetting.plan import ForgottenKey, ForgottenMessage, ForgottenSession, Plan
    from projector.forgetting.retention import Policy, read_policy
    from projector.forgetting.selection import Selection
    from projector.parts import Parts
    from projector.projection import Projection
    from projector.redaction import SecretsFound, find_secrets, redact_secrets
    from projector.search.elsewhere import Elsewhere
    from projector.search.facets import (
        FacetRow,
    )
    from projector.search.hits import Hit, Look
    from projector.search.results import Results
    from projector.store import (
        ABSENT,
        AsyncSessionStore,
        Claim,
        Claims,
        FlushReport,
        Keys,
        KeyView,
        Listing,
        Refused,
        SessionStore,
    )
    from projector.upkeep.status import (
        Status,
    )
    from projector.views.freshness import (
        Freshness,
    )
    from projector.views.messages import (
        MessageState,
        MessageView,
    )
    from projector.views.session_tree import (
        SessionNode,
        session_tree,
    )
    from projector.views.sessions import (
        SessionView,
    )
    from projector.views.usage import (
        UsageReport,
        UsageRow,
    )
else:
    from journal.process.exports import lazy

    __getattr__, __dir__ = lazy(
        __name__,
        {
            "journal.errors": (
                "AppendError",
                "ArbiterBusy",
                "ArbiterLost",
                "ClockError",
                "ClosedError",
                "EraseError",
                "EraserBusy",
                "EventError",
                "JournalError",
                "JournalOpenError",
                "LanesBusy",
                "LeaseError",
                "NotAJournalError",
                "ReadError",
                "RedactionError",
                "Reentered",
                "SyncError",
                "VersionError",
            ),
            "projector.board": (
                "Board",
                "Comment",
                "Task",
                "TaskClaim",
                "TaskDetails",
                "TaskEvent",
            ),
            "projector.board.async_board": ("AsyncBoard",),
            "projector.errors": (
                "Behind",
                "BuildStopped",
                "DependencyCycle",
                "NotFinished",
                "NotFound",
                "NotProjected",
                "ProjectionDamaged",
                "ProjectionError",
                "ProjectorBusy",
                "ProjectorError",
                "QueryError",
                "QueryTimeout",
                "RetentionError",
                "StaleClaim",
                "TitleTaken",
            ),
            "projector.export.export": ("Export", "export_sessions"),
            "projector.forgetting.erasures": ("Erasure", "Receipt", "erasures"),
            "projector.forgetting.finish": ("Outcome", "finish_forgetting"),
            "projector.forgetting.forget": ("forget", "plan"),
            "projector.forgetting.plan": (
                "ForgottenKey",
                "ForgottenMessage",
                "ForgottenSession",
                "Plan",
            ),
            "projector.forgetting.retention": ("Policy", "read_policy"),
            "projector.forgetting.selection": ("Selection",),
            "projector.parts": ("Parts",),
            "projector.projection": ("Projection",),
            "projector.redaction": ("SecretsFound", "find_secrets", "redact_secrets"),
            "projector.search.elsewhere": ("Elsewhere",),
            "projector.search.facets": ("FacetRow",),
            "projector.search.results": ("Results",),
            "projector.search.hits": (
                "Hit",
                "Look",
            ),
            "projector.store": (
                "ABSENT",
                "AsyncSessionStore",
                "Claim",
                "Claims",
                "FlushReport",
                "KeyView",
                "Keys",
                "Listing",
                "Refused",
                "SessionStore",
            ),
            "projector.upkeep.status": ("Status",),
            "projector.views.freshness": ("Freshness",),
            "projector.views.messages": (
                "MessageState",
                "MessageView",
            ),
            "projector.views.session_tree": (
                "SessionNode",
                "session_tree",
            ),
            "projector.views.sessions": ("SessionView",),
            "projector.views.usage": (
                "UsageReport",
                "UsageRow",
            ),
        },
    )

__all__ = [
    "ABSENT",
    "AppendError",
    "ArbiterBusy",
    "ArbiterLost",
    "AsyncBoard",
    "AsyncSessionStore",
    "Behind",
    "Board",
    "BuildStopped",
    "Claim",
    "Claims",
    "ClockError",
    "ClosedError",
    "Comment",
    "DependencyCycle",
    "Elsewhere",
    "EraseError",
    "EraserBusy",
    "Erasure",
    "EventError",
    "Export",
    "FacetRow",
    "FlushReport",
    "ForgottenKey",
    "ForgottenMessage",
    "ForgottenSession",
    "Freshness",
    "Hit",
    "JournalError",
    "JournalOpenError",
    "KeyView",
    "Keys",
    "LanesBusy",
    "LeaseError",
    "Listing",
    "Look",
    "MessageState",
    "MessageView",
    "NotAJournalError",
    "NotFinished",
    "NotFound",
    "NotProjected",
    "Outcome",
    "Parts",
    "Plan",
    "Policy",
    "Projection",
    "ProjectionDamaged",
    "ProjectionError",
    "ProjectorBusy",
    "ProjectorError",
    "QueryError",
    "QueryTimeout",
    "ReadError",
    "Receipt",
    "RedactionError",
    "Reentered",
    "Refused",
    "Results",
    "RetentionError",
    "SecretsFound",
    "Selection",
    "SessionNode",
    "SessionStore",
    "SessionView",
    "StaleClaim",
    "Status",
    "SyncError",
    "Task",
    "TaskClaim",
    "TaskDetails",
    "TaskEvent",
    "TitleTaken",
    "UsageReport",
    "UsageRow",
    "VersionError",
    "__version__",
    "erasures",
    "export_sessions",
    "find_secrets",
    "finish_forgetting",
    "forget",
    "plan",
    "read_policy",
    "redact_secrets",
    "session_tree",
]
