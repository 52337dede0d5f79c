"""The transcripts of LangGraph's threads: what their checkpoints say in messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal import new_event
from projector.adapters.langgraph.checkpoints import SOURCE, Place
from projector.adapters.langgraph.messages import conversation, fields, usage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_core.messages import BaseMessage

    from projector.store import SessionStore


_REMEMBERED = 1000
"""Sessions that are remembered as flushed."""


class Transcripts:
    """The transcripts that a checkpointer writes."""

    def __init__(self) -> None:
        self._flushed: set[str] = set()

    def flush(self, store: SessionStore, place: Place, values: Mapping[str, Any]) -> None:
        """Make the transcript of a namespace contain the messages in the values of its channels.

        Raises:
            AppendError, SyncError, ClosedError, ReadError: as `SessionStore.flush`.
        """
        session, messages = place.session, conversation(values)
        if place.ns:
            root = Place(place.thread).session
            store.ensure(session, source=SOURCE, parent=root, relation="subagent")
        else:
            store.ensure(session, source=SOURCE)
        report = store.flush(session, [fields(message) for message in messages])
        new = {*report.added, *report.restored}
        if session not in self._flushed:
            # a process that died may have written the last messages without what they used
            new.update(report.ids[_turn(messages) :])
        store.add(
            new_event(session, "usage.added", used, id=f"usage:{id}")
            for id, message in zip(report.ids, messages, strict=True)
            if id in new and (used := usage(message))
        )
        if len(self._flushed) >= _REMEMBERED:
            self._flushed.clear()
        self._flushed.add(session)


def _turn(messages: Sequence[BaseMessage]) -> int:
    """Return the index of the last message that a person wrote; 0 if there is none."""
    said = [at for at, message in enumerate(messages) if message.type == "human"]
    return said[-1] if said else 0
