"""`make demo`: see the journal and the projector at work.

The transcripts of your own agents are imported and searched. Without transcripts, or with --talk,
eight processes write a made-up conversation at the same time, and each is killed and started again.
All files are in a new folder; no other journal is changed.
"""

from __future__ import annotations

import sys

from tools.demo.program import main

if __name__ == "__main__":
    sys.exit(main(__doc__))
