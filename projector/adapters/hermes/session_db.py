"""The class that replaces Hermes's `SessionDB`: one base class for each subject."""

from __future__ import annotations

from projector.adapters.hermes.export.sessions import Export
from projector.adapters.hermes.gateway.handoff import Handoff
from projector.adapters.hermes.gateway.routing import Routing
from projector.adapters.hermes.gateway.telegram import Telegram
from projector.adapters.hermes.maintenance import Maintenance
from projector.adapters.hermes.messages.conversation import Conversation
from projector.adapters.hermes.messages.messages import Messages
from projector.adapters.hermes.messages.rewind import Rewind
from projector.adapters.hermes.messages.search import Search
from projector.adapters.hermes.messages.windows import Windows
from projector.adapters.hermes.sessions.compression_locks import CompressionLocks
from projector.adapters.hermes.sessions.lifecycle import Sessions
from projector.adapters.hermes.sessions.titles import Titles
from projector.adapters.hermes.sessions.usage import Usage


class SessionDB(
    Sessions,
    Titles,
    Usage,
    Export,
    Handoff,
    Messages,
    Conversation,
    Rewind,
    Windows,
    Search,
    Routing,
    Telegram,
    CompressionLocks,
    Maintenance,
):
    """Hermes's store of sessions on a journal: no append waits for another process.

    Names, arguments, results and errors are those of hermes-agent 0.13 and of what 0.19 added.
    docs/hermes.md states for each method whether it is the same, or what differs.
    """
