"""The interface of scanners: built-in rules, the user's rules, other scanners."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterable


class Hit(NamedTuple):
    """A secret in a text.

    Attributes:
        start: offset of its first character.
        end: offset behind its last character.
        kind: the kind of secret: 1 to 64 characters of `a-z`, `0-9` and `-`.
    """

    start: int
    end: int
    kind: str


@runtime_checkable
class Scanner(Protocol):
    """Finds secrets in texts: always the same ones in the same text. Safe for threads."""

    @property
    def version(self) -> str:
        """Name and version of its rules, such as `agent-journal/1`."""

    def may_find(self, raw: bytes) -> bool:
        """Return whether a text may hold a secret; false only where `find` finds none.

        It is called for each event, so it must be fast.

        Args:
            raw: the text in UTF-8. The strings of an event are lines, each as `NAME="STRING"`.
        """

    def find(self, text: str) -> Iterable[Hit]:
        """Find the secrets in a text. Hits may overlap: the first one at a place counts."""
