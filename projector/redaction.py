"""Redact the secrets that older rules let through, and remove their bytes.

A request names each text with a secret by a keyed hash and says where its marks go (`texts` in
`docs/format.md`). It is in force at once; then erasure rewrites the records. Each message keeps its
id, its place and its order.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from journal.erasure.marked import Marked
from journal.erasure.request import Request
from journal.erasure.requests import read_requests
from journal.erasure.texts import Redaction, text_hash
from journal.errors import EventError
from journal.format.record import refusal
from journal.format.redacted import new_marks
from journal.fs.directory import open_directory
from journal.fs.key_file import any_key, read_keys
from journal.leaks import leaks
from journal.redact.redactor import Redactor
from journal.redact.setup import scanners_of
from journal.segments.damaged_bytes import DamagedBytes
from journal.segments.reader import read_events
from projector.forgetting.finish import (
    Outcome,
    append_requests,
    finish_requested,
    none_kept,
)
from projector.forgetting.request import request_key

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping, Sequence

    from journal.erasure.requests import Forgotten
    from journal.format.event import Event
    from journal.format.keyed_hash import Key
    from journal.format.scan import Damage
    from journal.fs.directory import Directory
    from journal.leaks import Leak
    from journal.redact.scanner import Scanner
    from journal.segments.listing import SegmentRef
    from journal.segments.reader import Located

_SCOPE = "redaction"
_MOST = 4 * 1024 * 1024
"""Bytes of the texts in one request, about: a record has at most 16 MiB."""
_SPAN, _TEXT = 64, 80
"""Bytes of a mark and of a text in a request, at most but for the longest kinds."""


@dataclass(frozen=True, slots=True)
class SecretsFound:
    """The secrets of a journal that are not redacted. It is false if there are none.

    Attributes:
        leaks: the secrets by event and kind.
        texts: how many different texts hold them.
        damaged: stretches that are no valid record: they cannot be searched.
    """

    leaks: tuple[Leak, ...]
    texts: int
    damaged: tuple[DamagedBytes, ...]

    def __bool__(self) -> bool:
        return bool(self.leaks)

    @property
    def kinds(self) -> Counter[str]:
        """How many secrets there are of each kind."""
        counts: Counter[str] = Counter()
        for leak in self.leaks:
            counts[leak.kind] += leak.count
        return counts


def find_secrets(
    path: str | os.PathLike[str],
    redact: bool | Sequence[Scanner] = True,  # noqa: FBT001, FBT002 - as `Journal.open` is given it
) -> SecretsFound:
    """Return the secrets that `redact_secrets` would redact; nothing is changed.

    What requests hide already is left out, also where its bytes are not erased yet.

    Args:
        path: the journal's folder.
        redact: true for the rules of today and those in `redact.toml`, or scanners.

    Raises:
        NotAJournalError: there is no journal.
        EventError: a redacted event would be larger than a record can be; the message names it.
        RedactionError: `redact.toml` cannot be used.
        ReadError, JournalOpenError: a lane or the file `key` cannot be read.
    """
    directory = open_directory(path, create=False)
    # a journal without a key stays without one
    return _Search(directory, redact, any_key(directory.path)).found()


def redact_secrets(
    path: str | os.PathLike[str],
    redact: bool | Sequence[Scanner] = True,  # noqa: FBT001, FBT002 - as `Journal.open` is given it
) -> tuple[SecretsFound, Outcome]:
    """Redact the secrets that older rules let through, and remove their bytes.

    Each event keeps its id, time, order and place; texts with secrets have marks instead. The same
    texts are shown with these marks also where they arrive later, from another lane, an import or a
    backup. If it fails after the requests were written, nothing is lost, and `finish_forgetting`
    does the rest.

    ::

        found, outcome = redact_secrets("~/agents")
        print(found.kinds, outcome.lines, outcome.pending)

    Args:
        path: the journal's folder.
        redact: true for the rules of today and those in `redact.toml`, or scanners.

    Returns:
        What was found, and what was done. Where nothing was found, nothing was done.

    Raises:
        NotFinished: the requests, or some of them, are in the journal, and the rest failed.
        AppendError, LeaseError: the requests cannot be written; nothing was done.
        NotAJournalError, EventError, RedactionError, ReadError, JournalOpenError: as
            `find_secrets`; nothing was done.
    """
    directory = open_directory(path, create=False)
    # without a secret no key is made
    if not read_keys(directory.path) and not (found := find_secrets(path, redact)):
        return found, Outcome()
    with none_kept():
        search = _Search(directory, redact, request_key(directory))
        found = search.found()
    if not found:
        return found, Outcome()
    append_requests(directory, lambda _: list(search.requests()))
    return found, finish_requested(directory)


class _Search:
    """Searches all records of a journal, but for what its requests hide already."""

    def __init__(
        self,
        directory: Directory,
        redact: bool | Sequence[Scanner],  # noqa: FBT001 - as `Journal.open` is given it
        key: Key,
    ) -> None:
        self._directory = directory
        self._redactor = Redactor(scanners_of(directory.path, redact), lambda: key)
        self._key = key
        self._texts: dict[str, Marked] = {}
        self._damaged: list[DamagedBytes] = []

    def found(self) -> SecretsFound:
        """Search all records."""
        forgotten = read_requests(self._directory)
        events = read_events(self._directory.lanes, self._note_damage)
        found = tuple(leak for at in events for leak in self._leaks(at, forgotten))
        return SecretsFound(found, len(self._texts), tuple(self._damaged))

    def requests(self) -> Iterator[dict[str, Any]]:
        """Yield the data of the requests for what was found."""
        part: dict[str, Marked] = {}
        size = 0
        for hash, marked in self._texts.items():
            more = _TEXT + _SPAN * len(marked.spans)
            if part and size + more > _MOST:
                yield self._request(part).data()
                part, size = {}, 0
            part[hash] = marked
            size += more
        if part:
            yield self._request(part).data()

    def _request(self, texts: Mapping[str, Marked]) -> Request:
        return Request("", 0, self._key.id, scope=_SCOPE, texts=texts)

    def _leaks(self, at: Located, forgotten: Forgotten) -> Iterator[Leak]:
        event, _ = forgotten.apply(at.record.event, at.lane, at.record.seq)
        if event is None:
            return
        texts: dict[str, Marked] = {}
        counts: Counter[str] = Counter()

        def see(name: str, text: str, new: str) -> None:
            counts.update(new_marks(text, new))
            texts[text_hash(self._key, name, text)] = Marked.between(text, new)

        if self._redactor.redact_texts(event.type, event.data, see) is event.data:
            return
        self._check_size(event, texts)
        self._texts |= texts
        yield from leaks(at, counts)

    def _check_size(self, event: Event, texts: Mapping[str, Marked]) -> None:
        """Refuse an event that no record can hold when it is redacted: marks can be longer."""
        new, _ = Redaction([self._key], [self._request(texts)]).apply(event, "", 0)
        why = refusal(new.session, new.id, new.type, new.data, new.redacted)
        if why is not None:
            raise EventError(
                f"event {event.id!r} of session {event.session!r} cannot be redacted: {why}."
                " Forget it first (`journal forget --message SESSION ID`); nothing was changed"
            )

    def _note_damage(self, ref: SegmentRef, damage: Damage) -> None:
        self._damaged.append(DamagedBytes.of(ref, damage))
