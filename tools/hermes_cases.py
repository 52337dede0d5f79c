"""Try the six failures that users of Hermes's store reported, on the real one and on ours.

    python tools/hermes_cases.py                     all six, in full: about half an hour
    python tools/hermes_cases.py --quick --case 3    one of them, in small

The real one is hermes-agent 0.13.0: the folder in HERMES_SOURCES, or else pip fetches it into a
temporary folder. Where there is none, ours is tried alone.
"""

from __future__ import annotations

import sys


def main() -> int:
    """Try the cases, or be one of the processes that take part; return the exit code."""
    if sys.argv[1:2] == ["worker"]:
        # dozens of them start, and none needs what the table needs
        from hermes_cases import worker  # noqa: PLC0415

        return worker.main(sys.argv[2])
    from hermes_cases import program  # noqa: PLC0415

    return program.main(__doc__)


if __name__ == "__main__":
    sys.exit(main())
