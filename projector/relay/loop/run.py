"""The relay: connect, work until something changes, and begin again from disk."""

from __future__ import annotations

import asyncio
import logging
import random
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from journal.process import clock
from projector.relay.errors import CarrierError, NotOurs, Reset
from projector.relay.identity import RELAY, become_another
from projector.relay.loop.bell import Bell
from projector.relay.loop.rest import Rest, loop_that_rests
from projector.relay.loop.work import Work
from projector.relay.server.connection import connect
from projector.relay.server.jetstream import JetStream
from projector.relay.server.stream import make_stream
from projector.relay.state import STATE, State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.fs.directory import Directory
    from projector.relay.config import Config

_log = logging.getLogger("projector.relay")
_SHORTEST, _LONGEST = 0.2, 10.0
"""Seconds between two tries to connect; they double."""
_HELD = 60.0
"""Seconds after which a connection was a good one, and the first pause is short again."""
_MOST_RESETS = 8


def relay_once(journal: Directory, config: Config) -> None:
    """Send and receive until nothing is left to do. The caller holds the lock of the relay.

    Raises:
        CarrierError: the server cannot be reached, or refuses.
        RelayError, JournalError, OSError: it cannot be done.
    """
    asyncio.run(_once(journal, config))


def relay_always(journal: Directory, config: Config) -> None:
    """Send and receive until SIGTERM or SIGINT. The caller holds the lock of the relay.

    Raises:
        RelayError, JournalError, OSError: what cannot be mended by a new connection.
    """
    rest = Rest()
    with asyncio.Runner(loop_factory=lambda: loop_that_rests(rest)) as runner:
        runner.run(_always(journal, config, rest))


async def _once(journal: Directory, config: Config) -> None:
    for _ in range(_MOST_RESETS):
        try:
            await _connected(journal, config, Rest())  # no loop asks it how long to rest
        except Reset:
            continue
        except NotOurs as error:
            _rename(journal, error)
            continue
        return
    raise CarrierError("the server loses what it has again and again")


async def _always(journal: Directory, config: Config, rest: Rest) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    pause = _SHORTEST
    with Bell(journal.lanes) as bell:
        while not stop.is_set():
            began = loop.time()
            try:
                await _connected(journal, config, rest, stop, bell)
            except Reset:
                continue
            except NotOurs as error:
                _rename(journal, error)
            except CarrierError as error:
                if loop.time() - began > _HELD:
                    pause = _SHORTEST
                _log.warning("%s; trying again in %.1f s", error, pause)
                await _sleep(stop, random.uniform(pause / 2, pause))  # noqa: S311 - no secret
                pause = min(pause * 2, _LONGEST)


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


async def _connected(
    journal: Directory,
    config: Config,
    rest: Rest,
    stop: asyncio.Event | None = None,
    bell: Bell | None = None,
) -> None:
    with State(journal.path / RELAY / STATE) as state, _noting_offline(state):
        connection = await connect(config)
        try:
            work = Work(
                journal, config, state, lambda sender: JetStream(connection, config, sender), rest
            )
            if not await work.carrier.exists():
                await make_stream(config)
            await work.prepare()
            _note_offline(state, "")
            if stop is None or bell is None:
                await work.until_quiet()
            else:
                await work.until_stopped(stop, bell)
        finally:
            await connection.close()


@contextmanager
def _noting_offline(state: State) -> Iterator[None]:
    """Note why the server cannot be used, if it cannot, or does not answer any more."""
    try:
        yield
    except CarrierError as error:
        _note_offline(state, str(error))
        raise


def _note_offline(state: State, why: str) -> None:
    """Note, for `journal relay status`, why the server cannot be reached; nothing if it can."""
    before = state.get("offline")
    if why and not before:
        state.put(offline_since=clock.wall())
    if why != before:
        state.put(offline=why)


def _rename(journal: Directory, error: NotOurs) -> None:
    machine = become_another(journal)
    _log.warning(
        "%s. This journal is a copy, or was restored: it is machine %s from now on", error, machine
    )
