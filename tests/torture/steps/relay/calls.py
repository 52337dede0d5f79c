"""A relay is killed at a system call, or the call fails: nothing is lost, and it goes on after.

Two machines have news for each other. The relay of one is killed at the n-th call of a kind, or
that call fails with an error which it can return. Each time:

- a relay that is not killed ends with success, or with one error message and a documented exit
  code, without a traceback and without hanging;
- then both machines relay, and have the same bytes and each event once;
- a fault is no reason to become another machine.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

from journal.cli import cli
from projector.relay.errors import CarrierError
from tests.support.disks.in_memory import in_memory
from tests.support.relay.fleet import Machine, assert_same, until
from tests.support.relay.servers import Server
from tests.torture.arguments import Amount, step_parser
from tests.torture.faults import traced
from tests.torture.faults.traced import Point

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.torture.faults.traced import Ended, Shared

_PUT = ("EIO", "ENOSPC", "EINTR")
_LOOK = ("EIO", "EACCES", "EINTR")
_NET = ("ECONNRESET", "EPIPE", "EINTR")
ERRORS: dict[str, tuple[str, ...]] = {
    "connect": ("ECONNREFUSED", "ETIMEDOUT"),
    "fchmod": ("EPERM", "EIO"),
    "fdatasync": ("EIO", "ENOSPC", "EINTR"),
    "flock": ("ENOLCK", "EIO"),
    "fsync": ("EIO", "ENOSPC", "EINTR"),
    "ftruncate": ("EIO", "ENOSPC", "EINTR"),
    "getdents64": ("EIO",),
    "mkdir": ("ENOSPC", "EACCES", "EIO"),
    "openat": ("EIO", "ENOSPC", "EMFILE", "EACCES", "EINTR"),
    "pread64": _LOOK,
    "pwrite64": _PUT,
    "read": ("EIO", "EINTR"),
    "recvfrom": ("ECONNRESET", "EINTR"),
    "rename": ("EIO", "ENOSPC", "EINTR"),
    "sendto": _NET,
    "socket": ("EMFILE", "ENOMEM"),
    "unlink": ("EIO", "EACCES"),
    "write": _PUT,
}
"""The errors with which each call fails."""
KILLED = (
    "fchmod",
    "fdatasync",
    "fsync",
    "mkdir",
    "pwrite64",
    "rename",
    "sendto",
    "unlink",
    "write",
)
"""The calls at which the relay is killed: those by which it changes or sends something."""
_CODES = {0, 1}
"""Exit codes with which a relay may end where a call fails."""
_AMOUNT = Amount(whole=2_000, sample=12, unit="faults")


def _points(calls: dict[str, int], seed: int) -> list[Point]:
    """Return the points of a relay that makes so many calls: all of them, kinds in turn."""
    kinds: list[list[Point]] = []
    for call, count in sorted(calls.items()):
        numbers = range(1, count + 1)
        if call in KILLED:
            kinds.append([Point(call, str(n), "signal=KILL") for n in numbers])
        kinds += [
            [Point(call, str(n), f"error={e}") for n in numbers] for e in ERRORS.get(call, ())
        ]
    order = random.Random(seed)
    for points in kinds:
        order.shuffle(points)
    order.shuffle(kinds)
    longest = max(map(len, kinds))
    return [points[at] for at in range(longest) for points in kinds if at < len(points)]


def _relay(folder: Path, shared: Shared) -> int:  # noqa: ARG001 - what `traced.run` gives
    """Relay once, as the command does: it ends by an exception with the exit code."""
    cli.main(["--journal", str(folder), "relay", "run", "--once"])


def judge(ended: Ended, point: Point) -> list[str]:
    """Return what is wrong with the end of a relay."""
    wrong = ["it hung"] if ended.hung else []
    wrong += [f"not caught: {stray}" for stray in ended.stray]
    if "KILL" in point.what:
        return wrong if ended.code in {0, -9} else [*wrong, f"exit code {ended.code}"]
    if ended.code not in _CODES:
        return [*wrong, f"exit code {ended.code}: {ended.stderr}"]
    if "Traceback" in ended.stderr or (ended.code and "Error: " not in ended.stderr):
        wrong.append(f"exit code {ended.code} without a clear error: {ended.stderr!r}")
    return wrong


class _Bench:
    """Two machines with a server, and what makes news for both."""

    def __init__(self, folder: Path, server: Server) -> None:
        # some faults end by the time limit of an answer
        self.a, self.b = (Machine(folder / name, server.url, timeout=5) for name in "ab")
        self._shared = traced.Shared()
        self._news = 0
        self.run(None)  # everything is loaded before the first fork

    def run(self, point: Point | None) -> Ended:
        """Make news, and relay with a fault; then everything must be on both machines."""
        self._news += 1
        if self._news % 3 == 0:
            self.a.roll()
        self.a.append(f"a{self._news}")
        self.b.append(f"b{self._news}")
        until(self.b.relay, CarrierError)
        ended = traced.run(_relay, self.a.path, self._shared, point)
        assert_same(self.a, self.b)
        assert self.a.status().former == (), "a fault made it another machine"
        return ended


def main(arguments: Sequence[str] | None = None) -> int:
    """Interfere at the calls of the command line's amount; return the exit code."""
    parser = step_parser(__doc__, seed=1)
    parser.add_argument("--only", help="run one point, as a failure names it")
    _AMOUNT.add_to(parser)
    given = parser.parse_args(arguments)
    if (reason := traced.missing()) is not None:
        print(f"relay.calls: {reason}")
        return 1
    began, done = time.monotonic(), Counter[str]()
    with in_memory() as base, Server(base / "server") as server:
        bench = _Bench(base, server)
        points = _points(bench.run(None).calls, given.seed)
        if given.only:
            points = [point for point in points if str(point) == given.only]
        for _, point in zip(_AMOUNT.budget(given).seeds(), points, strict=False):
            try:
                wrong = judge(bench.run(point), point)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is this call's failure
                wrong = [f"{type(error).__name__}: {error}"]
            if wrong:
                print(f"FAILED {point}", *wrong, sep="\n    ")
                print(f"again: python -m tests.torture.steps.relay.calls --only '{point}'")
                return 1
            done[point.what.partition("=")[0]] += 1
    print(
        f"relay.calls: {done['signal']:,} kills and {done['error']:,} errors of {len(points):,} in"
        f" {time.monotonic() - began:.0f} s: nothing is lost, and nothing is there twice"
    )
    return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main())
