"""A relay is killed at each system call by which it changes or sends something: nothing is lost.

Two machines have news for each other. The relay of one is killed at the n-th call of a kind, for
each n until it gets through. Then both relay, and have the same bytes and each event once.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.relay.fleet import Machine, assert_same
from tests.support.relay.servers import Server
from tests.torture.arguments import Amount, step_parser

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

CALLS = ("fdatasync", "fsync", "sendto", "rename", "fchmod", "mkdir", "pwrite64", "unlink")
_AMOUNT = Amount(whole=2_000, sample=4, unit="kills")
_TIMEOUT = 60


def points() -> Generator[tuple[str, int], bool]:
    """Yield each call and number, until it is said that a run got through without it."""
    over: set[str] = set()
    for number in range(1, 1_000):
        for call in CALLS:
            if call not in over and (yield call, number):
                over.add(call)
        if len(over) == len(CALLS):
            return


def kill_at(machine: Machine, call: str, number: int) -> bool:
    """Run a relay that is killed at a call; return whether it got through, with fewer calls."""
    inject = f"inject={call}:signal=KILL:when={number}"
    command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject]
    command += [sys.executable, "-m", "journal", "--journal", str(machine.path)]
    done = subprocess.run(
        [*command, "relay", "run", "--once"], capture_output=True, timeout=_TIMEOUT, check=False
    )
    assert done.returncode <= 0 or done.returncode == 137, done.stderr.decode()
    return done.returncode == 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Kill at the calls of the command line's amount; return the exit code."""
    parser = step_parser(__doc__, seed=1)
    _AMOUNT.add_to(parser)
    seeds = _AMOUNT.budget(parser.parse_args(arguments)).seeds()
    if shutil.which("strace") is None:
        print("relay.calls: there is no strace")
        return 1
    began, killed = time.monotonic(), 0
    with tempfile.TemporaryDirectory() as base, Server(Path(base) / "server") as server:
        a, b = (Machine(Path(base) / name, server.url) for name in "ab")
        call, number = "", 0
        try:
            todo = points()
            call, number = next(todo)
            for seed in seeds:
                a.append(f"a{seed}")
                b.append(f"b{seed}")
                b.relay()
                is_through = kill_at(a, call, number)
                killed += not is_through
                assert_same(a, b)
                call, number = todo.send(is_through)
        except StopIteration:
            pass  # every call of each kind
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this call's failure
            print(f"FAILED {call} {number}: {type(error).__name__}: {error}")
            return 1
    print(
        f"relay.calls: killed at {killed:,} calls in {time.monotonic() - began:.0f} s:"
        " nothing is lost, and nothing is there twice"
    )
    return 0 if killed else 1


if __name__ == "__main__":
    sys.exit(main())
