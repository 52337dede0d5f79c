"""One of the eight writers: a process that appends its part of the conversation.

Each id is printed when its append has returned: that is the acknowledgement. The process ends with
its standard input, so that none is left when the demonstration dies.
"""

from __future__ import annotations

import os
import random
import sys
import time

from journal import Journal
from tools.demo.script import Conversation

_FLUSH = 12
"""Maximum number of messages in one write(2)."""


def speak(path: str, seat: int, messages: int, begin: int, rate: float) -> None:
    """Append the messages of a seat from number `begin` on, about `rate` per second."""
    conversation = Conversation(messages)
    chance = random.Random(seat * messages + begin)
    with Journal.open(path) as journal:
        if seat == 0:
            journal.append_many(conversation.sessions())
        started, turn = time.monotonic(), begin
        while turn < messages:
            flush = range(turn, min(turn + chance.randint(1, _FLUSH), messages))
            batch = [conversation.message(seat, number) for number in flush]
            journal.append_many(
                {"session": one.session, "id": one.id, "type": "message.appended", "data": one.data}
                for one in batch
            )
            os.write(sys.stdout.fileno(), "".join(f"{one.id}\n" for one in batch).encode())
            turn = flush.stop
            time.sleep(max(0.0, started + (turn - begin) / rate - time.monotonic()))
        sys.stdin.read()


def main() -> int:
    """Run one writer; arguments are journal, seat, messages, the first number, and the rate."""
    path, seat, messages, begin, rate = sys.argv[1:]
    try:
        speak(path, int(seat), int(messages), int(begin), float(rate))
    except BrokenPipeError:  # the demonstration has ended
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
