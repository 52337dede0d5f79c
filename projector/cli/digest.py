"""`projector digest`: a checksum of what the projection holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from journal.cli.kit.output import print_line
from projector.cli.kit.behind import warn_if_behind
from projector.cli.kit.timeout import timeout_option
from projector.db.digest import digest
from projector.projection import Projection

if TYPE_CHECKING:
    from pathlib import Path


@click.command("digest")
@timeout_option(default=None)
@click.pass_obj
def command(path: Path, timeout: float | None) -> None:
    """Print the SHA-256 of the logical content, in canonical order.

    It does not depend on rowids, lanes or times of arrival: the same set of events gives the same
    digest on every machine, in any order of arrival, before and after a rebuild. If some events
    cannot be applied, it is the digest of the others, and stderr says so.
    """
    with Projection.open(path, timeout=timeout) as projection:
        answer, fresh = projection.read(digest)
    warn_if_behind(fresh.behind)
    print_line(answer)
