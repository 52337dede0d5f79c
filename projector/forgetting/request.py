"""Requests to forget: names as keyed hashes, in events of a bounded size."""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from journal.erasure.hashes import event_hash, session_hash
from journal.erasure.requests import RequestScan
from journal.errors import EventError, JournalOpenError
from journal.fs.directory import KEY_FILE
from journal.fs.key_file import own_key, read_keys
from projector.forgetting import contents
from projector.forgetting.mentions import NameFinder
from projector.text.highlight import find
from projector.text.query import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    import apsw

    from journal.format.keyed_hash import Key
    from journal.fs.directory import Directory
    from projector.forgetting.plan import Names, Plan
    from projector.forgetting.repeats import Naming

_MOST = 100_000
"""Hashes in one request: its record has less than 4 MiB."""


def requests(
    db: apsw.Connection, plan: Plan, naming: Naming, reason: str | None = None
) -> list[dict[str, Any]]:
    """Return the data of the requests that carry out a plan.

    Args:
        db: the projection.
        plan: the plan.
        naming: makes the hashes, with the journal's own key.
        reason: why.
    """
    about = {"scope": plan.scope} | ({} if reason is None else {"reason": reason})
    hashes = _hashes(db, plan.names, naming)
    found = []
    while part := list(islice(hashes, _MOST)):
        data: dict[str, Any] = {"key": naming.key.id}
        for kind, each in part:
            data.setdefault(kind, []).append(each)
        found.append(data | about)
    return found


def _hashes(db: apsw.Connection, names: Names, naming: Naming) -> Iterator[tuple[str, str]]:
    """Yield each hash with the field of a request that it belongs into."""
    for session in names.sessions:
        yield "sessions", session_hash(naming.key, session)
    for session, id in (*names.events, *names.unneeded):
        yield "events", event_hash(naming.key, session, id)
    if not names.with_repeats:
        return
    whole = (each for session in names.sessions for each in contents.of_session(db, session))
    single = (each for name in names.events for each in contents.of_key(db, *name))
    messages: set[str] = set()
    for content in chain(whole, single):
        messages |= naming.hashes(content)
    for each in sorted(messages):
        yield "messages", each


def request_key(directory: Directory) -> Key:
    """Return the key with which a new request is made; make it where nothing was ever forgotten.

    Raises:
        JournalOpenError: the file `key` is missing, and requests in the lanes need it; or as
            `own_key`. No key was made.
    """
    check_key(directory)
    return own_key(directory.path)


def check_key(directory: Directory) -> None:
    """Refuse a journal with requests and without a key: a new key would hide that one is missing.

    Raises:
        JournalOpenError: it is one, or as `RequestScan.read`.
        ReadError: a segment cannot be read.
    """
    if read_keys(directory.path):
        return
    keys = RequestScan(directory).read().unknown_keys
    if keys:
        raise JournalOpenError(
            f"the file {directory.path / KEY_FILE} is missing, and requests to forget need the key"
            f" {', '.join(keys)} in it: put it back from a backup or a copy of the journal. Only if"
            " there is none, `journal forget --finish --new-key` makes a new key; then what these"
            " requests forget is never recognized again"
        )


def check_reason(reason: str | None, plan: Plan) -> None:
    """Refuse a reason that contains what is forgotten.

    Raises:
        EventError: it names a session or a message that is forgotten, or the title of one, or has a
            word that was searched for.
    """
    if reason is None:
        return
    names = [session.session for session in plan.sessions]
    names += [session.title for session in plan.sessions if session.title]
    names += [name for message in plan.messages for name in (message.session, message.id)]
    if NameFinder(names).finds_any(reason):
        raise EventError(
            "the reason names a session, a title or a message that is to be forgotten, and would"
            " keep that name: give another reason"
        )
    if plan.query is not None and find(reason, parse(plan.query).terms):
        raise EventError(
            "the reason has a word that was searched for, and would keep it: give another reason"
        )
