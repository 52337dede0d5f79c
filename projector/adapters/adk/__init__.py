"""The session service of Google's Agent Development Kit (ADK), on a journal.

A session of ADK is a session: its events are messages, which are searched like any other. The
events themselves and the state are key-values (`keys.py`).
"""

from projector.adapters.adk.service import JournalSessionService

__all__ = ["JournalSessionService"]
