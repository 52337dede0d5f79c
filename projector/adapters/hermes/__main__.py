"""Hermes's command on a journal: `python -m projector.adapters.hermes sessions list`.

With `--no-redact` as the first argument, secrets are stored as they are.
"""

from __future__ import annotations

import sys
from importlib import import_module

from projector.adapters.hermes import install

if __name__ == "__main__":
    clear = sys.argv[1:2] == ["--no-redact"]
    if clear:
        del sys.argv[1]
    install(redact=not clear)
    sys.argv[0] = "hermes"
    sys.exit(import_module("hermes_cli.main").main())
