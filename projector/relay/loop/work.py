"""The work of one connection: send, receive, fill holes, report; any failure ends it.

`run` begins again from disk then: nothing in memory outlives a reset of the carrier.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from journal.process import clock
from projector.relay.carrier import mark_of
from projector.relay.errors import CarrierError, Reset, TooLarge
from projector.relay.files.mirror import Mirrors
from projector.relay.files.ours import Ours
from projector.relay.files.own import Names
from projector.relay.identity import RELAY, former_of, machine_of
from projector.relay.inbound import Inbound
from projector.relay.loop.ending import end
from projector.relay.loop.help import Help
from projector.relay.loop.keys import Keys
from projector.relay.loop.notices import Notices
from projector.relay.loop.outbound import Outbound
from projector.relay.loop.reporter import Reporter

if TYPE_CHECKING:
    from collections.abc import Callable

    from journal.fs.directory import Directory
    from projector.relay.carrier import Arrived
    from projector.relay.config import Config
    from projector.relay.files.own import Segment
    from projector.relay.loop.bell import Bell
    from projector.relay.loop.rest import Rest
    from projector.relay.server.jetstream import JetStream
    from projector.relay.state import State

_log = logging.getLogger("projector.relay")
_COMMIT = 0.2
"""Seconds until what has arrived is made durable."""
_CHECK = 2.0
"""Seconds after which the carrier's identity is checked."""
_REPORT = 60.0
"""Seconds after which a report is sent."""
_SOON = 2.0
"""Seconds after a change until the next report, at least."""
_STALLED = 60.0
"""Seconds after which what the server has should have arrived, over a slow line, too."""
_NOT_ARRIVING = "what the server has does not arrive"
_MOMENT = 0.02
"""Seconds between two looks whether all has arrived."""
_AT_ONCE = 16
"""Lanes that are sent at the same time."""


class Work:
    """What one relay does while it is connected.

    Args:
        journal, config, state: of the relay.
        carrier: returns the carrier, given a function that names the user of a machine.
        rest: counts what arrives.
    """

    def __init__(
        self,
        journal: Directory,
        config: Config,
        state: State,
        carrier: Callable[[Callable[[str], str]], JetStream],
        rest: Rest,
    ) -> None:
        self._config = config
        self._rest = rest
        self._keys = Keys(journal.path)
        self._state = state
        self._machine = machine_of(journal)
        self._former = former_of(journal)
        self._senders = state.senders()
        names = Names()
        ours = Ours(journal.lanes, names)
        incoming = journal.path / RELAY / "incoming"
        known = state.mirrors()
        self.mirrors = Mirrors(journal.lanes, incoming, known, config.max_mirror_bytes)
        self.outbound = Outbound(self._machine, self._former, ours, state)
        is_sent = self.outbound.is_sent
        self.inbound = Inbound(self._machine, self._former, ours, self.mirrors, is_sent)
        self.inbound.holes |= state.holes()
        who = self._machine, self._former
        self._notices = Notices(*who, state, self.inbound, ours, self.mirrors)
        self._reporter = Reporter(journal, config, state, names, self.outbound, self.mirrors)
        self.carrier = carrier(self._sender)
        helps = self.carrier, self._reporter
        self._help = Help(self._machine, config, state, ours, self.mirrors, *helps)
        self._cursor = 0
        self._last_chunk = 0, ""
        """Cursor and mark of the last chunk. What is behind it is read again after a start: other
        messages are replaced by later ones, and prove nothing about the stream."""
        self._ahead = 0
        """Microseconds by which our clock is ahead of the carrier's."""
        self._is_stopped = False
        """Whether a chunk of a newer version has arrived: the cursor stays in front of it."""
        self._dirty = True
        self._arrived = time.monotonic()
        self._receiving = ""

    async def prepare(self) -> None:
        """Check that the carrier is the one that is remembered; otherwise begin again with it.

        Raises:
            CarrierError: there is no answer.
        """
        cursor, mark = int(self._state.get("cursor", "0")), self._state.get("mark")
        found = await self.carrier.identity(cursor)
        is_same = found.name == self._state.get("stream") and found.last >= cursor
        is_same = is_same and (not mark or not found.mark or found.mark == mark)
        if not is_same or self._state.get("machine") != self._machine:
            if self._state.get("stream"):
                _log.warning("the stream is not the one that was used before: all is checked again")
            self._state.begin_again(found.name, self._machine)
            self._state.put(reset=clock.wall(), kept=0)
            raise Reset("the carrier is another one")
        self._state.note_replicas(found.replicas)
        self._cursor = cursor
        self._last_chunk = cursor, mark
        self._ahead = clock.wall() - found.clock if found.clock else 0
        await self.carrier.serve(self._rest.serving(self._help.serve))
        await self.carrier.hear(self._reporter.hear)
        await self.carrier.report(b"")
        await self.carrier.flush()
        if not self._config.receive:  # it follows no stream in which the others left theirs
            await self._reporter.read_left(self.carrier, self._ahead)

    async def until_quiet(self) -> None:
        """Send and receive until there is nothing more to do.

        Raises:
            RelayError, JournalError, OSError: it cannot be done.
        """
        receiving = asyncio.create_task(self._receive())
        try:
            while True:
                sent = await self._send() if self._config.send else 0
                await self._wait_for_arrivals(receiving)
                filled = await self.inbound.fill(self.carrier) if self.inbound.holes else False
                self._commit()
                if not sent and not filled:
                    break
            await self._help.keep()
            self._dirty |= self._notices.settle(self._reporter.hash)
            await self._reporter.leave(self.carrier, self._cursor)
            await self.carrier.flush()
            self._reporter.note_machines()
            if receiving.done():
                receiving.result()
        finally:
            await end([receiving])
            self._commit()

    async def until_stopped(self, stop: asyncio.Event, bell: Bell) -> None:
        """Send and receive until it is asked to stop.

        Raises:
            RelayError, JournalError, OSError: it cannot go on.
        """
        loops = [self._send_always(bell), self._watch(), self._commit_always(), stop.wait()]
        if self._config.receive:
            loops.append(self._receive_always())
        tasks = [asyncio.ensure_future(each) for each in loops]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            await self._reporter.leave(self.carrier, self._cursor)
        finally:
            await end(tasks)
            self._commit()

    def _sender(self, machine: str) -> str:
        return self._senders.get(machine, self._config.sender)

    async def _send(self) -> int:
        """Send what is waiting, lanes side by side; return how many bytes.

        Segments of a lane go one behind the other: one with a later one behind it is complete.
        """
        lanes: dict[str, list[Segment]] = {}
        for each in self.outbound.waiting():
            lanes.setdefault(each.folder, []).append(each)
        waiting, total = list(lanes.values()), 0
        for first in range(0, len(waiting), _AT_ONCE):
            part = waiting[first : first + _AT_ONCE]
            total += sum(await asyncio.gather(*map(self._send_lane, part)))
        self._dirty = self._dirty or bool(waiting and self.outbound.problems)
        await self.outbound.erase_replaced(self.carrier)
        await self._keys.send(self.carrier)
        self._reporter.changed = self._reporter.changed or total > 0
        return total

    async def _send_lane(self, segments: list[Segment]) -> int:
        return sum([await self.outbound.send(each, self.carrier) for each in segments])

    async def _send_always(self, bell: Bell) -> None:
        while True:
            if self._config.send:
                with self._rest.working():
                    await self._send()
            await bell.wait()

    async def _receive(self) -> None:
        if not self._config.receive:
            return
        async for arrived in self.carrier.follow(self._cursor):
            self._take(arrived)

    async def _receive_always(self) -> None:
        """Receive; a full disk stops this and not the sending."""
        try:
            await self._receive()
        except (OSError, TooLarge) as error:
            self._receiving = f"receiving has stopped: {error}"
            _log.error("%s", self._receiving)
            self._dirty = True
            await asyncio.sleep(10 * _CHECK)
            raise CarrierError(self._receiving) from error

    def _take(self, arrived: Arrived) -> None:
        self._arrived = time.monotonic()
        self._rest.note(arrived.behind)
        chunk = arrived.chunk
        self._is_stopped = self._is_stopped or arrived.is_newer
        if arrived.key:
            self._keys.take(arrived.key)
        elif arrived.report:
            self._reporter.note(arrived.report, arrived.at + self._ahead)
        elif chunk is None:
            _log.warning("message %d: %s", arrived.cursor, arrived.problem)
        else:
            machine = chunk.place.machine
            if machine != self._machine and self._senders.get(machine) != arrived.user:
                self._senders[machine] = arrived.user
                self._state.note_sender(machine, arrived.user)
            if self.inbound.take(arrived):
                self._reporter.changed = True
        if not self._is_stopped:
            self._cursor = arrived.cursor
            if chunk is not None:
                self._last_chunk = arrived.cursor, mark_of(chunk)
        self._dirty = True

    def _commit(self) -> None:
        """Make what has arrived durable, and remember it and what was sent."""
        if sent := self.outbound.take_unsaved():
            self._state.note_sent(sent)
        if not self._dirty:
            return
        self._dirty = False
        self.mirrors.sync()
        self._notices.save()
        problems = [*self.inbound.problems.values(), *self.outbound.problems.values()]
        problems += [self._receiving] if self._receiving else []
        if self._is_stopped:
            problems.append("a chunk of a newer version has arrived: install a newer agent-journal")
        held, holes = self.mirrors.held(), self.inbound.holes
        self._state.commit(self._last_chunk, held, holes, problems, clock.wall())

    async def _commit_always(self) -> None:
        while True:
            await asyncio.sleep(_COMMIT)
            self._commit()

    async def _watch(self) -> None:
        """Check the carrier, fill holes and report, from time to time."""
        reported = -_REPORT
        waiting = -1, 0.0  # the cursor in front of which something is, and since when
        while True:
            now = time.monotonic()
            if now - reported >= (_SOON if self._reporter.changed else _REPORT):
                reported = now
                self._dirty |= self._notices.settle(self._reporter.hash)
                await self._reporter.send(self.carrier, self._cursor)
            self._reporter.note_machines()
            with self._rest.working():
                if self.inbound.holes and await self.inbound.fill(self.carrier):
                    self._dirty = self._reporter.changed = True
                await self._help.keep()
            await asyncio.sleep(_CHECK)
            found = await self.carrier.identity(0)
            self._state.note_replicas(found.replicas)
            if found.name != self._state.get("stream") or found.last < self._cursor:
                _log.warning("the server has lost what it had: beginning again from disk")
                raise Reset("the carrier has lost what it had")
            if waiting[0] != self._cursor or found.last == self._cursor:
                waiting = self._cursor, now
            elif now - waiting[1] > _STALLED and await self._is_stalled(found.last):
                raise CarrierError(f"{_NOT_ARRIVING}: {found.last - self._cursor:,} messages")

    async def _is_stalled(self, last: int) -> bool:
        """Return whether what is there should have arrived: a new connection may help."""
        is_receiving = self._config.receive and not (self._is_stopped or self._receiving)
        return is_receiving and bool((await self.carrier.identity(last)).mark)

    async def _wait_for_arrivals(self, receiving: asyncio.Task[None]) -> None:
        """Wait until all that the carrier has now is here."""
        if not self._config.receive:
            return
        last = (await self.carrier.identity(0)).last
        self._arrived = time.monotonic()
        while not (receiving.done() or self._is_stopped) and self._cursor < last:
            quiet = time.monotonic() - self._arrived
            if quiet > _CHECK and not (await self.carrier.identity(last)).mark:
                break  # the last ones were erased
            if quiet > self._config.timeout:
                raise CarrierError(_NOT_ARRIVING)
            await asyncio.sleep(_MOMENT)
        if receiving.done():
            receiving.result()
