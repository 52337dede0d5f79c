"""A process that plays one role: `role.py MODULE FUNCTION ARGUMENTS`, the arguments as JSON.

The function prepares and returns what is then done; a line on stdin lets it begin, and what it
returns is printed as JSON.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import orjson


def main() -> None:
    """Play it."""
    module, name, arguments = sys.argv[1:]
    sys.path[0] = str(Path(__file__).parents[1])
    prepare = getattr(import_module(f"bench.{module}"), name)
    act = prepare(**orjson.loads(arguments))
    print("ready", flush=True)
    sys.stdin.readline()
    print(orjson.dumps(act()).decode(), flush=True)


if __name__ == "__main__":
    main()
