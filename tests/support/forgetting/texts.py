"""What requests redact, worked out from the format alone, and made-up requests that redact."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from hashlib import blake2b
from random import Random
from typing import TYPE_CHECKING, Any

from journal.format.redacted import Redacted, mark
from tests.support.redaction.variants import KEYS, SECRETS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.support.projections import Fact

KEY = KEYS[0]
"""The key of the made-up requests, and of some of the redacted events."""
_FIELDS = (
    *("content", "tool_calls", "reasoning", "extra", "title", "system_prompt", "cwd"),
    *("config", "reason", "scope"),
)
_MARK = re.compile(r"\[redacted:([a-z0-9-]{1,64}):[0-9a-f]{6}\]")
_PARTLY = (
    *("transcript.replaced", "message.removed", "message.archived", "message.restored"),
    *("session.created", "session.ensured", "session.revised"),
)
_KNOWN = ("message.", "session.", "transcript.", "usage.", "key.", "erasure.")


def hashed(of: str, value: object) -> str:
    """Return the keyed hash of a value as the format defines it."""
    content = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return blake2b(content.encode(), digest_size=16, key=KEY.secret, person=of.encode()).hexdigest()


def _mapped(data: Any, name: str, change: Callable[[str, str], str]) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(data, str):
        return change(name, data)
    if isinstance(data, list):
        return [_mapped(each, name, change) for each in data]
    if isinstance(data, dict):
        return {key: _mapped(each, key, change) for key, each in data.items()}
    return data


def with_texts(type: str, data: dict[str, Any], change: Callable[[str, str], str]) -> Any:  # noqa: ANN401 - any JSON
    """Return data with other texts; the made-up events have no names that are left out."""
    if type.startswith("erasure."):
        return data
    if type == "key.set":
        return data | {"value": _mapped(data["value"], data["key"], change)}
    if not type.startswith(_KNOWN):
        return _mapped(data, "", change)
    new = {n: _mapped(v, n, change) if n in _FIELDS else v for n, v in data.items()}
    if type == "transcript.replaced":
        new["messages"] = [with_texts("message.", item, change) for item in new["messages"]]
    return new


class Texts:
    """The texts that requests redact which reach one record.

    Args:
        requests: the requests, with their ids.
    """

    def __init__(self, requests: Sequence[tuple[str, dict[str, Any]]]) -> None:
        self._named: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {}
        for id, request in requests:
            for hash, entry in request.get("texts", {}).items():
                rank = id, entry["marks"]
                if hash not in self._named or rank < self._named[hash][0]:
                    self._named[hash] = rank, entry

    def redacted(self, fact: Fact) -> Fact:
        """Return a record with these texts redacted; the same one if it has none of them."""
        event, counts = fact.event, Counter[str]()

        def change(name: str, text: str) -> str:
            seen = {text}
            while (found := self._named.get(hashed("text", [name, text]))) is not None:
                _, entry = found
                new = "".join(_pieces(text, entry["marks"]))
                if new in seen:
                    break
                counts.update(Counter(_MARK.findall(new)) - Counter(_MARK.findall(text)))
                seen.add(new)
                text = new
            return text

        data = with_texts(event.type, event.data, change)
        if data == event.data:
            return fact
        original = "" if event.type in _PARTLY else hashed("original", [event.type, event.data])
        has_content = event.type in {"message.appended", "message.revised"}
        has_content = has_content and "content" in event.data
        content = hashed("content", event.data["content"]) if has_content else ""
        before = event.redacted or Redacted(KEY.id, original, "", {}, content)
        names = "+".join(sorted({*before.rules.split("+"), "request"} - {""}))
        added = dict(Counter(before.counts) + counts)
        redacted = replace(before, rules=names, counts=added)
        return replace(fact, event=replace(event, data=data, redacted=redacted))


def _pieces(text: str, marks: list[list[Any]]) -> Iterator[str]:
    at = 0
    for start, end, each in marks:
        yield text[at:start] + each
        at = end
    yield text[at:]


def bare(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return a value whose marks say nothing."""
    return _mapped(value, "", lambda _, text: _MARK.sub("[redacted]", text))


def with_marks_counted(fact: Fact, items: list[dict[str, Any]]) -> Fact:
    """Return a transcript that lost some of its messages with what is redacted in the others."""
    event = fact.event
    if event.redacted is None or len(items) == len(event.data["messages"]):
        return fact
    found = Counter(_MARK.findall(json.dumps(event.data | {"messages": items})))
    left = Redacted(event.redacted.key, "", event.redacted.rules, dict(found)) if found else None
    return replace(fact, event=replace(event, redacted=left))


def named_texts(random: Random, made: Sequence[Fact]) -> dict[str, Any]:
    """Return `texts` of a request for some of the secrets that made-up records have."""
    found: dict[str, Any] = {}

    def see(name: str, text: str) -> str:
        # the same for each request: copies that redact one text in two ways can differ
        some = Random(text)  # noqa: S311 - made-up data
        secrets = some.sample(sorted(SECRETS), some.randint(1, len(SECRETS)))
        places = [
            [at.start(), at.end(), mark(SECRETS[at[0]], hashed("secret", at[0])[:6])]
            for at in re.finditer("|".join(map(re.escape, secrets)), text)
        ]
        if places and random.random() < 0.5:
            found[hashed("text", [name, text])] = {"length": len(text), "marks": places}
            if random.random() < 0.3:  # what is redacted already can have more
                see(name, "".join(_pieces(text, places)))
        return text

    for fact in made:
        with_texts(fact.event.type, fact.event.data, see)
    return found
