"""Plan what is to be forgotten, and forget it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from journal.fs.directory import open_directory
from journal.fs.key_file import any_key
from journal.process import clock
from journal.redact.setup import way_out
from projector.errors import NotFound, NotProjected, QueryError
from projector.forgetting.finish import append_requests, finish_requested, none_kept
from projector.forgetting.plan import Plan, make_plan
from projector.forgetting.repeats import Naming
from projector.forgetting.request import check_key, check_reason, request_key, requests
from projector.forgetting.selection import Selection
from projector.projection import Projection

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    import apsw

    from journal.fs.directory import Directory
    from journal.writer import Journal
    from projector.forgetting.finish import Outcome
    from projector.forgetting.retention import Policy

Answer = TypeVar("Answer")

_PATIENCE = 60.0
"""Seconds to wait for a running projector: a plan must know all that was appended."""


def plan(path: str | os.PathLike[str], selection: Selection | Policy) -> Plan:
    """Return what a selection would forget; nothing is changed.

    Args:
        path: the journal's folder.
        selection: what is to be forgotten, or a policy of retention.

    Raises:
        NotAJournalError: there is no journal.
        NotFound: a session or message that the selection names is not in the journal.
        QueryError: the selection's `before` is in the future.
        NotProjected: a projector runs and is behind.
        ProjectionError: the projection cannot be read or built.
        JournalOpenError: the file `key` is damaged, or it is missing and requests need it.
        RedactionError: `redact.toml` cannot be used, or asks for what is not installed.
    """
    now = clock.wall()
    if isinstance(selection, Selection) and (selection.cutoff or 0) > now:
        raise QueryError("`before` is in the future: everything would be selected")
    directory = open_directory(path, create=False)
    check_key(directory)
    # without a key nothing was redacted, and any key finds what repeats a message
    naming = Naming(any_key(directory.path), way_out(directory.path))
    return _read(directory, lambda db: make_plan(db, selection, naming, now))


def forget(
    path: str | os.PathLike[str],
    what: Selection | Policy | Plan,
    *,
    reason: str | None = None,
    allow_again: bool = False,
    erase_damage: bool = False,
) -> Outcome:
    """Forget what is selected: hide it for ever, and remove its bytes.

    The requests are durable before anything else is done. If it fails after that, nothing is lost,
    and `finish_forgetting` does the rest.

    ::

        selection = Selection(sessions=("s1",))
        print(plan("~/agents", selection).events)
        outcome = forget("~/agents", selection, reason="asked by the customer")
        print(outcome.lines, outcome.pending)

    Args:
        path: the journal's folder.
        what: what is to be forgotten, a policy of retention, or a plan of one of them.
        reason: why; it stays in the journal, and must not contain what is forgotten.
            Secrets in it are redacted.
        allow_again: whether the same messages may be appended again later; not of what is deleted
            or replaced, which would be shown again.
        erase_damage: whether bytes that are no valid record are erased, too.

    Returns:
        What was done, and what is pending.

    Raises:
        NotAJournalError: there is no journal.
        NotFound: there is nothing that matches, or all of it was restored since the plan was made.
        QueryError: as `plan`, or what is deleted or replaced is to be forgotten so that it may be
            appended again.
        EventError: the reason contains what is forgotten; nothing was written.
        AppendError, LeaseError: the requests cannot be written; nothing was done.
        NotFinished: the requests, or some of them, are in the journal, and the rest failed.
        NotProjected, ProjectionError, JournalOpenError, RedactionError: as `plan`; nothing was
            done.
    """
    found = what if isinstance(what, Plan) else plan(path, what)
    if not found:
        raise NotFound("nothing matches: there is nothing to forget")
    if allow_again and found.wanted:
        raise QueryError(
            "what is deleted or replaced cannot be forgotten so that it may be appended again: it"
            " would be shown"
        )
    check_reason(reason, found)
    directory = open_directory(path, create=False)
    with none_kept():
        redactor = way_out(directory.path)
        naming = Naming(request_key(directory), redactor)
        reason = None if reason is None else redactor.text(reason)
        new = _read(directory, lambda db: requests(db, found.still_unneeded(db), naming, reason))
        if not new:
            raise NotFound("what was to be forgotten is needed again: it was restored meanwhile")

    def make(journal: Journal) -> list[dict[str, Any]]:
        reach = {"reach": journal.ends()} if allow_again else {}
        return [data | reach for data in new]

    append_requests(directory, make)
    return finish_requested(directory, erase_damage=erase_damage)


def _read(directory: Directory, query: Callable[[apsw.Connection], Answer]) -> Answer:
    """Query a projection that knows everything that was appended.

    Raises:
        NotProjected: a projector runs and is behind.
    """
    with Projection.open(directory.path) as projection:
        answer, fresh = projection.read(query, patience=_PATIENCE)
    if not fresh:
        raise NotProjected(
            f"what is to be forgotten is selected from all that was appended, and {fresh.behind}."
            " Do it again when that is done; see `projector status`"
        )
    return answer
