"""Reproduce six failures that users of Hermes's store reported, on the real store and on ours.

    python -m tools.hermes_cases                     all six in full, in about 12 minutes
    python -m tools.hermes_cases --quick --case 3    one of them with smaller numbers

The real store is that of hermes-agent 0.13.0: from the folder in HERMES_SOURCES, else pip installs
it into a temporary folder. If that fails, only ours is tested.
"""

from __future__ import annotations

import sys

from tools.hermes_cases.program import main

if __name__ == "__main__":
    sys.exit(main(__doc__))
