"""Removes what was erased from the logs of a cluster.

A server overwrites a message that is deleted, but each server of a cluster has it in the log of the
stream's group, too, until it writes a snapshot. A stream that goes back to one server has no group:
its servers remove the log, and two of them the stream. With all its servers again, it gets a new
group, and the others get the stream as it is now. It stays in use meanwhile; its machines have all
that it has.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import orjson
from nats import errors

from projector.relay.errors import CarrierError
from projector.relay.server.connection import Connection, connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from projector.relay.config import Config

_TIMEOUT = 10.0
"""Seconds to wait for one answer."""
_PATIENCE = 60.0
"""Seconds until the servers must have done what they were asked for."""
_LOOK = 0.1


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """What was scrubbed.

    Attributes:
        stream: name of the stream.
        replicas: servers that have it: with one there is no log, and nothing to do.
        pending: segments that were replaced, and whose old chunks are still in the stream: only
            the machine that wrote them erases these.
    """

    stream: str
    replicas: int
    pending: tuple[str, ...]


async def scrub(config: Config, superseded: Iterable[str], note: Callable[[int], None]) -> Scrubbed:
    """Let the servers of a cluster forget their logs.

    Args:
        config: of the machine that made the stream.
        superseded: uuids of segments that others replace.
        note: remembers how many servers have the stream, also if it is killed.

    Raises:
        CarrierError: this machine may not, or the servers do not do it.
    """
    connection = await connect(config)
    try:
        pending = [each for each in superseded if await _is_there(connection, config, each)]
    finally:
        await connection.close()
    if config.user and not config.admin:
        raise CarrierError(
            "only the machine that joined with the credentials of the hub may change the stream:"
            " run it there"
        )
    connection = await connect(replace(config, user=config.admin, secret=config.admin_secret))
    try:
        replicas = max(config.replicas, int((await _info(connection, config))["num_replicas"]))
        if replicas > 1:
            note(replicas)
            note(1)
            try:
                await _scale(connection, config, 1)
            finally:  # if it is interrupted, too: one server alone is less than what was promised
                await _scale(connection, config, replicas)
            note(replicas)
    finally:
        await connection.close()
    return Scrubbed(config.stream, replicas, tuple(pending))


async def _scale(connection: Connection, config: Config, replicas: int) -> None:
    """Give the stream so many servers, and wait until all of them have it.

    Raises:
        CarrierError: they do not get it in time.
    """
    until = time.monotonic() + _PATIENCE
    refused = ""
    while time.monotonic() < until:
        try:
            wanted = await _info(connection, config)
            if int(wanted["num_replicas"]) != replicas:
                await _ask(connection, config, "UPDATE", wanted | {"num_replicas": replicas})
            elif await _is_complete(connection, config, replicas):
                return
        except CarrierError as error:  # a cluster without a leader at this moment
            refused = f": {error}"
            connection.check()
        await asyncio.sleep(_LOOK)
    raise CarrierError(
        f"the stream {config.stream} has not come to {replicas} of its servers in"
        f" {_PATIENCE:.0f} s{refused}; run it again when all of them are up"
    )


async def _is_complete(connection: Connection, config: Config, replicas: int) -> bool:
    found = await _ask(connection, config, "INFO", None)
    cluster = found.get("cluster") or {}
    others = cluster.get("replicas") or []
    return (
        bool(cluster.get("leader"))
        and len(others) == replicas - 1
        and all(each.get("current") and not each.get("offline") for each in others)
    )


async def _info(connection: Connection, config: Config) -> dict[str, Any]:
    """Return the configuration of the stream, as the server has it."""
    found = await _ask(connection, config, "INFO", None)
    return dict(found["config"])


async def _ask(connection: Connection, config: Config, what: str, body: object) -> dict[str, Any]:
    """Ask the servers something about the stream.

    The configuration goes back with fields that the client does not know.

    Raises:
        CarrierError: there is no answer, or it is an error.
    """
    subject = f"$JS.API.STREAM.{what}.{config.stream}"
    data = b"" if body is None else orjson.dumps(body)
    with connection.refusals(subject):
        answer = await connection.client.request(subject, data, timeout=_TIMEOUT)
    found: dict[str, Any] = orjson.loads(answer.data)
    if "error" in found:
        raise CarrierError(f"{subject}: {found['error'].get('description')}")
    return found


async def _is_there(connection: Connection, config: Config, segment: str) -> bool:
    """Return whether the stream has a chunk of a segment."""
    subject = f"$JS.API.STREAM.MSG.GET.{config.stream}"
    body = {"seq": 1, "next_by_subj": f"aj.{config.fleet}.seg.*.*.*.*.{segment}"}
    with connection.refusals(subject):
        try:
            answer = await connection.client.request(subject, orjson.dumps(body), timeout=_TIMEOUT)
        except errors.NoRespondersError:
            raise CarrierError(f"the server has no stream {config.stream}") from None
    return "message" in orjson.loads(answer.data)
