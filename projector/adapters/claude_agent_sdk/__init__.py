"""The session store of the Claude Agent SDK on a journal; the extra `[claude]` installs the SDK.

`keys.py` names sessions, `entries.py` makes events of entries and entries of rows, and `store.py`
is the store.
"""

from projector.adapters.claude_agent_sdk.store import JournalSessionStore

__all__ = ["JournalSessionStore"]
