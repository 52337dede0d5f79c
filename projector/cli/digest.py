"""`projector digest`: a checksum of what the projection holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from journal.cli.kit.output import print_line
from journal.fs.directory import open_directory
from projector.cli.kit.behind import warn_if_behind
from projector.cli.kit.part import parts_option
from projector.cli.kit.timeout import timeout_option
from projector.db.digest import digest, digest_of_parts
from projector.db.generations import is_in_parts
from projector.parts import Parts
from projector.projection import Projection

if TYPE_CHECKING:
    from pathlib import Path

    from projector.fold.part import Part


@click.command("digest")
@parts_option()
@timeout_option(default=None)
@click.pass_obj
def command(path: Path, parts: tuple[Part, ...], timeout: float | None) -> None:
    """Print the SHA-256 of the logical content, in canonical order.

    It does not depend on rowids, lanes or times of arrival: the same set of events gives the same
    digest on every machine, in any order of arrival, before and after a rebuild. If some events
    cannot be applied, it is the digest of the others, and stderr says so.

    A journal that is projected in parts alone has the digest that one projection of it would have.
    With --part it is that of some parts.
    """
    if parts or is_in_parts(open_directory(path, create=False).path):
        with Parts.open(path, timeout=timeout, only=map(str, parts) if parts else None) as several:
            answer, fresh = several.read(digest_of_parts)
    else:
        with Projection.open(path, timeout=timeout) as projection:
            answer, fresh = projection.read(digest)
    warn_if_behind(fresh.behind)
    print_line(answer)
