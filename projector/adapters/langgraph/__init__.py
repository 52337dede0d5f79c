"""LangGraph's checkpointers and its store, on a journal.

`saver.py` has the checkpointers and `memory.py` the store. A thread of LangGraph is a session: its
messages are a transcript, which is searched like any other, and its checkpoints are key-values of a
namespace (`checkpoints.py`). An item of the store is a key-value, and its text is a message.
"""

from projector.adapters.langgraph.async_saver import AsyncJournalSaver
from projector.adapters.langgraph.memory import AsyncJournalStore, JournalStore
from projector.adapters.langgraph.saver import JournalSaver

__all__ = ["AsyncJournalSaver", "AsyncJournalStore", "JournalSaver", "JournalStore"]
