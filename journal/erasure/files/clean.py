"""What a killed eraser left is removed, and what it renamed is made durable."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from journal.errors import EraseError
from journal.fs import disk
from journal.fs.files import sync_folder
from journal.segments.listing import list_lane, own_lanes
from journal.segments.segment import is_segment_draft

if TYPE_CHECKING:
    from journal.fs.directory import Directory


def clean_up(directory: Directory) -> None:
    """Remove drafts of segments, and sync the folders of all lanes; the eraser's lock is held.

    A draft may hold what was forgotten since. A segment that was replaced has its name; if that was
    not synced, a power loss would bring the old one back.

    Raises:
        EraseError: the file system refuses.
        ReadError: the folder of a lane is not this user's.
    """
    for name in own_lanes(directory.lanes):
        folder = directory.lanes / name
        list_lane(folder)  # raises an error for a folder that is not this user's
        try:
            drafts = [folder / entry for entry in os.listdir(folder) if is_segment_draft(entry)]
            for draft in drafts:
                disk.in_use.unlink(draft)
            sync_folder(folder)
        except OSError as error:
            raise EraseError(
                f"cannot clean up after an interrupted erasure in {folder}:"
                f" {error.strerror or error}"
            ) from error
