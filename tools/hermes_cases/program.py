"""Runs the cases on both sides and prints the findings."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tools.hermes_cases import crowd, wear
from tools.hermes_cases.plan import Plan, quick
from tools.hermes_cases.side import SOURCES

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.hermes_cases.plan import Finding

VERSION = "0.13.0"

CASES: dict[int, tuple[str, Callable[[Plan, str], Finding]]] = {
    1: ("a writer holds the database while another process starts", crowd.held),
    2: ("eight processes append, and a reader is open", crowd.crowded),
    3: ("sixteen processes open a store that is not there yet", crowd.made_at_once),
    4: ("a flush of five messages fails at the third, and is tried again", wear.flushed_twice),
    5: ("a web server makes a store for each request and forgets it", wear.left_open),
    6: ("what is read from is moved, deleted or replaced", wear.replaced),
}


def main(description: str | None) -> int:
    """Run the cases that the arguments select; return 1 if one fails on ours, else 0."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--case", type=int, action="append", choices=CASES, help="only this one")
    parser.add_argument("--side", choices=("ours", "theirs"), help="only on this side")
    parser.add_argument("--quick", action="store_true", help="smaller numbers: a few minutes")
    options = parser.parse_args()
    fails = False
    with tempfile.TemporaryDirectory(prefix="hermes-cases-") as name:
        folder = Path(name)
        sides = [options.side] if options.side else ["theirs", "ours"]
        if "theirs" in sides and not _sources(folder / "sources"):
            print(f"no hermes-agent {VERSION}: neither {SOURCES} nor pip gives it", file=sys.stderr)
            sides.remove("theirs")
        plan = quick(folder) if options.quick else Plan(folder)
        for number in options.case or CASES:
            reported, run = CASES[number]
            print(f"\n{number}. {reported}", flush=True)
            found: dict[str, Finding] = {}
            for side in sides:
                began = time.monotonic()
                found[side] = run(plan, side)
                _show(side, found[side], time.monotonic() - began)
            fails |= "ours" in found and bool(found["ours"].wrong)
            print(f"   verdict: {verdict(found)}", flush=True)
    return int(fails)


def verdict(found: dict[str, Finding]) -> str:
    """Return the verdict in a few words."""
    if "ours" in found and found["ours"].wrong:
        return "FAILS HERE: " + "; ".join(found["ours"].wrong)
    if "theirs" not in found:
        return "holds here; theirs was not tested"
    there = "; ".join(found["theirs"].wrong)
    if "ours" not in found:
        return f"there: {there or 'not seen'}"
    if there:
        return f"fails there ({there}), holds here"
    return "holds on both: the real store did not fail this time"


def _show(side: str, finding: Finding, seconds: float) -> None:
    lines = [*finding.figures, *(f"WRONG: {what}" for what in finding.wrong)]
    for index, line in enumerate(lines):
        head = f"   {side:<7}" if index == 0 else " " * 10
        print(textwrap.fill(line, 100, initial_indent=head, subsequent_indent=" " * 12))
    print(f"{'':10}({seconds:.0f} s)", flush=True)


def _sources(folder: Path) -> bool:
    """Install the real package without its dependencies, which it does not need here."""
    if SOURCES not in os.environ:
        command = [sys.executable, "-m", "pip", "install", "-qqq", "--no-deps"]
        command += ["--disable-pip-version-check", "--target", str(folder)]
        if subprocess.run([*command, f"hermes-agent=={VERSION}"], check=False).returncode != 0:
            return False
        os.environ[SOURCES] = str(folder)
    return (Path(os.environ[SOURCES]) / "hermes_state.py").exists()
