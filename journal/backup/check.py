"""Check that a backup is intact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.backup.place import Backup, open_backup
from journal.errors import BackupDamaged

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class BackupCheck:
    """The content of a backup, and its problems.

    Attributes:
        path: folder of the backup.
        journal: uuid of the journal.
        began: when the backup began, microseconds since 1970.
        segments: segments in it.
        bytes: their bytes.
        problems: descriptions of what is damaged or missing; empty if the backup is intact.
    """

    path: Path
    journal: str
    began: int
    segments: int
    bytes: int
    problems: tuple[str, ...]


def verify_backup(folder: str | os.PathLike[str]) -> BackupCheck:
    """Read every byte of a backup, and compare it with the checksums of the manifest.

    Args:
        folder: the folder of the backup.

    Raises:
        BackupDamaged: the manifest is damaged, or a key is missing.
        BackupFailed: there is no backup.
    """
    backup = open_backup(folder)
    segments = backup.manifest.segments
    return BackupCheck(
        path=backup.path,
        journal=backup.manifest.journal,
        began=backup.manifest.began,
        segments=len(segments),
        bytes=sum(copied.size for copied in segments),
        problems=tuple(_problems(backup)),
    )


def _problems(backup: Backup) -> Iterator[str]:
    """Yield descriptions of what is wrong with the segments of a backup."""
    for copied in backup.manifest.segments:
        try:
            for _ in backup.read(copied):
                pass
        except BackupDamaged as error:
            yield str(error)
