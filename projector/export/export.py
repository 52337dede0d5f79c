"""Exports sessions as text: the function for programs, and what the command uses."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.fs.directory import open_directory
from journal.redact.setup import way_out
from projector.arguments import check_choice, check_names
from projector.export.conversation import Settings
from projector.export.detail import check_detail
from projector.export.formats import format_named
from projector.export.otlp.conventions import LATEST, VERSIONS
from projector.export.reading import begin, newest
from projector.projection import Projection

if TYPE_CHECKING:
    import os
    from collections import Counter
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from projector.errors import Behind
    from projector.export.conversation import Detail
    from projector.export.reading import Look


@dataclass(frozen=True, slots=True)
class Export:
    """An export that has begun.

    Attributes:
        sessions: the ids of the sessions, in order.
        pieces: the text, piece by piece, read as it is taken. The pieces end with a newline.
        behind: what the projection lacks of all that the journal held; None if nothing.
        redacted: counts the secrets that were replaced so far, by their kinds.
        edited: the ids of sessions that were edited while they were read: some of their messages
            can be as they were before, and others as they were after.
    """

    sessions: tuple[str, ...]
    pieces: Iterator[str]
    behind: Behind | None
    redacted: Counter[str]
    edited: set[str]


def begin_export(
    projection: Projection,
    journal: Path,
    sessions: Iterable[str],
    format: str,
    *,
    detail: Detail = "full",
    redact: bool = True,
    otlp_version: str = LATEST,
    look: Look = newest,
) -> Export:
    """Begin to export sessions, as `export_sessions`.

    Args:
        projection: what is read, also while the text is taken.
        journal: the journal's folder.
        sessions: names of sessions.
        format: as for `export_sessions`, as are the next three.
        detail: see there.
        redact: see there.
        otlp_version: see there.
        look: whether what is new in the journal is applied first: `reading.newest`, or
            `reading.as_applied`.
    """
    check_detail(detail)
    check_choice("otlp_version", otlp_version, tuple(VERSIONS))
    found = format_named(format)
    redactor = way_out(open_directory(journal, create=False).path) if redact else None
    reading = begin(projection, sessions, redactor, detail, look)
    settings = Settings(detail, redact, otlp_version)
    pieces = found.write(reading.conversations(), settings)
    return Export(reading.sessions, pieces, reading.behind, reading.redacted, reading.edited)


@contextmanager
def export_sessions(
    path: str | os.PathLike[str],
    sessions: Iterable[str],
    format: str = "md",
    *,
    detail: Detail = "full",
    redact: bool = True,
    otlp_version: str = LATEST,
) -> Iterator[Export]:
    """Export sessions in a format of another program, in a `with` block.

    Messages are read in pages while the text is taken: the memory that is needed does not depend on
    their number. What is appended after the call is left out.

    ::

        with export_sessions("~/agents", ["s1"], "jsonl", detail="normal") as export:
            for piece in export.pieces:
                print(piece, end="")

    Args:
        path: folder of the journal.
        sessions: ids, or beginnings or ends of ids, as `Projection.session` takes them.
        format: `md`, `html`, `json`, `jsonl`, `atif`, `otlp`, or another one that is installed.
        detail: `full`; `normal`, without thinking and the middle of long outputs of tools; or
            `prompts`, what people typed and the final answers.
        redact: replace secrets that the rules of today know by marks.
        otlp_version: the version of OpenTelemetry's conventions for generative AI: `1.36` or
            `1.41`.

    Raises:
        NotAJournalError: there is no journal.
        NotFound: there is no such session, or there are several.
        QueryError: a name is no text, or the format or an extra that it needs is not installed.
        ValueError: `detail` or `otlp_version` is unknown.
        RedactionError: `redact.toml` cannot be used.
        ProjectionError: the projection cannot be read or built; also while the text is taken.
    """
    wanted = tuple(sessions)
    check_names({f"sessions[{number}]": name for number, name in enumerate(wanted)})
    with Projection.open(path) as projection:
        yield begin_export(
            projection,
            open_directory(path, create=False).path,
            wanted,
            format,
            detail=detail,
            redact=redact,
            otlp_version=otlp_version,
        )
