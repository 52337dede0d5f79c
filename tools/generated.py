"""Documents that are made from the source: they are written, or compared with the source."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def main(description: str | None, target: Path, made: Callable[[], str], source: str) -> int:
    """Write or check the document; return the exit code: 1 if the document differs.

    Args:
        description: the description of the program; its first line is shown.
        target: the document.
        made: returns the right text of the document.
        source: the source of the document, for the message.
    """
    name = f"{target.parent.name}/{target.name}"
    parser = argparse.ArgumentParser(
        description=description.splitlines()[0] if description else None
    )
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true", help=f"write {name}")
    action.add_argument("--check", action="store_true", help=f"compare {name}")
    if parser.parse_args().write:
        target.write_text(made(), encoding="utf-8")
        return 0
    if target.exists() and target.read_text(encoding="utf-8") == made():
        return 0
    print(f"{name} is not what {source} say: run `make docs`", file=sys.stderr)
    return 1
