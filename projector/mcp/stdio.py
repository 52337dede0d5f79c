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

    def __init__(self, protocol: Protocol, source: BinaryIO, target: BinaryIO) -> None:
        self._protocol = protocol
        self._source = source
        self._target = target
        self._turn = Lock()
        self._waiting: dict[object, Future[None]] = {}
        self._cancelled: set[object] = set()

    def run(self) -> None:
        """Answer all messages.

        Raises:
            OSError: nothing can be read or written.
        """
        with ThreadPoolExecutor(1) as calls:
            for line in self._source:
                if not line.strip():
                    continue
                message = self._parsed(line)
                if not isinstance(message, dict):
                    if message is not None:
                        self._write(self._protocol.answer(message))
                elif message.get("method") == _CALL and isinstance(message.get("id"), str | int):
                    self._waiting[message["id"]] = calls.submit(self._call, message)
                elif message.get("method") == _CANCELLED:
                    self._cancel(message)
                else:
                    self._write(self._protocol.answer(message))
            # what was asked is answered, also if the client ends its input at once

    def _parsed(self, line: bytes) -> Any:  # noqa: ANN401 - any JSON
        try:
            return orjson.loads(line)
        except orjson.JSONDecodeError:
            pass
        try:
            return json.loads(line.decode(errors="replace"))  # also half a surrogate, and NaN
        except (ValueError, RecursionError):
            self._write(failure(None, Refused(PARSE_ERROR, "Parse error")))
            return None

    def _call(self, message: dict[str, Any]) -> None:
        try:
            found = self._protocol.answer(message)
        except Exception as error:  # noqa: BLE001 - a bug in one call must not end the others
            sys.excepthook(type(error), error, error.__traceback__)
            found = failure(message["id"], Refused(INTERNAL, "Internal error; see stderr"))
        self._waiting.pop(message["id"], None)
        if message["id"] not in self._cancelled:
            self._write(found)
        self._cancelled.discard(message["id"])

    def _cancel(self, message: dict[str, Any]) -> None:
        """Answer a request no more; one that did not begin is not run."""
        params = message.get("params")
        id = params.get("requestId") if isinstance(params, dict) else None
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
        with self._turn:
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
