"""Redaction of events and texts: secrets are replaced by marks."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from journal.format.keyed_hash import content_hash
from journal.format.new_event import Encoded
from journal.format.redacted import Redacted, new_marks
from journal.redact.json_text import redact_json
from journal.redact.marks import find, replace
from journal.redact.values import named_texts, redact_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from journal.format.keyed_hash import Key
    from journal.format.new_event import Ready
    from journal.redact.scanner import Scanner

    OnRedacted = Callable[[dict[str, Any], Redacted, dict[str, Any]], None]


class Redactor:
    """Replaces secrets by marks. Safe for threads.

    Args:
        scanners: what finds secrets; of hits at one place that of the first scanner counts.
        key: returns the journal's key. It is called when the first secret is found, because a
            journal without secrets needs no key.

    Attributes:
        rules: names and versions of the scanners' rules.
        on_redacted: called with the data of an event, with what is redacted in it, and with the
            data that is left, before it is written; None calls nothing.
    """

    def __init__(self, scanners: Sequence[Scanner], key: Callable[[], Key]) -> None:
        self._scanners = tuple(scanners)
        self._make_key = key
        self._made: Key | None = None
        self.on_redacted: OnRedacted | None = None
        self.rules = "+".join(scanner.version for scanner in self._scanners)

    def _key(self) -> Key:
        # functools.cached_property has a lock in Python 3.11, with which a forked child would hang
        if self._made is None:
            self._made = self._make_key()
        return self._made

    def redact_events(self, events: Iterable[Ready]) -> list[Ready]:
        """Redact events that are to be appended; those that were redacted before keep that.

        Raises:
            JournalOpenError: as `redact`.
            ValueError: an event was encoded without a look by the rules of this redactor.
        """
        changed: list[Ready] = []
        for event in events:
            if isinstance(event, Encoded):
                if event.rules != self.rules:
                    raise ValueError(f"event {event.id!r} was encoded before it was redacted")
                changed.append(event)
                continue
            session, id, type, data, before, importer = event
            new, redacted = self.redact(type, data)
            if redacted is not None and before is not None:
                redacted = before.with_more(redacted.rules, redacted.counts)
            redacted = redacted or before
            if redacted is not None and self.on_redacted is not None:
                self.on_redacted(data, redacted, new)
            changed.append((session, id, type, new, redacted, importer))
        return changed

    def redact(self, type: str, data: dict[str, Any]) -> tuple[dict[str, Any], Redacted | None]:
        """Redact the data of an event; see `journal.redact.values` for values that are not changed.

        Returns:
            The data, the same object if there is no secret in it; and what was redacted.

        Raises:
            JournalOpenError: there is a secret, and the journal's key cannot be read or made.
        """
        counts: Counter[str] = Counter()

        def count(_name: str, text: str, new: str) -> None:
            counts.update(new_marks(text, new))

        changed = self.redact_texts(type, data, count)
        if changed is data:
            return data, None
        original = self._key().hash("original", [type, data])
        content = content_hash(self._key(), type, data)
        return changed, Redacted(self._key().id, original, self.rules, dict(counts), content)

    def may_redact(self, type: str, data: dict[str, Any]) -> bool:
        """Return whether there may be a secret in the data of an event; false only without one."""
        try:
            texts = named_texts(type, data)
        except RecursionError:
            return False  # no record can hold it: the writer refuses it and names the field
        return bool(texts) and self._may_find(_raw("\n".join(texts)))

    def redact_texts(
        self, type: str, data: dict[str, Any], see: Callable[[str, str, str], None]
    ) -> dict[str, Any]:
        """Redact the data of an event, and show each string that has a secret.

        Args:
            type: the event's type.
            data: its data.
            see: called with the name of each string that has a secret, with the string and with
                what it becomes. The name is that of the field or key that holds it.

        Returns:
            The data, the same object if there is no secret in it.

        Raises:
            JournalOpenError: as `redact`.
        """
        if not self.may_redact(type, data):
            return data

        def redact(name: str, text: str) -> str:
            new = self._value(name, text)
            if new != text:
                see(name, text, new)
            return new

        return redact_values(type, data, redact)

    def text(self, text: str) -> str:
        """Redact a text for an output.

        Raises:
            JournalOpenError: as `redact`.
        """
        return self._value("", text)

    def _may_find(self, raw: bytes) -> bool:
        return any(scanner.may_find(raw) for scanner in self._scanners)

    def _value(self, name: str, text: str) -> str:
        """Redact a string; `name` is that of its field, or empty."""
        # redacting again must find nothing more, or an event would change at every import
        while (new := self._once(name, text)) != text:
            text = new
        return text

    def _once(self, name: str, text: str) -> str:
        before = f'{name}="' if name else ""
        whole = f'{before}{text}"' if name else text
        # most strings have nothing, and then JSON need not be parsed
        is_json = text.lstrip()[:1] in ("{", "[")
        if is_json and not self._may_find(_raw(whole)):
            return text
        start, end = len(before), len(before) + len(text)
        hits = [
            hit._replace(start=hit.start - start, end=hit.end - start)
            for hit in find(self._scanners, whole)
            if start <= hit.start and hit.end <= end
        ]
        new = replace(text, hits, self._key()) if hits else text
        # the strings in JSON have names, and their quotes and line ends are escaped in the text
        return redact_json(text, new, self._value) if is_json else new


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
