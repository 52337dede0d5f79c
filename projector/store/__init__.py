"""Sessions for agents: append, and read your own writes."""

from projector.store.async_store import AsyncSessionStore
from projector.store.claims import Claim, Claims
from projector.store.flush import FlushReport, Refused
from projector.store.keys import ABSENT, Keys, KeyView
from projector.store.session_store import SessionStore
from projector.views.freshness import Listing

__all__ = [
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
]
