"""Reads of a session that has branches: items, turns, tools and usage of one of them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
from anyio import to_thread

from journal import JournalError, new_event
from projector.adapters.openai_agents import branches, turns, usage
from projector.adapters.openai_agents.branches import CLEARED, DELETED, MAIN, OPEN
from projector.adapters.openai_agents.rows import stored
from projector.adapters.openai_agents.session import JournalSession
from projector.errors import NotProjected, ProjectorError

if TYPE_CHECKING:
    from collections.abc import Callable

    import apsw

    from projector.adapters.openai_agents.items import Item

Answer = TypeVar("Answer")

_log = logging.getLogger("projector")
_USED = "SELECT data FROM events WHERE session = ? AND type = 'usage.added'"


class BranchReading(JournalSession):
    """A session whose handle is on a branch, and reads this or another one."""

    _branch = MAIN

    @property
    def current_branch(self) -> str:
        """The branch that this handle reads and writes."""
        return self._branch

    @property
    def _name(self) -> str:
        return branches.name_of(self.session_id, self._branch)

    async def get_items(self, limit: int | None = None, branch_id: str | None = None) -> list[Item]:
        """Return the items of a branch in the order of their adds.

        Args:
            limit: only so many, the latest; None means as many as the settings say.
            branch_id: the branch; None means the current one.

        Raises:
            NotProjected: a projector runs, and is too far behind.
            QueryTimeout, ProjectionError, ReadError, ClosedError: as `SessionStore.read`.
        """
        if branch_id is None:
            return await super().get_items(limit)
        most = self._limited(limit)
        found = await self._ask(branch_id, lambda db, name: stored(db, name, most))
        return [each.item for each in found]

    def _items(self, name: str, limit: int | None = None) -> list[Item]:
        found = self.store.read_all(
            lambda db: stored(db, self._moved(db, name), limit), sessions=[self.session_id, name]
        )
        return [each.item for each in found]

    def _add(self, name: str, items: list[Item], key: str | None) -> list[str]:
        return super()._add(self._standing(name), items, key)

    def _pop(self, name: str) -> Item | None:
        return super()._pop(self._standing(name))

    def _standing(self, name: str) -> str:
        """Return the session in which to write: that of a branch, or `main` if all was cleared.

        Raises:
            ValueError: the branch was deleted.
        """
        if name == self.session_id:
            return name

        try:
            found = self.store.read_all(
                lambda db: self._known(db, name), sessions=[self.session_id]
            )
        except NotProjected as error:
            # the turn of an agent must not be lost because the projector hangs
            _log.warning("a branch may have been deleted or cleared meanwhile: %s", error)
            return name
        if found is not None and found[1] == DELETED:
            raise ValueError(f"Branch {found[0]!r} was deleted; switch to another one")
        return self._session_of(name, found)

    def _moved(self, db: apsw.Connection, name: str) -> str:
        """Return the session of a branch, or `main` if another handle has cleared the session."""
        return name if name == self.session_id else self._session_of(name, self._known(db, name))

    def _known(self, db: apsw.Connection, name: str) -> tuple[str, str] | None:
        """Return the branch of a session, and its state; None if it is not known as one."""
        for branch, state in branches.known(db, self.session_id).items():
            if branches.name_of(self.session_id, branch) == name:
                return branch, state
        return None

    def _session_of(self, name: str, known: tuple[str, str] | None) -> str:
        if known is None or known[1] != CLEARED:
            return name
        if self._branch == known[0]:
            self._branch = MAIN
        return self.session_id

    async def _ask(
        self, branch: str | None, question: Callable[[apsw.Connection, str], Answer]
    ) -> Answer:
        """Ask about a branch, or the current one, all that any process has appended."""
        name = self._name if branch is None else branches.name_of(self.session_id, branch)

        def ask(db: apsw.Connection) -> Answer:
            return question(db, self._moved(db, name) if branch is None else name)

        return await to_thread.run_sync(self.store.read_all, ask)

    async def get_conversation_turns(self, branch_id: str | None = None) -> list[dict[str, Any]]:
        """Return what the user said in each turn.

        Returns:
            Each with `turn`, `content` (a text of 100 characters at most), `full_content`,
            `timestamp` (UTC, as SQLite writes it) and `can_branch`.

        Raises:
            NotProjected, QueryTimeout, ProjectionError, ReadError, ClosedError: as `get_items`.
        """
        return await self._ask(branch_id, lambda db, name: turns.prompts(stored(db, name)))

    async def find_turns_by_content(
        self, search_term: str, branch_id: str | None = None
    ) -> list[dict[str, Any]]:
        """Return the turns in which the user said a text, as `get_conversation_turns`, not cut.

        `SessionStore.search` finds words in all messages, with ranks, faster.

        Raises:
            NotProjected, QueryTimeout, ProjectionError, ReadError, ClosedError: as `get_items`.
        """
        return await self._ask(
            branch_id, lambda db, name: turns.prompts(stored(db, name), search_term)
        )

    async def get_conversation_by_turns(
        self, branch_id: str | None = None
    ) -> dict[int, list[dict[str, str | None]]]:
        """Return for each turn the `type` and the `tool_name` of its items.

        Raises:
            NotProjected, QueryTimeout, ProjectionError, ReadError, ClosedError: as `get_items`.
        """
        return await self._ask(branch_id, lambda db, name: turns.by_turn(stored(db, name)))

    async def get_tool_usage(
        self, branch_id: str | None = None
    ) -> list[tuple[str | None, int, int]]:
        """Return how often each tool was called in each turn: name, count, turn.

        Raises:
            NotProjected, QueryTimeout, ProjectionError, ReadError, ClosedError: as `get_items`.
        """
        return await self._ask(branch_id, lambda db, name: turns.tool_uses(stored(db, name)))

    async def store_run_usage(self, result: Any) -> None:  # noqa: ANN401 - of the SDK
        """Store what a run used, for the last turn of the current branch.

        Of several runs in one turn each counter counts once, by its greatest value: so a run that
        is stored twice counts once, and one that was continued counts with what was used before.
        Without a turn nothing is stored. As in the SDK an error is logged and not raised: the run
        has succeeded.

        Args:
            result: what `Runner.run` returned.
        """
        try:
            await to_thread.run_sync(self._store_usage, result, self._name)
        except (JournalError, ProjectorError):
            _log.exception("the usage of a run in session %r is not stored", self.session_id)

    def _store_usage(self, result: Any, name: str) -> None:  # noqa: ANN401 - of the SDK
        def question(db: apsw.Connection) -> str | None:
            return next(reversed(turns.first_ids(stored(db, name)).values()), None)

        # a run belongs to the branch where it was made, also if that is cleared meanwhile
        first = self.store.read_all(question, sessions=[name])
        if first is not None:
            id, used = usage.used(result, name, first)
            self.store.add([new_event(name, "usage.added", used, id=id)])

    async def get_turn_usage(
        self, user_turn_number: int | None = None, branch_id: str | None = None
    ) -> list[dict[str, Any]] | dict[str, Any]:
        """Return what each turn of a branch used, or one turn: an empty dict if nothing is known.

        Returns:
            Each with `user_turn_number`, `requests`, `input_tokens`, `output_tokens`,
            `total_tokens`, `input_tokens_details` and `output_tokens_details`; one turn without
            its number.

        Raises:
            NotProjected, QueryTimeout, ProjectionError, ReadError, ClosedError: as `get_items`.
        """
        rows = await self._ask(branch_id, _used)
        if user_turn_number is None:
            return rows
        found = [row for row in rows if row.pop("user_turn_number") == user_turn_number]
        return found[0] if found else {}

    async def get_session_usage(self, branch_id: str | None = None) -> dict[str, int] | None:
        """Return what all turns of a branch used; None if nothing is known.

        Args:
            branch_id: the branch; None means all of them.

        Raises:
            NotProjected, QueryTimeout, ProjectionError, ReadError, ClosedError: as `get_items`.
        """

        def question(db: apsw.Connection, name: str) -> list[dict[str, Any]]:
            if branch_id:
                return _used(db, name)
            names = (branches.name_of(self.session_id, each) for each in self._all(db))
            return [row for each in names for row in _used(db, each)]

        return usage.total(await self._ask(branch_id or None, question))

    def _all(self, db: apsw.Connection) -> list[str]:
        """Return the branches that were neither deleted nor cleared."""
        known = branches.known(db, self.session_id)
        return [MAIN, *(name for name, state in known.items() if state == OPEN)]


def _used(db: apsw.Connection, name: str) -> list[dict[str, Any]]:
    """Return what the turns of a branch used."""
    found = [orjson.loads(data) for (data,) in db.execute(_USED, (name,))]
    extras = [data.get("extra", {}) for data in found]
    return usage.turn_rows(extras, turns.first_ids(stored(db, name)))
