"""A process that plays one role: `python -m tools.bench.role MODULE FUNCTION ARGUMENTS`.

MODULE is a module below `tools.bench`, and ARGUMENTS are JSON. The function prepares the work and
returns it as a function; that function is called after a line on stdin, and its result is printed
as JSON.
"""

from __future__ import annotations

import sys
from importlib import import_module

import orjson


def main() -> None:
    """Play the role that the arguments name."""
    module, name, arguments = sys.argv[1:]
    prepare = getattr(import_module(f"tools.bench.{module}"), name)
    act = prepare(**orjson.loads(arguments))
    print("ready", flush=True)
    sys.stdin.readline()
    print(orjson.dumps(act()).decode(), flush=True)


if __name__ == "__main__":
    main()
