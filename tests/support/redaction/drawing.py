"""Draws random secrets, and says what a planted one is."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits

ALNUM = ascii_letters + digits
LOWER = ascii_lowercase + digits
UPPER = ascii_uppercase + digits
BASE32 = ascii_uppercase + "234567"
BASE64 = ALNUM + "+/"
HEX = digits + "abcdef"
WORD = ALNUM + "_-"


@dataclass(frozen=True, slots=True)
class Planted:
    """A secret in a text.

    Attributes:
        kind: what it is.
        kingfisher: whether the kind was taken from Kingfisher's rules.
        text: the message.
        secrets: the parts of the text that must be redacted.
    """

    kind: str
    kingfisher: bool
    text: str
    secrets: tuple[str, ...]

    def leaks(self, text: str) -> bool:
        """Return whether a text still has one of the secrets."""
        return any(secret in text for secret in self.secrets)


class Made:
    """Draws random texts."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - the same secrets in each run

    def draw(self, alphabet: str, count: int) -> str:
        """Return random characters, among them a letter and a digit if the alphabet has both."""
        text = [self.random.choice(alphabet) for _ in range(count)]
        at, other = self.random.sample(range(count), 2)
        letters = [char for char in alphabet if char.isalpha()]
        numbers = [char for char in alphabet if char.isdigit()]
        if letters and numbers:
            text[at], text[other] = self.random.choice(letters), self.random.choice(numbers)
        return "".join(text)

    def word(self) -> str:
        """Return a password as a person may choose it."""
        return self.draw(ascii_letters, 7) + self.random.choice("!#%-_.") + self.draw(digits, 3)
