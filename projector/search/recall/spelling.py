"""What may have been meant by a word that the index does not have."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

_SHORTEST = 4
"""Letters of the shortest word that is corrected: a shorter one has many neighbours."""
_LONGEST = 40
"""Letters of the longest word that is corrected: a longer one has too many neighbours."""
_SHORTEST_OF_TWO, _LONGEST_OF_TWO = 7, 20
"""Letters of the shortest and the longest word in which two mistakes are looked for."""
_MOST = 3
"""Most words that are taken for what was meant."""


def corrections(word: str, known: Callable[[Iterable[str]], Collection[str]]) -> tuple[str, ...]:
    """Return words of the index that differ from a word by one mistake, else by two.

    A mistake is a letter that is missing, too much, another one, or has changed places with the
    next.

    Args:
        word: in the spelling of the index.
        known: returns which words are in the index.
    """
    if not _SHORTEST <= len(word) <= _LONGEST or not word.isascii() or not word.isalpha():
        return ()
    near = dict.fromkeys(_one_mistake(word))
    found = known(near)
    if not found and _SHORTEST_OF_TWO <= len(word) <= _LONGEST_OF_TWO:
        # the second mistake is a deletion or an exchange: all pairs would be a hundred thousand
        found = known({two for one in near for two in _shorter(one)})
    return tuple(sorted(found, key=lambda other: (other[0] != word[0], -len(other)))[:_MOST])


def _one_mistake(word: str) -> Iterator[str]:
    for at in range(len(word) - 1):
        yield word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    for at in range(len(word)):
        yield word[:at] + word[at + 1 :]
    for at in range(len(word) + 1):
        for letter in string.ascii_lowercase:
            yield word[:at] + letter + word[at:]
            yield word[:at] + letter + word[at + 1 :]


def _shorter(word: str) -> Iterator[str]:
    for at in range(len(word)):
        yield word[:at] + word[at + 1 :]
