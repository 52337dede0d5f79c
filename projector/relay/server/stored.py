"""What the stream has of one machine, read segment by segment: to get damaged ones back."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import orjson

from projector.relay.chunk import parse, parse_subject
from projector.relay.errors import CarrierError, ChunkError
from projector.relay.server.jetstream import JetStream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from projector.relay.carrier import Last
    from projector.relay.chunk import Chunk, Place
    from projector.relay.config import Config
    from projector.relay.server.connection import Connection


class Stored:
    """The chunks of the stream, by their segments; what it lacks is read from other machines.

    Args:
        connection: the open connection.
        config: names the fleet and the user.
    """

    def __init__(self, connection: Connection, config: Config) -> None:
        self._connection = connection
        self._config = config
        self._senders: dict[Place, str] = {}

    async def places(self, machine: str) -> list[Place]:
        """Return the segments of a machine of which the stream has chunks.

        Raises:
            CarrierError: there is no stream, or no answer.
        """
        name = f"$JS.API.STREAM.INFO.{self._config.stream}"
        wanted = f"aj.{self._config.fleet}.seg.*.{machine}.>"
        offset, total = 0, 1
        while offset < total:
            body = orjson.dumps({"subjects_filter": wanted, "offset": offset})
            with self._connection.refusals(name):
                answer = await self._connection.client.request(
                    name, body, timeout=self._config.timeout
                )
            info = orjson.loads(answer.data)
            if "error" in info:
                raise CarrierError(f"{name}: {info['error'].get('description')}")
            subjects = info["state"].get("subjects") or {}
            for subject in subjects:
                with suppress(ChunkError):  # it is none of a segment, and nothing follows it
                    _, user, place = parse_subject(subject)
                    self._senders[place] = user
            offset += len(subjects)
            total = int(info.get("total", 0)) if subjects else 0
        return [place for place in self._senders if place.machine == machine]

    async def last(self, place: Place) -> Last:
        """Return the last chunk of a segment; `NOTHING` if there is none.

        Raises:
            CarrierError: there is no answer, or it is no chunk.
        """
        return await self._stream(place).last(place)

    async def stored(self, place: Place) -> AsyncIterator[Chunk]:
        """Yield the chunks that the stream has of a segment, in their order.

        Raises:
            CarrierError: there is no answer.
        """
        stream = self._stream(place)
        async for found in stream.messages(stream.subject(place)):
            with suppress(ChunkError):  # what cannot be read is missing
                yield parse(place, found.headers or {}, found.data or b"")

    async def read(self, place: Place, offset: int) -> Chunk | None:
        """Return a chunk of a segment from any machine that has it; None if there is none.

        Raises:
            CarrierError: the connection is lost.
        """
        return await self._stream(place).read(place, offset)

    def _stream(self, place: Place) -> JetStream:
        user = self._senders.get(place, self._config.sender)
        return JetStream(self._connection, self._config, lambda _machine: user)
