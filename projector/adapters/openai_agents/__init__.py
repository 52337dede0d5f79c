"""Sessions of the OpenAI Agents SDK on a journal; the extra `[openai-agents]` installs the SDK.

`items.py` makes messages of items and items of rows, `rows.py` reads a session, `session.py` is the
session. `turns.py`, `usage.py` and `branches.py` say what turns, usage and branches are, and
`branch_reading.py` and `branching.py` are the session that has them.
"""

from projector.adapters.openai_agents.branching import JournalBranchingSession
from projector.adapters.openai_agents.session import JournalSession

__all__ = ["JournalBranchingSession", "JournalSession"]
