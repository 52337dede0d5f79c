"""The class that stands in for Hermes's `SessionDB`: its methods by subject, put together."""

from __future__ import annotations

from projector.adapters.hermes.conversation import Conversation
from projector.adapters.hermes.export import Export
from projector.adapters.hermes.handoff import Handoff
from projector.adapters.hermes.leases import Leases
from projector.adapters.hermes.maintenance import Maintenance
from projector.adapters.hermes.messages import Messages
from projector.adapters.hermes.rewind import Rewind
from projector.adapters.hermes.routing import Routing
from projector.adapters.hermes.search import Search
from projector.adapters.hermes.sessions import Sessions
from projector.adapters.hermes.telegram import Telegram
from projector.adapters.hermes.titles import Titles
from projector.adapters.hermes.tokens import Tokens
from projector.adapters.hermes.views import Views


class SessionDB(
    Sessions,
    Titles,
    Tokens,
    Export,
    Handoff,
    Messages,
    Conversation,
    Rewind,
    Views,
    Search,
    Routing,
    Telegram,
    Leases,
    Maintenance,
):
    """Hermes's store of sessions, kept in a journal: nothing that it writes waits for others.

    Names, arguments, results and errors are those of hermes-agent 0.13, and of what 0.19 added;
    docs/hermes.md tells method by method what is the same and what differs.
    """
