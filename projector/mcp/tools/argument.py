"""Arguments of tools: what a client gets to know of them, and how a call is checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from projector.mcp.errors import ToolError
from projector.mcp.text.fence import short

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Kind = Literal["string", "integer", "boolean", "strings"]
LONGEST = 100_000
"""Most characters of a text."""


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument.

    Attributes:
        name: its name.
        kind: what it is.
        about: what it is for.
        default: its value if it is not given; None if it then has none.
        least, most: the range of a number.
        required: whether it must be given.
        choices: what a text may be; empty if it may be anything.
    """

    name: str
    kind: Kind
    about: str
    default: Any = None
    least: int = 0
    most: int = 0
    required: bool = False
    choices: tuple[str, ...] = ()

    def schema(self) -> dict[str, Any]:
        """Return its JSON Schema."""
        found: dict[str, Any] = {"type": self.kind, "description": self.about}
        if self.kind == "strings":
            found |= {"type": "array", "items": {"type": "string"}}
        if self.kind == "integer":
            found |= {"minimum": self.least, "maximum": self.most}
        if self.choices:
            found["enum"] = list(self.choices)
        if self.default is not None:
            found["default"] = self.default
        return found

    def check(self, value: object) -> Any:  # noqa: ANN401 - of the argument's kind
        """Return a value that was given.

        Raises:
            ToolError: it is of another kind, out of range or too long.
        """
        if self.kind == "integer":
            return self._number(value)
        if self.choices and value not in self.choices:
            raise ToolError(
                f"{self.name} must be one of {', '.join(self.choices)},"
                f" not {short(repr(value), 60)}"
            )
        if self.kind == "boolean" and isinstance(value, bool):
            return value
        if self.kind == "string" and isinstance(value, str):
            return self._bounded(value)
        if (
            self.kind == "strings"
            and isinstance(value, list)
            and all(isinstance(one, str) for one in value)
        ):
            return [self._bounded(one) for one in value]
        wanted = {"strings": "a list of texts", "string": "a text", "boolean": "true or false"}
        raise ToolError(f"{self.name} must be {wanted[self.kind]}, not {short(repr(value), 60)}")

    def _bounded(self, text: str) -> str:
        if len(text) > LONGEST:
            raise ToolError(
                f"{self.name} is too long: it has {len(text):,} characters, and may have"
                f" {LONGEST:,}"
            )
        return text

    def _number(self, value: object) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)  # JSON has one kind of number
        if (
            isinstance(value, bool)
            or not isinstance(value, int)
            or not self.least <= value <= self.most
        ):
            raise ToolError(
                f"{self.name} must be a whole number from {self.least} to {self.most:,},"
                f" not {short(repr(value), 60)}"
            )
        return value


def checked(arguments: Iterable[Argument], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a value for each argument; None for one that is not given and has no default.

    Raises:
        ToolError: one is unknown, missing, of another kind or out of range.
    """
    known = {argument.name: argument for argument in arguments}
    for name in given:
        if name not in known:
            raise ToolError(f"unknown argument {short(name, 60)!r}; known are {', '.join(known)}")
    found = {}
    for name, argument in known.items():
        value = given.get(name)
        if value is None:
            if argument.required:
                raise ToolError(f"{name} is missing")
            value = argument.default
        else:
            value = argument.check(value)
        found[name] = value
    return found
