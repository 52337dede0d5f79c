"""Sessions of the OpenAI Agents SDK on a journal; the extra `[openai-agents]` installs the SDK.

`items.py` makes messages of items and items of rows, `rows.py` reads a session, `session.py` is the
session.
"""

from projector.adapters.openai_agents.session import JournalSession

__all__ = ["JournalSession"]
