"""Events that several rules redact differently, under several keys."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from journal.format.keyed_hash import Key, content_hash
from journal.format.redacted import Redacted, mark

if TYPE_CHECKING:
    from journal.format.event import Event

SECRETS = {"hunter2": "password", "sk-北京-9": "token", "a\nb": "key"}
"""Secrets in made-up texts, and the kind of each."""
KEYS = Key(b"k" * 32), Key(b"o" * 32)
RULES = {
    "rules 1": ("hunter2",),
    "rules 2": ("hunter2", "sk-北京-9"),
    "rules 3": ("a\nb",),
    "rules 4": tuple(SECRETS),
}
"""The secrets that each version of the rules finds."""


def redacted(event: Event, key: Key, rules: str) -> Event:
    """Return an event as a writer with a key and rules would append it."""
    counts: Counter[str] = Counter()

    def masked(value: Any) -> Any:  # noqa: ANN401 - any JSON
        if isinstance(value, str):
            for secret in RULES[rules]:
                counts[SECRETS[secret]] += value.count(secret)
                digits = key.hash("secret", secret)[:6]
                value = value.replace(secret, mark(SECRETS[secret], digits))
            return value
        if isinstance(value, dict):
            return {name: masked(each) for name, each in value.items()}
        if isinstance(value, list):
            return [masked(each) for each in value]
        return value

    data = masked(event.data)
    if not +counts:
        return event
    original = key.hash("original", [event.type, event.data])
    # older programs did not write it
    content = "" if rules == "rules 1" else content_hash(key, event.type, event.data)
    found = Redacted(key.id, original, rules, dict(+counts), content)
    return replace(event, data=data, redacted=found)
