"""The transcripts of LangGraph's threads: what their checkpoints say in messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal import new_event
from projector.adapters.langgraph.checkpoints import SOURCE, Place
from projector.adapters.langgraph.messages import conversation, fields, usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from projector.store import SessionStore


def flush_messages(store: SessionStore, place: Place, values: Mapping[str, Any]) -> None:
    """Make the transcript of a namespace contain the messages in the values of its channels.

    Raises:
        AppendError, SyncError, ClosedError, ReadError: as `SessionStore.flush`.
    """
    messages = conversation(values)
    if place.ns:
        root = Place(place.thread).session
        store.ensure(place.session, source=SOURCE, parent=root, relation="subagent")
    else:
        store.ensure(place.session, source=SOURCE)
    report = store.flush(place.session, [fields(message) for message in messages])
    new = {*report.added, *report.restored}
    store.add(
        new_event(place.session, "usage.added", used, id=f"usage:{id}")
        for id, message in zip(report.ids, messages, strict=True)
        if id in new and (used := usage(message))
    )
