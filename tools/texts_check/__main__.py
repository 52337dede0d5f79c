"""The command line."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tools.texts_check import table
from tools.texts_check.check import assign, check, find_files
from tools.texts_check.readers import READERS


def main(arguments: list[str] | None = None) -> int:
    """Print the counts of each source; return 1 for a fault, or a file that is not imported."""
    parser = argparse.ArgumentParser(prog="python -m tools.texts_check", description=__doc__)
    parser.add_argument("paths", nargs="+", type=Path, help="files or folders with raw files")
    parser.add_argument("--only", action="append", metavar="SOURCE", help="check this source alone")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one object, with examples of each fault")
    form.add_argument("--markdown", action="store_true", help="the table of docs/sources.md")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        files, unclaimed = assign(find_files(chosen.paths, Path(folder)))
        checked = [
            check(name, files[name])
            for name in dict.fromkeys(reader.name for reader in READERS)
            if name in files and (not chosen.only or name in chosen.only)
        ]
    if chosen.json:
        print(table.as_json(checked, unclaimed))
    else:
        print(table.as_markdown(checked) if chosen.markdown else table.as_text(checked, unclaimed))
    return 1 if any(each.counts.faults or each.errors for each in checked) else 0


if __name__ == "__main__":
    sys.exit(main())
