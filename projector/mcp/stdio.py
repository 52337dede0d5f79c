"""The server over standard input and output: a message a line."""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING, Any, BinaryIO

import orjson

from projector.mcp.protocol import INTERNAL, PARSE_ERROR, Protocol, Refused, failure

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Future

_CALL = "tools/call"
_CANCELLED = "notifications/cancelled"


class Stdio:
    """Answers the messages of a client until its end of the pipe is closed.

    Calls of tools run on a thread of their own, one after the other, so that a ping is answered
    while a search waits for a projection to be built.

    Args:
        protocol: answers one message.
        source: where messages are read.
        target: where answers are written; nothing else may write there.
    """

    def __init__(self, protocol: Protocol, source: Iterable[bytes], target: BinaryIO) -> None:
        self._protocol = protocol
        self._source = source
        self._target = target
        self._writing = Lock()
        self._state = Lock()  # of what follows
        self._waiting: dict[object, Future[None]] = {}
        self._cancelled: set[object] = set()
        self._failed: OSError | None = None

    def run(self) -> None:
        """Answer all messages.

        Raises:
            OSError: nothing can be read or written.
        """
        calls = ThreadPoolExecutor(1)
        try:
            for line in self._source:
                if line.strip():
                    self._take(line, calls)
                self._check()
        except BaseException:
            # a signal ends the program at once, also in the middle of a call
            calls.shutdown(wait=False, cancel_futures=True)
            raise
        calls.shutdown()  # what was asked is answered, also if the client ends its input at once
        self._check()

    def _check(self) -> None:
        if self._failed is not None:
            raise self._failed

    def _take(self, line: bytes, calls: ThreadPoolExecutor) -> None:
        message = self._parsed(line)
        if message is None:
            return
        method = message.get("method") if isinstance(message, dict) else None
        if method == _CALL and isinstance(message.get("id"), str | int):
            with self._state:  # the call takes its number out again only after this
                self._waiting[message["id"]] = calls.submit(self._call, message)
        elif method == _CANCELLED:
            self._cancel(message)
        else:
            self._write(self._protocol.answer(message))

    def _parsed(self, line: bytes) -> Any:  # noqa: ANN401 - any JSON
        """Return a message; None if it is none, which is answered."""
        try:
            found = orjson.loads(line)
        except orjson.JSONDecodeError:
            try:
                found = json.loads(line.decode(errors="replace"))  # also half a surrogate, and NaN
            except (ValueError, RecursionError):
                self._write(failure(None, Refused(PARSE_ERROR, "Parse error")))
                return None
        if found is None:
            self._write(self._protocol.answer(found))
        return found

    def _call(self, message: dict[str, Any]) -> None:
        try:
            found = self._protocol.answer(message)
        except Exception as error:  # noqa: BLE001 - a bug in one call must not end the others
            sys.excepthook(type(error), error, error.__traceback__)
            found = failure(message["id"], Refused(INTERNAL, "Internal error; see stderr"))
        with self._state:
            self._waiting.pop(message["id"], None)
            is_wanted = message["id"] not in self._cancelled
            self._cancelled.discard(message["id"])
        if is_wanted:
            try:
                self._write(found)
            except OSError as error:
                self._failed = error

    def _cancel(self, message: dict[str, Any]) -> None:
        """Answer a request no more; one that did not begin is not run."""
        params = message.get("params")
        id = params.get("requestId") if isinstance(params, dict) else None
        with self._state:
            call = self._waiting.get(id) if isinstance(id, str | int) else None
            if call is None:
                return
            if call.cancel():
                self._waiting.pop(id, None)
            else:
                self._cancelled.add(id)

    def _write(self, message: dict[str, Any] | None) -> None:
        if message is None:
            return
        line = _encoded(message) + b"\n"
        with self._writing:
            self._target.write(line)
            self._target.flush()


def _encoded(message: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(message)
    except TypeError:  # a lone surrogate in the id of a request
        return json.dumps(message).encode()


def own_streams() -> tuple[BinaryIO, BinaryIO]:
    """Return standard input and output, and keep all else from both.

    What a library prints goes to standard error, or it would be a broken message.
    """
    source, target = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    return source, target
