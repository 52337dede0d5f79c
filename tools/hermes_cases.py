"""Reproduce six failures that users of Hermes's store reported, on the real store and on ours.

    python tools/hermes_cases.py                     all six in full, in about 12 minutes
    python tools/hermes_cases.py --quick --case 3    one of them with smaller numbers

The real store is that of hermes-agent 0.13.0: from the folder in HERMES_SOURCES, else pip installs
it into a temporary folder. If that fails, only ours is tested.

It is a script, not `python -m tools.hermes_cases`: Hermes has a package `tools` too.
"""

from __future__ import annotations

import sys


def main() -> int:
    """Run the cases, or one of their worker processes; return the exit code."""
    if sys.argv[1:2] == ["worker"]:
        # dozens of workers start, and none needs the modules of the report
        from hermes_cases import worker  # noqa: PLC0415

        return worker.main(sys.argv[2])
    from hermes_cases import program  # noqa: PLC0415

    return program.main(__doc__)


if __name__ == "__main__":
    sys.exit(main())
