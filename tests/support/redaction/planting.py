"""Values in which secrets are planted at random places."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.support.made_up import ODD, WORDS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from tests.support.redaction.drawing import Planted

_PLANTED = 0.4
"""Probability that a text contains a secret."""
_NAMES = ("command", "note", "out", "2", "Ключ", "a b", 'q"uote', "stdout")
"""Names of fields that do not describe their values."""
_DEEPEST = 3


class Planter:
    """Makes texts and values, and plants secrets in them.

    Args:
        random: chooses secrets and places.
        planted: the secrets, each in a text by which the rules recognise it.

    Attributes:
        secrets: the secrets that were planted so far.
    """

    def __init__(self, random: Random, planted: Sequence[Planted]) -> None:
        self._random = random
        self._planted = planted
        self.secrets: set[str] = set()

    def text(self) -> str:
        """Return a text, perhaps with secrets between its lines."""
        random = self._random
        lines = [" ".join(random.choices(WORDS, k=random.randint(0, 4)))]
        if random.random() < 0.1:
            lines.append(random.choice(ODD))
        while random.random() < _PLANTED:
            there = random.choice(self._planted)
            self.secrets.update(there.secrets)
            lines.insert(random.randint(0, len(lines)), there.text)
        return random.choice(["\n", "\n\n", "\r\n"]).join(lines)

    def value(self, depth: int = 0) -> Any:  # noqa: ANN401 - any JSON
        """Return any JSON value; strings in it may be JSON, too."""
        random = self._random
        kind = random.choice(["text", "text", "json", "object", "list", "other"])
        if depth == _DEEPEST or kind == "text":
            return self.text()
        if kind == "json":
            return self.json_text(depth + 1)
        if kind == "object":
            return self.object(depth + 1)
        if kind == "list":
            return [self.value(depth + 1) for _ in range(random.randint(0, 3))]
        return random.choice([None, True, 0, -1.5, 2**53, "", [], {}])

    def object(self, depth: int = 0) -> dict[str, Any]:
        """Return an object."""
        random = self._random
        names = random.sample(_NAMES, random.randint(0, 3))
        return {name: self.value(depth + 1) for name in names}

    def json_text(self, depth: int = 0) -> str:
        """Return an object as JSON, as the arguments of a tool are."""
        random = self._random
        return json.dumps(
            self.object(depth),
            ensure_ascii=random.random() < 0.5,
            indent=random.choice([None, None, 2]),
        )

    def parts(self) -> list[dict[str, Any]]:
        """Return the parts of a message's content: texts, calls of tools and their results."""
        return [self._part() for _ in range(self._random.randint(1, 3))]

    def _part(self) -> dict[str, Any]:
        kind = self._random.choice(["text", "thinking", "tool_use", "tool_result"])
        if kind == "tool_use":
            return {"type": kind, "id": "toolu_1", "name": "Bash", "input": self.object()}
        if kind == "tool_result":
            inner = [{"type": "text", "text": self.text()}]
            return {"type": kind, "tool_use_id": "toolu_1", "content": inner}
        if kind == "thinking":
            return {"type": kind, "thinking": self.text(), "signature": "c2lnbmF0dXJl"}
        return {"type": kind, "text": self.text()}

    def calls(self) -> list[dict[str, Any]]:
        """Return calls of tools as OpenAI writes them."""
        call = {"name": "shell", "arguments": self.json_text()}
        return [{"id": "call_1", "type": "function", "function": call}]

    def content(self) -> str | list[dict[str, Any]]:
        """Return the content of a message."""
        return self.text() if self._random.random() < 0.6 else self.parts()
