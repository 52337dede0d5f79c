"""Makes the stream of a fleet on a server; only the administrator may."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nats.js import api
from nats.js.errors import NotFoundError

from projector.relay.errors import CarrierError
from projector.relay.server.connection import connect

if TYPE_CHECKING:
    from projector.relay.config import Config

_COMPRESSED = (2, 10)
"""The first version of the server that compresses streams."""


async def make_stream(config: Config) -> bool:
    """Make the stream of the fleet, unless it is there; return whether it was made.

    Raises:
        CarrierError: this machine may not, or the server refuses.
    """
    if config.user and not config.admin:
        raise CarrierError(
            f"the server has no stream {config.stream}, which only the machine makes that joined"
            " with the credentials of the hub: start its relay"
        )
    admin = replace(config, user=config.admin, secret=config.admin_secret)
    connection = await connect(admin)
    try:
        js = connection.client.jetstream()
        with connection.refusals(config.stream):
            try:
                await js.stream_info(config.stream)
            except NotFoundError:
                await js.add_stream(_stream(config, connection.client.connected_server_version))
                return True
    finally:
        await connection.close()
    return False


def _stream(config: Config, version: object) -> api.StreamConfig:
    number = (getattr(version, "major", 0), getattr(version, "minor", 0))
    return api.StreamConfig(
        name=config.stream,
        subjects=[f"aj.{config.fleet}.seg.>"],
        storage=api.StorageType.FILE,
        num_replicas=config.replicas,
        discard=api.DiscardPolicy.NEW,
        deny_purge=True,
        allow_direct=True,
        compression=api.StoreCompression.S2 if number >= _COMPRESSED else None,
    )
