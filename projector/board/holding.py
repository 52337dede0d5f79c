"""Claims of tasks: taken, kept, and ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal.format.lossless import check_json, check_text
from projector.arguments import check_length
from projector.board import changes
from projector.board.checks import check_claim, check_name
from projector.board.handle import BoardHandle
from projector.board.names import beat_key
from projector.board.stored import BLOCKED, CLAIMED, DONE, OPEN
from projector.board.task import TaskClaim
from projector.errors import StaleClaim
from projector.store.claims import term
from projector.store.keys import key_event

if TYPE_CHECKING:
    from collections.abc import Mapping

    from projector.board.states import Snapshot
    from projector.board.task import State

_CLAIM_SECONDS = 300.0
_LOOK_SECONDS = 1.0
"""Seconds after which a heartbeat reads again how far the lanes have come."""


class Holding(BoardHandle):
    """What a worker does with a task that it holds."""

    def claim(
        self, *, worker: str, seconds: float = _CLAIM_SECONDS, task: str | None = None
    ) -> TaskClaim | None:
        """Claim the first task that is ready; of several processes that try, one gets it.

        The first is the one with the highest priority, and of one priority the one that was not
        changed for longest.

        Args:
            worker: who claims it.
            seconds: how long the claim is in force, and after each heartbeat.
            task: only this task.

        Returns:
            The claim, with a higher token than any before; None if nothing is ready.

        Raises:
            EventError: an argument is invalid; nothing was written.
            NotFound: the board has no such task.
            ArbiterBusy, NotProjected: as `SessionStore.decide`.
        """
        check_name("worker", worker)
        check_length("seconds", seconds)
        if task is not None:
            check_text("task", task)
            return self._claim_first(task, worker, seconds)
        # who waits for work takes no lock
        if worker != self._has_more and not self._may_have_ready(worker):
            return None
        return self._claim_first(None, worker, seconds)

    def _may_have_ready(self, worker: str) -> bool:
        """Return whether a worker can claim a task, or could a moment ago."""
        return self.store.decisions.ask_on(
            self._unapplied, lambda values: self._at(values).has_ready(worker)
        )

    def _claim_first(self, task: str | None, worker: str, seconds: float) -> TaskClaim | None:
        """Claim a task if it is ready, or the first that is."""

        def question(at: Snapshot) -> tuple[TaskClaim | None, list[dict[str, Any]]]:
            ready = at.ready(worker) if task is None else iter([(task, at.found(task))])
            for found, before in ready:
                if at.is_for(worker, found, before):
                    if task is None:
                        self._has_more = worker if next(ready, None) else None
                    state = changes.claimed(before, worker, seconds)
                    claim = TaskClaim(found, worker, state["token"], state["expires"], seconds)
                    return claim, self._change(at, found, before, state, event="claimed", by=worker)
            self._has_more = None
            return None, []

        return self._decide(question)

    def beat(self, claim: TaskClaim) -> TaskClaim:
        """Extend a claim: it is in force for its seconds from now. One append, and no lock.

        A heartbeat of a claim that another worker's has replaced has no effect.

        Returns:
            The claim with its new end. Whether it is still in force is known only to a decision,
            such as `complete`.

        Raises:
            EventError: `claim` is no claim; nothing was written.
            AppendError, SyncError, ClosedError: as `Journal.append`.
        """
        check_claim(claim)
        ends = term(claim.seconds)
        key = beat_key(claim.task, claim.token)
        event = key_event(self._names.beats, key, {"worker": claim.worker, **ends})
        # only its holder beats, also in another process: what that wrote is read now and then
        self._append(event, min(_LOOK_SECONDS, claim.seconds / 4))
        return TaskClaim(claim.task, claim.worker, claim.token, ends["expires"], claim.seconds)

    def complete(self, claim: TaskClaim, *, result: Any = None) -> None:  # noqa: ANN401 - any JSON
        """Complete a task, so that those that wait for it become ready.

        The same claim can complete a task again: a worker that died before it got the answer
        repeats the call.

        Args:
            claim: the claim of the worker.
            result: anything that JSON holds.

        Raises:
            StaleClaim: the task is not held by this claim any more; nothing was written.
            EventError: `claim` is no claim, or `result` cannot be stored as it is; nothing was
                written.
            NotFound, ArbiterBusy, NotProjected: as `claim`.
        """
        check_json("result", result)
        self._end(claim, DONE, "completed", result=result)

    def block(self, claim: TaskClaim, reason: str) -> None:
        """Give a task up that cannot be done now; no worker can claim it until it is unblocked.

        Raises:
            StaleClaim, EventError, NotFound, ArbiterBusy, NotProjected: as `complete`.
        """
        check_name("reason", reason)
        self._end(claim, BLOCKED, "blocked", reason=reason)

    def release(self, claim: TaskClaim, reason: str | None = None) -> None:
        """Give a task back: others can claim it at once.

        Raises:
            StaleClaim, EventError, NotFound, ArbiterBusy, NotProjected: as `complete`.
        """
        if reason is not None:
            check_text("reason", reason)
        self._end(claim, OPEN, "released", reason=reason)

    def _end(self, claim: TaskClaim, to: State, event: str, **fields: Any) -> None:  # noqa: ANN401 - any JSON
        """End a claim in a state; a claim that has done so already may do it again."""
        check_claim(claim)

        def question(at: Snapshot) -> tuple[None, list[dict[str, Any]]]:
            before = at.found(claim.task)
            held = before["state"], before["token"], before.get("holder")
            if held != (CLAIMED, claim.token, claim.worker):
                if _was_ended(before, claim, event):
                    return None, []
                raise StaleClaim(
                    stale(claim, before["state"], before.get("holder"), before["token"])
                )
            state = changes.ended(before, to, **fields)
            note = fields.get("reason")
            return None, self._change(
                at, claim.task, before, state, event=event, by=claim.worker, note=note
            )

        self._decide(question)


def _was_ended(state: Mapping[str, Any], claim: TaskClaim, event: str) -> bool:
    """Return whether the last that happened to a task is that this claim ended so."""
    last = state.get("last")
    return (
        isinstance(last, dict)
        and last.get("event") == event
        and last.get("token") == claim.token
        and last.get("by") == claim.worker
    )


def stale(claim: TaskClaim, state: str, holder: str | None, token: int) -> str:
    """Return what is wrong with a claim, given the state of its task."""
    by = f" by {holder!r}" if holder else ""
    return (
        f"worker {claim.worker!r} does not hold task {claim.task!r} with token {claim.token}: it is"
        f" {state}{by}, and its last token is {token}; nothing was written"
    )
