"""Compares redacted values with their originals, and searches bytes for secrets."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any

from tests.support.redaction.document import program

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

_MARK = re.compile(r"\[redacted:[a-z0-9-]{1,64}:([0-9a-f]{6})\]")
_TAIL = 12
"""Letters and digits at the end of a word by which it is looked for: in the full-text index the
first ones can be missing, which it has in common with the word before it."""
_WORD = re.compile(rf"[A-Za-z0-9]{{{_TAIL},}}")


def keyed_hash(key: bytes, kind: str, value: object) -> str:
    """Return a keyed hash as the document of the format defines it."""
    return str(program("hashes")["keyed_hash"](key, kind, value))


class Comparison:
    """Compares values with their redacted forms.

    Args:
        key: the secret key of the journal.
        secrets: the planted secrets.
    """

    def __init__(self, key: bytes, secrets: Iterable[str]) -> None:
        self._key = key
        self._secrets = tuple(secrets)

    def differences(self, was: Any, now: Any, place: str = "") -> Iterator[str]:  # noqa: ANN401 - any JSON
        """Yield values that changed without being a secret, or that have a wrong mark."""
        if isinstance(was, str) and isinstance(now, str):
            if was != now and not self._is_redacted(was, now):
                yield f"{place or 'it'} was {was!r:.300} and is {now!r:.300}"
        elif isinstance(was, dict) and isinstance(now, dict) and was.keys() == now.keys():
            for name, value in was.items():
                yield from self.differences(value, now[name], f"{place}.{name}")
        elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
            for number, (one, two) in enumerate(zip(was, now, strict=True)):
                yield from self.differences(one, two, f"{place}[{number}]")
        elif json.dumps(was) != json.dumps(now):
            yield f"{place or 'it'} was {was!r:.300} and is {now!r:.300}"

    def _is_redacted(self, was: str, now: str) -> bool:
        """Return whether a text differs only in marks; in JSON, the strings are compared."""
        inside = [_json(text) for text in (was, now)]
        if isinstance(inside[0], dict | list):
            return type(inside[0]) is type(inside[1]) and not any(self.differences(*inside))
        pieces = _MARK.split(now)
        return len(pieces) > 1 and self._is_covered(was, pieces[::2], pieces[1::2])

    def _is_covered(
        self, was: str, pieces: Sequence[str], digits: Sequence[str], at: int = 0
    ) -> bool:
        """Return whether each mark has the digits of its text, and that text has a secret."""
        if not was.startswith(pieces[0], at):
            return False
        at += len(pieces[0])
        if not digits:
            return at == len(was)
        end = at
        while (end := was.find(pieces[1], end + 1)) >= 0:
            if keyed_hash(self._key, "secret", was[at:end]).startswith(digits[0]):
                is_secret = any(it in was[at:end] or was[at:end] in it for it in self._secrets)
                return is_secret and self._is_covered(was, pieces[1:], digits[1:], end)
        return False


def marks(value: Any) -> list[str]:  # noqa: ANN401 - any JSON
    """Return the kinds of all marks in the strings of a value."""
    if isinstance(value, str):
        return [found[0].split(":")[1] for found in _MARK.finditer(value)]
    if isinstance(value, dict):
        return [kind for each in value.values() for kind in marks(each)]
    return [kind for each in value for kind in marks(each)] if isinstance(value, list) else []


def find_secrets(folder: Path, secrets: Iterable[str]) -> list[str]:
    """Return the files below a folder that contain a secret, in any form of writing it."""
    forms = {form: secret for secret in secrets for form in _forms(secret)}
    found = []
    for path in sorted(folder.rglob("*")):
        content = path.read_bytes() if path.is_file() else b""
        found += [
            f"{secret!r} in {path.relative_to(folder)}, as {form!r}"
            for form, secret in forms.items()
            if form in content
        ]
    return found


def _forms(secret: str) -> Iterator[bytes]:
    """Yield plain text, JSON, JSON in JSON, the words of an index, and base64 at each offset."""
    once = json.dumps(secret)[1:-1]
    for text in (secret, secret.lower(), once, json.dumps(once)[1:-1]):
        yield text.encode()
    for word in _WORD.findall(secret):
        yield word[-_TAIL:].lower().encode()
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + secret.encode())
        # characters beside the secret change its first and last base64 characters
        yield coded[4 if before else 0 : -4]


def _json(text: str) -> Any:  # noqa: ANN401 - any JSON
    try:
        return json.loads(text) if text.lstrip()[:1] in {"{", "["} else None
    except ValueError:
        return None
