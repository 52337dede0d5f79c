"""The cost of one run of a command in user and system CPU seconds, compared with a baseline.

python -m tools.bench.command_line                 100 rounds, about a minute
python -m tools.bench.command_line --rounds 400

A shell hook runs `journal append` at every tool call, so the time to load modules counts. In each
round every program runs once, and its CPU seconds are divided by those of the baseline in the same
round; the figure is the median of these ratios. The exit code is 1 if one is over its limit.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

BASELINE = "import click, orjson, portalocker"
"""The packages that every command needs."""
_BIN = Path(sys.executable).parent
_MESSAGES = 200


@dataclass(frozen=True, slots=True)
class Program:
    """A program that is measured.

    Attributes:
        name: its name in the table.
        command: the command.
        limit: the largest ratio to the baseline; None if it has no limit.
        before: a command that runs before each round, and is not measured.
        seconds: user and system CPU seconds of each round.
    """

    name: str
    command: tuple[str, ...]
    limit: float | None = None
    before: tuple[str, ...] | None = None
    seconds: list[float] = field(default_factory=list)

    def run(self, environment: dict[str, str]) -> None:
        """Run it once and record its CPU seconds."""
        if self.before is not None:
            _cpu_seconds(self.before, environment)
        self.seconds.append(_cpu_seconds(self.command, environment))


def measure(rounds: int) -> list[Program]:
    """Run each program `rounds` times in turn, and return them; the first is the baseline."""
    journal, projector = str(_BIN / "journal"), str(_BIN / "projector")
    append = (journal, "append", "--session", "s1", "--role", "tool", "the output of a tool")
    search = (projector, "search", "output")
    programs = [
        Program("baseline", (sys.executable, "-c", BASELINE)),
        Program("journal append", append, limit=1.3),
        Program("projector search, nothing new", search, 1.8, before=(projector, "sync")),
        Program("projector search, one new event", search, before=append),
    ]
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"JOURNAL_DIR": str(Path(folder) / "journal")}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        lines = b"".join(
            b'{"session":"s1","role":"user","content":"output number %d"}\n' % number
            for number in range(_MESSAGES)
        )
        subprocess.run((journal, "append", "--jsonl"), input=lines, env=environment, check=True)
        for program in programs:  # the first run of each may compile modules
            program.run(environment)
            program.seconds.clear()
        for _ in range(rounds):
            for program in programs:
                program.run(environment)
    return programs


def _cpu_seconds(command: tuple[str, ...], environment: dict[str, str]) -> float:
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
    assert process.stdout is not None  # noqa: S101 - it was asked for
    with process.stdout:
        process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def main() -> int:
    """Measure and print; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=100, help="runs of each program")
    baseline, *others = measure(parser.parse_args().rounds)
    print(f"{'median of CPU seconds':<34} {'ms':>7} {'ratio':>7} {'limit':>7}")
    print(f"{BASELINE:<34} {median(baseline.seconds) * 1000:>7.1f}")
    is_over = False
    for program in others:
        pairs = zip(program.seconds, baseline.seconds, strict=True)
        ratio = median(seconds / base for seconds, base in pairs)
        limit = "" if program.limit is None else f"{program.limit:.2f}"
        is_over |= program.limit is not None and ratio > program.limit
        print(f"{program.name:<34} {median(program.seconds) * 1000:>7.1f} {ratio:>7.2f} {limit:>7}")
    return int(is_over)


if __name__ == "__main__":
    sys.exit(main())
