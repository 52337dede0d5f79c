"""Hermes's command on a journal: `python -m projector.adapters.hermes sessions list`."""

from __future__ import annotations

import sys
from importlib import import_module

from projector.adapters.hermes import install

if __name__ == "__main__":
    install()
    sys.argv[0] = "hermes"
    sys.exit(import_module("hermes_cli.main").main())
