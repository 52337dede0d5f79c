"""The carrier that is a stream of a NATS JetStream server."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import orjson
from nats import errors
from nats.js import api
from nats.js.errors import APIError, NotFoundError

from journal.format.timestamps import moment, to_microseconds
from projector.relay.carrier import NOTHING, Arrived, Identity, Last
from projector.relay.chunk import Chunk, Place, headers, parse, subject
from projector.relay.errors import CarrierError, ChunkError, Refused
from projector.relay.server.messages import REPORT_SUBJECT, arrived, parse_read, stored_mark

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from nats.aio.client import Client
    from nats.aio.msg import Msg

    from projector.relay.config import Config
    from projector.relay.server.connection import Connection

_PEERS = 2.0
"""Seconds to wait for bytes of another machine."""
_WRONG_LAST = 10071
"""The server's code for a fence that is not the last chunk."""
_WRONG_LAST_STREAM = 10164
"""The same of newer servers, where the subject has another last chunk."""


class JetStream:
    """The stream of a fleet.

    Args:
        connection: the open connection.
        config: names the fleet and the user.
        sender: returns the user that sends as a machine, for the keeper.
    """

    def __init__(
        self, connection: Connection, config: Config, sender: Callable[[str], str]
    ) -> None:
        self._connection = connection
        self._nc: Client = connection.client
        self._timeout = config.timeout
        self._js = connection.client.jetstream(timeout=config.timeout)
        self._config = config
        self._sender = sender

    async def exists(self) -> bool:
        """Return whether the server has the stream.

        Raises:
            CarrierError: there is no answer.
        """
        with self._connection.refusals(self._config.stream):
            try:
                await self._js.stream_info(self._config.stream)
            except NotFoundError:
                return False
        return True

    async def identity(self, cursor: int) -> Identity:
        """Return when the stream was made, its last number, and what is at a cursor.

        Raises:
            CarrierError: there is no stream, or no answer.
        """
        name = f"$JS.API.STREAM.INFO.{self._config.stream}"
        with self._connection.refusals(name):
            answer = await self._nc.request(name, timeout=self._timeout)
            info = orjson.loads(answer.data)
            if "error" in info:
                raise CarrierError(f"{name}: {info['error'].get('description')}")
            last, mark = int(info["state"]["last_seq"]), ""
            if 0 < cursor <= last:
                with suppress(NotFoundError):  # it was erased
                    found = await self._js.get_msg(self._config.stream, seq=cursor)
                    mark = stored_mark(found)
        now = moment("ts", info["ts"]) if "ts" in info else 0
        replicas = int(info["config"]["num_replicas"])
        return Identity(str(info["created"]), last, mark, now, replicas)

    async def send(self, chunk: Chunk, fence: int) -> int:
        """Send a chunk behind the last one of its segment, and return the next fence.

        Raises:
            Refused: the last chunk is another one.
            CarrierError: it is not known whether the chunk was taken.
        """
        fields = headers(chunk) | {"Nats-Expected-Last-Subject-Sequence": str(fence)}
        with self._connection.refusals(self.subject(chunk.place)):
            try:
                ack = await self._js.publish(
                    self.subject(chunk.place),
                    chunk.data,
                    timeout=self._timeout,
                    stream=self._config.stream,
                    headers=fields,
                )
            except APIError as error:
                if error.err_code in {_WRONG_LAST, _WRONG_LAST_STREAM}:
                    raise Refused(str(error.description)) from error
                raise
        return int(ack.seq)

    async def last(self, place: Place) -> Last:
        """Return the last chunk of a segment; `NOTHING` if there is none.

        Raises:
            CarrierError: there is no answer, or it is no chunk.
        """
        with self._connection.refusals(self.subject(place)):
            try:
                found = await self._js.get_last_msg(self._config.stream, self.subject(place))
            except NotFoundError:
                return NOTHING
        try:
            chunk = parse(place, found.headers or {}, found.data or b"")
        except ChunkError as error:
            raise CarrierError(
                f"the last message of {place.segment} is no chunk: {error}"
            ) from error
        return Last(found.seq or 0, chunk.end, chunk.after, chunk.whole is not None)

    async def follow(self, cursor: int) -> AsyncIterator[Arrived]:
        """Yield what was sent behind a cursor, as it arrives.

        Raises:
            CarrierError: the connection is lost.
        """
        name = f"aj.{self._config.fleet}.seg.>"
        with self._connection.refusals(name):
            subscription = await self._js.subscribe(
                name,
                stream=self._config.stream,
                ordered_consumer=True,
                config=api.ConsumerConfig(
                    deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE,
                    opt_start_seq=cursor + 1,
                ),
            )
        while True:
            try:
                # with a callback the client would answer at once for what it only holds
                message = await subscription.next_msg(timeout=1.0)
            except errors.TimeoutError:
                self._connection.check()
                continue
            except errors.Error as error:
                raise CarrierError(f"the stream cannot be followed: {error!r}") from error
            self._connection.check()
            yield arrived(message)

    async def read(self, place: Place, offset: int) -> Chunk | None:
        """Return a chunk of a segment from any machine that has it; None if there is none.

        Raises:
            CarrierError: the connection is lost.
        """
        wanted = {
            "machine": place.machine,
            "lane": place.lane,
            "number": place.number,
            "offset": offset,
        }
        name = f"aj.{self._config.fleet}.read.{place.segment}"
        with self._connection.refusals(name):
            try:
                answer = await self._nc.request(name, orjson.dumps(wanted), timeout=_PEERS)
            except (errors.TimeoutError, errors.NoRespondersError):
                self._connection.check()
                return None
        try:
            return parse(place, answer.headers or {}, answer.data)
        except ChunkError:
            return None

    async def serve(self, reader: Callable[[Place, int], Chunk | None]) -> None:
        """Answer what other machines read, from now on.

        Raises:
            CarrierError: the connection is lost.
        """

        async def answer(message: Msg) -> None:
            asked = parse_read(message)
            chunk = reader(*asked) if asked else None
            if chunk is not None and message.reply:
                await self._nc.publish(message.reply, chunk.data, headers=headers(chunk))

        name = f"aj.{self._config.fleet}.read.*"
        with self._connection.refusals(name):
            await self._nc.subscribe(name, cb=answer)

    async def erase(self, segment: str) -> int:
        """Overwrite all our chunks of a segment in the stream; return how many these were.

        They are removed one by one: what a purge removes stays in the server's files.

        Raises:
            CarrierError: there is no answer.
        """
        erased = 0
        name = f"aj.{self._config.fleet}.seg.{self._config.sender}.*.*.*.{segment}"
        async for found in self.messages(name):
            with self._connection.refusals(name):
                await self._js.delete_msg(self._config.stream, found.seq or 0)
                erased += 1
        return erased

    async def send_key(self, id: str, digits: str) -> None:
        """Send a key of keyed hashes, unless the stream has it.

        Raises:
            CarrierError: there is no answer.
        """
        name = f"aj.{self._config.fleet}.seg.{self._config.sender}.key.{id}"
        with self._connection.refusals(name):
            try:
                await self._js.get_last_msg(self._config.stream, name)
            except NotFoundError:
                await self._js.publish(
                    name, digits.encode(), timeout=self._timeout, stream=self._config.stream
                )

    async def leave_report(self, machine: str, data: bytes) -> None:
        """Leave the report of a machine for those that are not connected now.

        It takes the place of the machine's last one.

        Raises:
            CarrierError: there is no answer.
        """
        name = f"aj.{self._config.fleet}.seg.{self._sender(machine)}.have.{machine}"
        stream = self._config.stream
        with self._connection.refusals(name):
            before = None
            with suppress(NotFoundError):
                before = (await self._js.get_last_msg(stream, name)).seq
            await self._js.publish(name, data, timeout=self._timeout, stream=stream)
            if before is not None:
                with suppress(NotFoundError):
                    await self._js.delete_msg(stream, before)

    async def reports(self) -> AsyncIterator[Arrived]:
        """Yield the reports that machines left.

        Raises:
            CarrierError: there is no answer.
        """
        async for found in self.messages(f"aj.{self._config.fleet}.seg.*.have.*"):
            if REPORT_SUBJECT.fullmatch(found.subject or "") and found.time is not None:
                at = to_microseconds(found.time)
                yield Arrived(found.seq or 0, "", None, report=found.data or b"", at=at)

    async def messages(self, name: str) -> AsyncIterator[api.RawStreamMsg]:
        """Yield what the stream has under a subject, or under a pattern of subjects, in its order.

        Raises:
            CarrierError: there is no answer.
        """
        after = 1
        while True:
            with self._connection.refusals(name):
                try:
                    found = await self._js.get_msg(
                        self._config.stream, seq=after, subject=name, next=True
                    )
                except NotFoundError:
                    return
            after = (found.seq or 0) + 1
            yield found

    async def report(self, data: bytes) -> None:
        """Send a report to the other machines.

        Raises:
            CarrierError: the connection is lost.
        """
        name = f"aj.{self._config.fleet}.have.{self._config.sender}"
        with self._connection.refusals(name):
            await self._nc.publish(name, data)

    async def hear(self, take: Callable[[bytes], Any]) -> None:
        """Pass the reports of the machines to a function, from now on.

        Raises:
            CarrierError: the connection is lost.
        """

        async def hear(message: Msg) -> None:
            take(message.data)

        name = f"aj.{self._config.fleet}.have.*"
        with self._connection.refusals(name):
            await self._nc.subscribe(name, cb=hear)

    async def flush(self) -> None:
        """Wait until the server has all that was published.

        Raises:
            CarrierError: the connection is lost.
        """
        with self._connection.refusals():
            await asyncio.wait_for(self._nc.flush(), self._timeout)

    def subject(self, place: Place) -> str:
        """Return the subject under which a segment is sent."""
        return subject(self._config.fleet, self._sender(place.machine), place)
