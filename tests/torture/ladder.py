"""Run the whole ladder: every step of the torture, one after the other.

python -m tests.torture.ladder                  all of it, about 20 minutes on 2 cores
python -m tests.torture.ladder --seconds 300    as much of each step as fits into 5 minutes
python -m tests.torture.ladder --only soak      one step

Every step prints its counts and its seed, and a failure prints the command that reproduces it. The
ladder continues after a failure, and exits with 1. A step that cannot run on this machine prints
the reason, and is named at the end.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.torture.power.needs import SKIPPED

ROOT = Path(__file__).parents[2]
PROPERTIES = (
    "journal/format/test_record.py",
    "journal/format/test_scan.py",
    "journal/test_state_machine.py",
    "projector/apply/test_apply.py",
    "projector/text/test_normalize.py",
    "projector/text/test_query.py",
    "projector/text/test_snippet.py",
)
"""Test modules whose properties are run with more examples than in `make test`."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the ladder.

    Attributes:
        name: the value of `--only`.
        command: the command, which is run in the repository's root.
        share: the part of `--seconds` that it gets; 0 for a step that has no such option.
        seeded: whether it has `--seed`.
        whole: arguments that are added if `--seconds` does not limit the ladder.
    """

    name: str
    command: tuple[str, ...]
    share: float
    seeded: bool = True
    whole: tuple[str, ...] = ()


def _tool(name: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"tests.torture.steps.{name}")


STEPS = (
    Step(
        "properties",
        (
            *(sys.executable, "-m", "pytest", "-q", "--timeout", "1200"),
            *(f"tests/{name}" for name in PROPERTIES),
        ),
        0,
        seeded=False,
        whole=("--hypothesis-profile", "torture"),
    ),
    Step("convergence", _tool("convergence"), 0.04),
    Step("odd_records", _tool("odd_records"), 0.05),
    Step("flush", _tool("flush"), 0.03),
    Step("transcripts", _tool("transcripts"), 0.05),
    Step("crash_states", _tool("crash_states"), 0.09),
    Step("backups", _tool("backup.interrupted"), 0.03),
    Step("redaction", _tool("redaction.planted"), 0.03),
    Step("forgotten", _tool("erasure.forgotten"), 0.03),
    Step("removed", _tool("erasure.removed"), 0.03),
    Step("damaged", _tool("erasure.damaged"), 0.02),
    Step("kill_sweep", _tool("kill_sweep"), 0.05),
    Step("fault_sweep", _tool("fault_sweep"), 0.07),
    Step("damage", _tool("damage"), 0.05),
    Step("hostile", _tool("hostile"), 0.04),
    Step("decisions", _tool("decisions"), 0.05),
    Step("board", _tool("board.workers"), 0.03),
    Step("turns", _tool("board.turns"), 0.01),
    Step("forks", _tool("forks"), 0.04),
    Step("database_damage", _tool("database_damage"), 0.05),
    Step("soak", _tool("soak"), 0.04),
    Step("relay_chunks", _tool("relay.chunks"), 0.02),
    Step("relay_calls", _tool("relay.calls"), 0.01),
    Step("relay_kills", _tool("relay.kills"), 0.04),
    Step("large_kills", _tool("large.kills"), 0.03),
    Step("power", _tool("power_cut"), 0.07),
)


def main() -> int:
    """Run the steps; return the exit code."""
    arguments = _arguments()
    chosen = [step for step in STEPS if arguments.only in (None, step.name)]
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores")
    print(f"seed {arguments.seed}", flush=True)
    failed, skipped = [], []
    for step in chosen:
        began = time.monotonic()
        print(f"\n== {step.name}", flush=True)
        code = subprocess.run(_command(step, arguments), cwd=ROOT, check=False).returncode
        print(f"== {step.name}: exit {code} after {time.monotonic() - began:.0f} s", flush=True)
        if code == SKIPPED:
            skipped.append(step.name)
        elif code:
            failed.append(step.name)
    held = f"{len(chosen) - len(failed) - len(skipped)} of {len(chosen)} steps held"
    print(
        f"\n{held}; failed: {', '.join(failed) or 'none'}; skipped: {', '.join(skipped) or 'none'}"
    )
    return 1 if failed else 0


def _command(step: Step, arguments: argparse.Namespace) -> list[str]:
    command = [*step.command, *(step.whole if arguments.seconds is None else ())]
    if step.seeded:
        command += ["--seed", str(arguments.seed)]
    if step.share and arguments.seconds is not None:
        command += ["--seconds", str(max(1, round(arguments.seconds * step.share)))]
    return command


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Climb the whole ladder of the torture.")
    parser.add_argument("--seconds", type=float, help="for all steps together [default: all of it]")
    parser.add_argument("--seed", type=int, default=1, help="[default: 1]")
    parser.add_argument("--only", choices=[step.name for step in STEPS])
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
