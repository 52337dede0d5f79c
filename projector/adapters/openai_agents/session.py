"""The `Session` of the OpenAI Agents SDK, on a journal."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from journal import EventError, new_event
from journal.errors import shown
from journal.format.new_event import check_iterable
from journal.process.ids import uuid7
from projector.adapters.closing import Closing
from projector.adapters.openai_agents.items import Item, mark_of, message_of, new_items
from projector.adapters.openai_agents.rows import Batch, cut_off, stored
from projector.adapters.opening import Opened
from projector.errors import NotProjected

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    import apsw

    from journal.lanes.group_commit import Fsync
    from journal.redact.scanner import Scanner
    from projector.store import SessionStore

_log = logging.getLogger("projector")


class JournalSession(Closing):
    """A conversation of the OpenAI Agents SDK in a journal. Safe for threads, processes and loops.

    ::

        async with JournalSession("thread-7", "~/agents") as session:
            result = await Runner.run(agent, "Where is the bug?", session=session)

    It has every method of the SDK's `Session`. Items that are added at once are one write(2), wait
    for no other process, and stay together. Items with an id of the API are there once, also if
    they are added again after a crash.

    Attributes:
        session_id: the id of the session, here and in the journal.
        store: the `SessionStore` of the journal.
    """

    def __init__(
        self,
        session_id: str,
        at: str | os.PathLike[str] | SessionStore,
        *,
        session_settings: Any = None,  # noqa: ANN401 - of the SDK
        fsync: Fsync = "interval",
        timeout: float = 5.0,
        redact: bool | Sequence[Scanner] = False,
    ) -> None:
        """Open the session.

        Args:
            session_id: any text that the journal takes as an id.
            at: folder of the journal, or an open store, which stays open and has its own options.
            session_settings: `SessionSettings` of the SDK, or a dict of them.
            fsync: what an append promises when it returns, as for `SessionStore.open`.
            timeout: seconds that a read waits for a projector that is behind.
            redact: replace secrets by marks, as for `SessionStore.open`; reads have the marks.

        Raises:
            JournalOpenError, LeaseError, ProjectionError, RedactionError, ValueError: as
                `SessionStore.open`.
        """
        self.session_id = session_id
        self._settings = session_settings
        if session_settings is not None:
            self._settings = _coerced(session_settings)
        self._opened = Opened(at, fsync=fsync, timeout=timeout, redact=redact)
        self.store = self._opened.store
        self._marks: dict[str, set[str]] = {}

    @property
    def session_settings(self) -> Any:  # noqa: ANN401 - of the SDK
        """The SDK's settings of this session, such as the number of items that are read."""
        if self._settings is None:
            self._settings = _coerced({})
        return self._settings

    @session_settings.setter
    def session_settings(self, settings: Any) -> None:  # noqa: ANN401 - of the SDK
        self._settings = settings

    @property
    def _name(self) -> str:
        """The session of the journal that is read and written."""
        return self.session_id

    async def get_items(self, limit: int | None = None) -> list[Item]:
        """Return the items in the order of their adds.

        Args:
            limit: only so many, the latest; None means as many as the settings say.

        Raises:
            NotProjected: a projector runs, and is too far behind.
            QueryTimeout, ProjectionError, ReadError, ClosedError: as `SessionStore.read`.
        """
        return await to_thread.run_sync(self._items, self._name, self._limited(limit))

    def _limited(self, limit: int | None) -> int | None:
        """Return how many items are read where so many are asked for."""
        if limit is None and self._settings is not None:
            limit = self._settings.limit
        return limit

    def _items(self, name: str, limit: int | None = None) -> list[Item]:
        found = self.store.read_all(lambda db: stored(db, name, limit), sessions=[name])
        return [each.item for each in found]

    async def add_items(self, items: Sequence[Item], *, key: str | None = None) -> None:
        """Add items to the end of the conversation, with one write(2).

        If a kill ends this in the middle, the next call with the same items adds the others.

        Args:
            items: the items.
            key: an id for these items that the caller makes: a second call with it adds nothing.

        Raises:
            EventError: `items` is no list of dicts, `key` is no text or empty, or an item has
                something that JSON does not have; nothing was written.
            AppendError, SyncError, ClosedError: as `Journal.append`; try again.
        """
        if key is not None and not (isinstance(key, str) and key):
            raise EventError(
                f"key must be a text that is not empty, not {shown(key)}; nothing was written"
            )
        await to_thread.run_sync(self._add, self._name, _checked(items), key)

    def _add(self, name: str, items: list[Item], key: str | None) -> list[str]:
        """Add items; return the ids of their messages."""
        batch, at, place = Batch(str(uuid7()), len(items)), 0, ""
        if key is not None:
            # a key may be that of other sessions, too
            batch, place = Batch(key), f"{name}/"
        elif len(items) > 1 or any(map(mark_of, items)):
            batch, at, items = self._without_known(name, batch, items)
        ids = [batch.message_id(at + n) for n in range(len(items))]
        self.store.add(
            # by its line a message is known in branches
            new_event(name, "message.appended", message_of(item) | {"line": place + id}, id=id)
            for id, item in zip(ids, items, strict=True)
        )
        return ids

    def _without_known(
        self, name: str, batch: Batch, items: list[Item]
    ) -> tuple[Batch, int, list[Item]]:
        """Leave out the items that are there already: a step that is tried again adds nothing.

        The conversation is read at the first batch, and when an id of the API comes again; what
        this handle adds is known without reading.

        Returns:
            The batch to write to, the place of the first new item in it, and the new items.
        """
        marks = {mark for item in items if (mark := mark_of(item)) is not None}
        known = self._marks.get(name)
        if known is not None and marks.isdisjoint(known):
            self._marks[name] = known | marks
            return batch, 0, items

        def question(db: apsw.Connection) -> tuple[list[Item], tuple[Batch, int] | None]:
            kept = stored(db, name)
            return [each.item for each in kept], cut_off(db, name, kept, items)

        try:
            there, begun = self.store.read_all(question, sessions=[name])
        except NotProjected as error:
            # the turn of an agent must not be lost because the projector hangs
            _log.warning("items may be added twice: %s", error)
            return batch, 0, items
        self._marks[name] = marks | {mark for item in there if (mark := mark_of(item)) is not None}
        if begun is not None:
            return *begun, items[begun[1] :]
        new = new_items(items, there)
        return Batch(batch.name, len(new)), 0, new

    async def pop_item(self) -> Item | None:
        """Remove the last item from the conversation and return it; None if there is none.

        Of several that pop, in any process, each gets another item.

        Raises:
            ArbiterBusy, NotProjected, AppendError, SyncError, ClosedError: as
                `SessionStore.decide`.
        """
        return await to_thread.run_sync(self._pop, self._name)

    def _pop(self, name: str) -> Item | None:
        def question(db: apsw.Connection) -> tuple[Item | None, list[dict[str, Any]]]:
            last = stored(db, name, 1)
            if not last:
                return None, []
            data = {"messages": [last[0].id], "reason": "popped"}
            return last[0].item, [new_event(name, "message.removed", data)]

        return self.store.decide(question, sessions=[name])

    async def clear_session(self) -> None:
        """Remove all items that are in the journal at the call.

        Raises:
            ReadError, AppendError, SyncError, ClosedError: as `SessionStore.clear`.
        """
        await to_thread.run_sync(self._clear)

    def _clear(self) -> None:
        self.store.clear(self.session_id)
        self._marks.clear()


def _checked(items: Sequence[Item]) -> list[Item]:
    """Return copies of items.

    Raises:
        EventError: they are no list, or one of them is no dict.
    """
    check_iterable("items", items)
    given = list(items)
    for number, item in enumerate(given):
        if not isinstance(item, Mapping):
            raise EventError(
                f"items[{number}] must be a dict, not {shown(item)}; nothing was written"
            )
    return [dict(item) for item in given]


def _coerced(settings: Any) -> Any:  # noqa: ANN401 - of the SDK
    from agents.memory.session_settings import (  # noqa: PLC0415 - only settings need the SDK
        coerce_session_settings,
    )

    return coerce_session_settings(settings)
