"""A worker process of a case: it executes requests, one JSON line each."""

from __future__ import annotations

import inspect
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.hermes_cases import acts
from tools.hermes_cases.side import SIDES

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.hermes_cases.side import Side


def main(side: str) -> int:
    """Execute the requests on standard input until it ends; return the exit code."""
    known: dict[str, Callable[..., Any]] = dict(inspect.getmembers(acts, inspect.isfunction))
    mine: Side = SIDES[side]()
    mine.load()  # no measurement must include the import
    for line in sys.stdin:
        request = json.loads(line)
        arguments = request["arguments"]
        if "path" in arguments:
            arguments["path"] = Path(arguments["path"])
        print(json.dumps(known[request["act"]](mine, **arguments)), flush=True)
    sys.stdout.flush()
    os._exit(0)  # files stay open to the end, as in a process that is killed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
