"""What an agent hands to a hook: a JSON object on standard input that names the transcript."""

from __future__ import annotations

import os
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from journal.errors import ImportFailed

if TYPE_CHECKING:
    from journal.importers.formats import SourceFormat


def transcript_of(given: bytes, format: SourceFormat) -> Path | None:
    """Return the transcript that a hook's input names; None if its session is not kept in a file.

    Raises:
        ImportFailed: it names none, or a file of another kind.
    """
    try:
        found = orjson.loads(given)
        named = found["transcript_path"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise ImportFailed(f"the hook was given no transcript_path: {given[:200]!r}") from error
    if named is None:
        return None
    path = Path(os.fspath(named)).expanduser() if isinstance(named, str) else Path()
    is_known = any(fnmatchcase(path.name, pattern) for pattern in format.files)
    if not path.is_absolute() or not is_known:
        raise ImportFailed(f"{named!r} is no transcript of {format.name}")
    return path


def start_import(journal: Path, format: str, transcript: Path) -> None:
    """Start the import of a transcript, which goes on when the agent has ended.

    Raises:
        OSError: no process can be started.
    """
    command = (
        *(sys.executable, "-P", "-m", "journal", "--journal", str(journal.absolute())),
        *("hook", format, "--transcript", str(transcript)),
    )
    subprocess.Popen(  # noqa: S603 - this program, with paths as arguments
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,  # the agent ends its children when it ends
    )
