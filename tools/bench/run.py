"""`make bench`: ours and theirs on the same work, and how far ours is from what it must reach.

.venv-bench/bin/python tools/bench/run.py                  all of it, about 35 minutes
.venv-bench/bin/python tools/bench/run.py --quick          about two minutes, the table only
.venv-bench/bin/python tools/bench/run.py --only search    one part, at full size

All of it writes docs/performance.md, its plots and results.json; the other forms write the same
to build/bench.
"""

from __future__ import annotations

import sys
from pathlib import Path

# the package, and not its folder: some module's name would hide another's
sys.path[0] = str(Path(__file__).parents[1])

from bench.program import main  # noqa: E402 - the line above makes it importable

if __name__ == "__main__":
    sys.exit(main())
