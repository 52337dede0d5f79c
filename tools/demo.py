"""`make demo`: see the journal and the projector at work.

The transcripts of your own agents are imported and searched. Where there are none, or with
--talk, eight processes hold a made-up conversation at the same time, and each is killed and started
again. Everything goes into a new folder; no other journal is touched.
"""

from __future__ import annotations

import sys


def main() -> int:
    """Run the demonstration, or one of its writers; return the exit code."""
    if sys.argv[1:2] == ["agent"]:
        # eight of them start at once, and each would load what only the screen needs
        from demo import agent  # noqa: PLC0415

        return agent.main(sys.argv[2:])
    from demo import program  # noqa: PLC0415

    return program.main(__doc__)


if __name__ == "__main__":
    sys.exit(main())
