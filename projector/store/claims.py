"""Claims: who may do a thing for a while, with a number that tells late holders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from journal.format.event_types import KEY_SET
from journal.process import clock
from journal.process.boot import boot_id, since_boot

if TYPE_CHECKING:
    import apsw

CLAIMS = "@claims"
"""The session that claims are kept in, as key-values."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What somebody holds.

    Attributes:
        name: of the thing.
        holder: who holds it.
        token: grows with every claim of the thing: whoever is given a smaller one than it has
            seen must refuse (a fencing token).
        expires: microseconds since 1970; it may be claimed by others from then on.
    """

    name: str
    holder: str
    token: int
    expires: int


def standing(db: apsw.Connection, name: str) -> tuple[Claim | None, int]:
    """Return the claim in force on a thing, if any, and the last token given for it."""
    found = key_value(db, CLAIMS, name)
    if not isinstance(found, dict):
        return None, 0
    token = int(found["token"])
    if "holder" not in found or _is_over(found):
        return None, token
    return Claim(name, found["holder"], token, found["expires"]), token


def _is_over(claim: dict[str, Any]) -> bool:
    """Say whether a claim has run out.

    The wall clock may be set at any time, forward and back: while the machine that the claim was
    made on runs, the clock counts that runs with it.
    """
    boot, until = claim.get("boot"), claim.get("until")
    if boot and boot == boot_id() and isinstance(until, int):
        return until <= since_boot()
    return int(claim["expires"]) <= clock.wall()


def taking(name: str, holder: str, token: int, seconds: float) -> tuple[Claim, dict[str, Any]]:
    """Return a claim from now on, and the event that makes it."""
    length = round(seconds * 1_000_000)
    claim = Claim(name, holder, token, clock.wall() + length)
    value = {"holder": holder, "token": token, "expires": claim.expires}
    if boot := boot_id():
        value |= {"boot": boot, "until": since_boot() + length}
    return claim, key_event(CLAIMS, name, value)


def leaving(claim: Claim) -> dict[str, Any]:
    """Return the event that gives a claim up; its token stays used."""
    return key_event(CLAIMS, claim.name, {"token": claim.token})


def key_event(namespace: str, key: str, value: object) -> dict[str, Any]:
    """Return the event that sets a key."""
    return {"session": namespace, "type": KEY_SET, "data": {"key": key, "value": value}}


def key_value(db: apsw.Connection, namespace: str, key: str, default: object = None) -> Any:  # noqa: ANN401 - any JSON
    """Return the value of a key; `default` if it has none."""
    query = (
        "SELECT k.value FROM _keys k JOIN _sessions s ON s.id = k.session"
        " WHERE s.session = ? AND k.key = ?"
    )
    found = db.execute(query, (namespace, key)).get
    return default if found is None else orjson.loads(found)


def key_values(db: apsw.Connection, namespace: str) -> dict[str, Any]:
    """Return the keys that have a value, sorted, and their values."""
    query = (
        "SELECT k.key, k.value FROM _keys k JOIN _sessions s ON s.id = k.session"
        " WHERE s.session = ? AND k.value IS NOT NULL ORDER BY k.key"
    )
    return {key: orjson.loads(value) for key, value in db.execute(query, (namespace,))}
