"""A term of a query, and its FTS5 phrase: words, and CJK runs as pairs of characters.

The index holds a run of Chinese, Japanese or Korean as overlapping pairs (see
`projector.text.normalize`), so a term with such a run is searched by the same pairs.
"""

from dataclasses import dataclass

from projector.text.normalize import is_cjk, pairs


@dataclass(frozen=True, slots=True)
class Term:
    """Words that must follow each other.

    Attributes:
        words: The words in the spelling of the index, CJK runs in one piece; at least one, unless
            there is a literal.
        prefix: Whether the last word is a prefix.
        literal: What a text must have as it is typed, signs and accents included; empty if the
            words are enough. The index has no signs: it finds texts with the words, of which each
            is looked at (`projector.text.literal`).
    """

    words: tuple[str, ...]
    prefix: bool = False
    literal: str = ""

    @property
    def size(self) -> int:
        """The number of FTS5 tokens of the term."""
        return sum(len(word) if is_cjk(word) else 1 for word in self.words)

    def match(self) -> str:
        """Return the words as an FTS5 phrase; there must be some."""
        tokens: list[str] = []
        for word in self.words[:-1]:
            tokens += pairs(word) if is_cjk(word) else [word]
        last, prefix = self.words[-1], self.prefix
        if is_cjk(last):  # the last character is a token of its own only at the end of a run
            tokens += pairs(last)[:-1] or [last]
            prefix = len(last) == 1
        else:
            tokens.append(last)
        return f'"{" ".join(tokens)}"{"*" * prefix}'
