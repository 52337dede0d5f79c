"""Claims: a name has one holder until a time, with a fencing token that detects late holders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from journal.errors import EventError, shown
from journal.format.bounds import is_count
from journal.format.lossless import check_text
from journal.format.timestamps import to_datetime
from journal.process import clock
from journal.process.boot import boot_id, since_boot
from projector.arguments import check_length
from projector.errors import QueryError
from projector.store.deciding.values import key_value
from projector.store.keys import check_storable, key_event

if TYPE_CHECKING:
    from datetime import datetime

    import apsw

    from projector.store.handle import Handle

CLAIMS = "@claims"
"""The session that claims are kept in, as key-values."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim of a holder on a name.

    Attributes:
        name: the name, such as that of a job.
        holder: the holder.
        token: fencing token, which grows with every claim of the name: a resource must refuse a
            lower token than it has seen.
        expires: when others may claim the name, microseconds since 1970.
    """

    name: str
    holder: str
    token: int
    expires: int

    @property
    def expires_utc(self) -> datetime:
        """`expires` as a datetime in UTC."""
        return to_datetime(self.expires)


class Claims:
    """Claims of a store, as `SessionStore.claims`: a name has one holder at a time.

    ::

        claim = store.claims.acquire("nightly-report", holder="worker-7", seconds=60)
        if claim is not None:
            claim = store.claims.renew(claim, seconds=60)
        print(store.claims.get("nightly-report"))
        if claim is not None:
            store.claims.release(claim)
    """

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    def acquire(self, name: str, *, holder: str, seconds: float) -> Claim | None:
        """Claim a name for some time; of several processes that try, one succeeds.

        Args:
            name: the name.
            holder: the holder; it is refused, too, while its own claim is in force.
            seconds: how long the claim is in force unless it is renewed.

        Returns:
            The claim, with a higher token than any before; None if a claim is in force.

        Raises:
            EventError: `name` or `holder` cannot be stored, or `seconds` is not above 0; nothing
                was written.
            ArbiterBusy, NotProjected: as `SessionStore.decide`.
        """
        check_text("name", name)
        check_text("holder", holder)
        if not name:
            raise EventError("name must not be empty")
        check_length("seconds", seconds)
        check_storable(begin_claim(name, holder, 1, seconds)[1])

        def question(db: apsw.Connection) -> tuple[Claim | None, list[dict[str, Any]]]:
            held, token = find_claim(db, name)
            if held is not None:
                return None, []
            claim, event = begin_claim(name, holder, token + 1, seconds)
            return claim, [event]

        return self._handle.decide(question, sessions=[CLAIMS])

    def renew(self, claim: Claim, *, seconds: float) -> Claim | None:
        """Extend a claim: it is in force for so many seconds from now.

        Returns:
            The claim with its new end; None if it has expired; another holder may have
            the name.

        Raises:
            EventError: `claim` is no claim, or `seconds` is not above 0; nothing was written.
            ArbiterBusy, NotProjected: as `SessionStore.decide`.
        """
        _check_claim(claim)
        check_length("seconds", seconds)

        def question(db: apsw.Connection) -> tuple[Claim | None, list[dict[str, Any]]]:
            held, token = find_claim(db, claim.name)
            if held is None or token != claim.token:
                return None, []
            renewed, event = begin_claim(claim.name, claim.holder, claim.token, seconds)
            return renewed, [event]

        return self._handle.decide(question, sessions=[CLAIMS])

    def release(self, claim: Claim) -> bool:
        """End a claim; return whether it was still in force.

        Raises:
            EventError: `claim` is no claim; nothing was written.
            ArbiterBusy, NotProjected: as `SessionStore.decide`.
        """
        _check_claim(claim)

        def question(db: apsw.Connection) -> tuple[bool, list[dict[str, Any]]]:
            held, token = find_claim(db, claim.name)
            if held is None or token != claim.token:
                return False, []
            return True, [end_claim(claim)]

        return self._handle.decide(question, sessions=[CLAIMS])

    def get(self, name: str) -> Claim | None:
        """Return the claim in force on a name; None if there is none.

        Raises:
            QueryError: `name` is no text.
            NotProjected, QueryTimeout, ProjectionError, ReadError: as `SessionStore.read`.
            ClosedError: the store was closed.
        """
        check_text("name", name, QueryError)
        return self._handle.read(lambda db: find_claim(db, name)[0], sessions=[CLAIMS])[0]


def _check_claim(claim: object) -> None:
    if not isinstance(claim, Claim):
        raise EventError(f"claim must be a Claim, as `acquire` returns it, not {shown(claim)}")
    check_text("claim.name", claim.name)
    check_text("claim.holder", claim.holder)


def find_claim(db: apsw.Connection, name: str) -> tuple[Claim | None, int]:
    """Return the claim in force on a name, if any, and the last token of the name."""
    found = key_value(db, CLAIMS, name)
    # a key-value of the namespace can be set by any program, to any value
    if not isinstance(found, dict) or not is_count(token := found.get("token")):
        return None, 0
    holder, expires = found.get("holder"), found.get("expires")
    if not isinstance(holder, str) or not is_count(expires) or is_over(found):
        return None, token
    return Claim(name, holder, token, expires), token


def is_over(term: dict[str, Any]) -> bool:
    """Return whether a term, such as `term` returns it, has ended."""
    # the wall clock can be set at any time, forward and back: until the next boot of the machine
    # that made the claim, compare the clock that counts from its boot
    boot, until = term.get("boot"), term.get("until")
    if boot and boot == boot_id() and isinstance(until, int):
        return until <= since_boot()
    expires: int = term["expires"]
    return expires <= clock.wall()


def term(seconds: float) -> dict[str, Any]:
    """Return so many seconds from now: `expires` by the wall clock, `until` by that of the boot."""
    length = round(seconds * 1_000_000)
    found: dict[str, Any] = {"expires": clock.wall() + length}
    if boot := boot_id():
        found |= {"boot": boot, "until": since_boot() + length}
    return found


def begin_claim(name: str, holder: str, token: int, seconds: float) -> tuple[Claim, dict[str, Any]]:
    """Return a claim that is in force from now on, and the event that makes it."""
    ends = term(seconds)
    claim = Claim(name, holder, token, ends["expires"])
    value = {"holder": holder, "token": token, **ends}
    return claim, key_event(CLAIMS, name, value)


def end_claim(claim: Claim) -> dict[str, Any]:
    """Return the event that ends a claim; its token stays used."""
    return key_event(CLAIMS, claim.name, {"token": claim.token})
