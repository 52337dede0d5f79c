"""Wake a process that waits for its turn, at the moment when that comes.

A bell is a socket whose name only the kernel knows (an abstract one, which Linux has): it leaves no
file behind, and is gone with its process. It carries no message: who
is woken looks for itself. So a bell that is not rung, or that a stranger rings, costs time only.
Where there are no such sockets, as on other systems, waiters look now and then.
"""

from __future__ import annotations

import sys
from contextlib import suppress

from journal.process.fork import no_fork, register

_SHORTEST = 0.0001
"""Seconds to wait at least: with none at all, a socket raises another error."""
_PREFIX = b"\0agent-journal/"


class Bell:
    """What others ring to wake this process.

    Args:
        name: its name, which is unique on the machine.

    Raises:
        OSError: there are no such sockets here.
    """

    def __init__(self, name: str) -> None:
        if sys.platform != "linux":
            raise OSError("only Linux has sockets without a file")
        with no_fork.turn:
            import socket  # noqa: PLC0415 - who never waits does not need it

            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            register(self)
        try:
            self._socket.bind(_PREFIX + name.encode())
        except BaseException:
            self._socket.close()
            raise

    def wait(self, seconds: float) -> None:
        """Return when it is rung, or after some seconds."""
        with suppress(TimeoutError):
            self._socket.settimeout(max(seconds, _SHORTEST))
            self._socket.recv(1)

    def after_fork_in_child(self) -> None:
        """Leave it to the parent."""
        self.close()

    def close(self) -> None:
        """Give the name back; again does nothing."""
        self._socket.close()


def ring(name: str) -> None:
    """Wake the process that waits with a bell of this name, if there is one."""
    if sys.platform != "linux":
        return
    with no_fork.turn:
        import socket  # noqa: PLC0415 - as above
    # no process has a bell of that name, or it was rung so often that one more adds nothing
    kind = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK
    with suppress(OSError), socket.socket(socket.AF_UNIX, kind) as sender:
        sender.sendto(b"!", _PREFIX + name.encode())
