"""The keys of keyed hashes: without them a machine cannot hide what another one forgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.format.keyed_hash import Key
from journal.fs.key_file import add_keys, read_keys

if TYPE_CHECKING:
    from pathlib import Path

    from projector.relay.server.jetstream import JetStream


class Keys:
    """Sends the keys of this journal, and adds those of the others to it.

    Args:
        path: the journal's folder.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: set[Key] = set()
        """Keys that the stream has."""

    async def send(self, carrier: JetStream) -> None:
        """Send the keys that the stream lacks.

        Raises:
            CarrierError: there is no answer.
            JournalError, OSError: the keys cannot be read.
        """
        for key in read_keys(self._path):
            if key not in self._known:
                await carrier.send_key(key.id, key.secret.hex())
                self._known.add(key)

    def take(self, digits: str) -> None:
        """Add a key that has arrived, unless it is here.

        Raises:
            JournalError, OSError: the keys cannot be read, or not be written.
        """
        key = Key(bytes.fromhex(digits))
        if key not in self._known and key not in read_keys(self._path):
            add_keys(self._path, [key])
        self._known.add(key)
