"""The checks that all parts of the step share."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from projector import Projection
from tests.support.redaction.comparing import Comparison, find_secrets, keyed_hash, marks

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from journal.format.event import Event


@dataclass(slots=True)
class Done:
    """The counts of a run.

    Attributes:
        seeds: number of seeds.
        events: number of redacted events that were compared with their originals.
        secrets: number of planted secrets that were searched for.
        kinds: kinds of the marks that were found.
    """

    seeds: int = 0
    events: int = 0
    secrets: int = 0
    kinds: Counter[str] = field(default_factory=Counter)


class Wrong(Exception):  # noqa: N818 - says what is wrong
    """A check failed."""


def key_of(folder: Path) -> bytes:
    """Return the key of a journal; a random one if nothing was redacted."""
    path = folder / "key"
    return bytes.fromhex(path.read_text().split()[0]) if path.exists() else bytes(32)


def check_event(key: bytes, data: Any, found: Event, secrets: set[str], done: Done) -> None:  # noqa: ANN401 - any JSON
    """Compare an event as it was written with its original.

    Args:
        key: the secret key of the journal.
        data: the original data.
        found: the event.
        secrets: the planted secrets.
        done: counts it.

    Raises:
        Wrong: another value was changed, or `redacted` of the event is wrong.
    """
    for difference in Comparison(key, secrets).differences(data, found.data):
        raise Wrong(f"{found.type} {found.session}/{found.id}: {difference}")
    kinds = Counter(marks(found.data))
    redacted = found.redacted
    if (redacted is None) != (not kinds):
        raise Wrong(f"{found.id} has {sum(kinds.values())} marks, and says {redacted}")
    if redacted is not None:
        done.events += 1
        done.kinds += kinds
        if dict(redacted.counts) != dict(kinds):
            raise Wrong(f"{found.id} has marks of {dict(kinds)}, and says {dict(redacted.counts)}")
        if redacted.original != keyed_hash(key, "original", [found.type, data]):
            raise Wrong(f"{found.id} has a wrong hash of its original")


def project(folder: Path) -> str:
    """Build the projection and the index; return the digest.

    Raises:
        Wrong: there is a conflict.
    """
    with Projection.open(folder) as projection:
        digest = projection.digest()
        conflicts = projection.status().conflicts
    if conflicts:
        raise Wrong(f"{conflicts} conflicts")
    return digest


def check_bytes(folder: Path, secrets: Collection[str], done: Done) -> None:
    """Search all files below a folder for secrets.

    Raises:
        Wrong: a file contains one.
    """
    done.secrets += len(secrets)
    if left := find_secrets(folder, secrets):
        raise Wrong(f"{len(left)} secrets were written, such as {left[0]}")
