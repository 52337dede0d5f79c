"""A session with branches, turns and usage, as `AdvancedSQLiteSession` of the SDK, on a journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyio import to_thread

from projector.adapters.openai_agents import branches, turns
from projector.adapters.openai_agents.branch_reading import BranchReading
from projector.adapters.openai_agents.branches import CLEARED, DELETED, MAIN, OPEN
from projector.adapters.openai_agents.rows import stored

if TYPE_CHECKING:
    import apsw


class JournalBranchingSession(BranchReading):
    """A `JournalSession` with branches, turns and usage. Safe for threads, processes and loops.

    ::

        async with JournalBranchingSession("thread-7", "~/agents") as session:
            result = await Runner.run(agent, "Where is the bug?", session=session)
            await session.store_run_usage(result)
            await session.create_branch_from_turn(1, "again")  # and go on in it
            result = await Runner.run(agent, "Is there a bug?", session=session)
            await session.switch_to_branch("main")

    It has every method of the SDK's `AdvancedSQLiteSession`. Turns are counted from 1, by messages
    of the user. A branch is a session in the journal, `<session>/<branch>`, which repeats what was
    said before its turn; a search finds that once. Each handle has a current branch of its own,
    `main` at first.
    """

    def _clear(self) -> None:
        known = self.store.read_all(
            lambda db: branches.known(db, self.session_id), sessions=[self.session_id]
        )
        there = [branch for branch, state in known.items() if state != CLEARED]
        super()._clear()
        if there:
            self.store.delete(*(branches.name_of(self.session_id, branch) for branch in there))
            # a handle on a branch that was cleared goes on in `main`
            self.store.revise(self.session_id, extra=branches.noted(there, CLEARED))
        self._branch = MAIN

    async def create_branch_from_turn(
        self, turn_number: int, branch_name: str | None = None
    ) -> str:
        """Make a branch of what was said before a turn, and switch to it; return its name.

        It takes the journal's lock for decisions: of several with one name, one succeeds.

        Args:
            turn_number: the turn that the branch does not have any more.
            branch_name: a name that no branch of the session has or had; None makes one.

        Raises:
            ValueError: the name is blank or was used, or there is no such turn.
            ArbiterBusy, NotProjected, AppendError, SyncError, ClosedError: as
                `SessionStore.decide`.
        """
        if branch_name is not None and not branch_name.strip():
            raise ValueError("Branch name cannot be empty")
        source = self._branch
        made = await to_thread.run_sync(self._create, source, turn_number, branch_name)
        self._branch = made
        return made

    def _create(self, source: str, turn: int, wanted: str | None) -> str:
        session = self.session_id

        def question(db: apsw.Connection) -> tuple[str, list[dict[str, Any]]]:
            at = source
            if self._moved(db, branches.name_of(session, source)) == session:
                at = MAIN
            before = turns.before_turn(stored(db, branches.name_of(session, at)), turn)
            if before is None:
                raise ValueError(f"Turn {turn} does not contain a user message in branch {at!r}")
            if wanted is not None and branches.is_taken(db, session, wanted):
                raise ValueError(
                    f"Branch ID {wanted!r} has already been used. Choose a new branch ID."
                )
            branch = branches.new_name(db, session, turn) if wanted is None else wanted
            return branch, branches.creation(session, branch, at, before)

        return self.store.decide(question)

    async def create_branch_from_content(
        self, search_term: str, branch_name: str | None = None
    ) -> str:
        """Make a branch as `create_branch_from_turn`, at the first turn that contains a text.

        Raises:
            ValueError: no turn contains it; or as `create_branch_from_turn`.
            ArbiterBusy, NotProjected, AppendError, SyncError, ClosedError: as
                `SessionStore.decide`.
        """
        found = await self.find_turns_by_content(search_term)
        if not found:
            raise ValueError(f"No user turns found containing {search_term!r}")
        return await self.create_branch_from_turn(found[0]["turn"], branch_name)

    async def switch_to_branch(self, branch_id: str) -> None:
        """Let this handle read and write another branch.

        Raises:
            ValueError: there is no such branch, or it has no items yet.
            NotProjected, QueryTimeout, ProjectionError, ReadError, ClosedError: as `get_items`.
        """
        if branch_id != MAIN:
            await self._check_there(branch_id)
        self._branch = branch_id

    async def _check_there(self, branch: str) -> None:
        def question(db: apsw.Connection, name: str) -> bool:
            state = branches.known(db, self.session_id).get(branch)
            return state == OPEN and branches.has_items(db, name)

        if not await self._ask(branch, question):
            raise ValueError(f"Branch {branch!r} does not exist")

    async def delete_branch(self, branch_id: str, force: bool = False) -> None:  # noqa: FBT001, FBT002 - the SDK's
        """Delete a branch with what was said and used in it only; its name stays used.

        Args:
            branch_id: the branch.
            force: also the current one; this handle goes on in `main`.

        Raises:
            ValueError: there is no such branch, it has no items yet, it is `main`, or it is the
                current one.
            NotProjected, QueryTimeout, ProjectionError, ReadError: as `get_items`.
            AppendError, SyncError, ClosedError: as `SessionStore.delete`.
        """
        if not branch_id or not branch_id.strip():
            raise ValueError("Branch ID cannot be empty")
        if branch_id == MAIN:
            raise ValueError(f"Cannot delete the {MAIN!r} branch")
        if branch_id == self._branch and not force:
            raise ValueError(
                f"Cannot delete current branch {branch_id!r}. Use force=True or switch first"
            )
        await self._check_there(branch_id)
        if branch_id == self._branch:
            self._branch = MAIN
        await to_thread.run_sync(self._delete, branch_id)

    def _delete(self, branch: str) -> None:
        self.store.delete(branches.name_of(self.session_id, branch))
        self.store.revise(self.session_id, extra=branches.noted([branch], DELETED))

    async def list_branches(self) -> list[dict[str, Any]]:
        """Return the branches that have items, the oldest first.

        Returns:
            Each with `branch_id`, `message_count`, `user_turns`, `is_current`, and `created_at`
            (UTC, as SQLite writes it).

        Raises:
            NotProjected, QueryTimeout, ProjectionError, ReadError, ClosedError: as `get_items`.
        """

        def question(db: apsw.Connection, _: str) -> list[tuple[int, dict[str, Any]]]:
            found = []
            for branch in self._all(db):
                kept = stored(db, branches.name_of(self.session_id, branch))
                if kept:
                    began = min(each.appended for each in kept)
                    said = {
                        "branch_id": branch,
                        "message_count": len(kept),
                        "user_turns": len(turns.prompts(kept)),
                        "is_current": branch == self._branch,
                        "created_at": turns.sql_time(began),
                    }
                    found.append((began, said))
            return found

        found = await self._ask(None, question)
        return [said for _, said in sorted(found, key=lambda each: each[0])]
