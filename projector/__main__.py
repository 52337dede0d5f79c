"""The `projector` command: where its script starts, and `python -m projector`."""

import sys

from journal.process.loading import run


def main() -> int:
    """Run the command; return its exit code."""
    return run("projector.cli")


if __name__ == "__main__":
    sys.exit(main())
