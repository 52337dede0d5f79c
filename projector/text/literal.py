r"""What a person means as it is typed: signs, and letters with accents.

The index has words alone. What has signs is found by its words, and each text is then looked at:

- Upper and lower case are the same, as everywhere.
- A letter with an accent is that letter; one without an accent is any.
- A run of blank space is any run of blank space.
- Where it begins or ends with a letter or digit, a word of the text begins or ends, too.

In quotes every sign counts. Of a word without quotes the punctuation round it does not: `(see
foo_bar.)` looks for `foo_bar`; and a word is only literal if it has a sign of ASCII, because
people write Chinese sentences without a space.
"""

import re
from functools import cache
from typing import Final

from projector.text.normalize import (
    CJK,
    LETTER,
    MARK,
    accented_forms,
    fold,
    is_letter,
    lower,
    normal,
)

_AROUND: Final = ",;:!?'\"()[]{}<>`\u2026\u2018\u2019"
_LEADING: Final = f"^ {_AROUND}"
_TRAILING: Final = f". {_AROUND}"
_BLANKS = re.compile(r"[\s\x00-\x1f\x7f]+")
_MARKS = re.compile(MARK)
_ASCII_SIGN = re.compile(r"[!-/:-@\[-`{-~]")
# no other character becomes one of these in `normal`, `fold` or `typed`
_STEADY = re.compile("[!#-&*+,/:<-@\\[\\]\\\\^_{|}~\U0001f000-\U0001faff-]")
# quotation marks that programs put in the place of the ones that are typed
_TYPED = (("\u2018", "'"), ("\u2019", "'"), ("\u201c", '"'), ("\u201d", '"'))


def literal_of_phrase(text: str) -> str:
    """Return what a text must have for a phrase; empty if its words are enough.

    >>> literal_of_phrase("docker compose"), literal_of_phrase("a != b"), literal_of_phrase("café")
    ('', 'a != b', 'café')
    """
    text = _BLANKS.sub(" ", text.replace("\ufffd", " ")).strip()
    if text.isascii():
        return text if _ASCII_SIGN.search(text) else ""
    return (
        text if _sign().search(normal(text)) or any(map(_is_accented, lower(normal(text)))) else ""
    )


def literal_of_word(text: str) -> str:
    """Return what a text must have for a word without quotes; empty if its words are enough.

    >>> literal_of_word("(run-all),"), literal_of_word("C++"), literal_of_word("why?")
    ('run-all', 'C++', '')
    """
    text = _BLANKS.sub(" ", text.replace("\ufffd", " ")).lstrip(_LEADING).rstrip(_TRAILING)
    return text if _ASCII_SIGN.search(text) else ""


@cache
def _sign() -> re.Pattern[str]:
    """Return the pattern of what the index drops; the class takes milliseconds to compile."""
    return re.compile(rf"(?!{CJK}|{LETTER}|{MARK}|\s).")


def signs_of(literal: str) -> frozenset[str]:
    """Return signs that each text with a literal has as it is stored, whatever its spelling.

    These are signs of ASCII that nothing else is spelt like, and emoji.

    >>> sorted(signs_of("a => 'b' 🎉"))
    ['=', '>', '🎉']
    """
    return frozenset(_STEADY.findall(normal(literal)))


def typed(text: str) -> str:
    """Return folded or lowered text with typographic quotation marks as they are typed."""
    if not text.isascii():
        for mark, plain in _TYPED:  # `translate` takes ten times as long
            text = text.replace(mark, plain)
    return text


def patterns(literal: str) -> tuple[str, str]:
    """Return the regular expressions of a literal in folded text, and in lowered text.

    The second one is empty if the literal has no letter with an accent.
    """
    form = typed(normal(_BLANKS.sub(" ", literal)))
    folded, lowered = fold(form), lower(form)
    loose = [r"\s+" if char.isspace() else re.escape(char) for char in _MARKS.sub("", folded)]
    if not any(map(_is_accented, lowered)):
        return "".join(loose), ""
    forms = accented_forms()
    strict = [
        f"[{forms[char]}]" if char in forms else r"\s+" if char.isspace() else re.escape(char)
        for char in _MARKS.sub("", lowered)
    ]
    return "".join(loose), "".join(strict)


def edges(literal: str) -> tuple[bool, bool]:
    """Return whether a literal begins, and ends, with a letter or digit that bounds a word."""
    form = normal(literal)
    return _bounds(form[:1]), _bounds(form[-1:])


def _bounds(char: str) -> bool:
    return char != "" and is_letter(char)


def _is_accented(char: str) -> bool:
    return not char.isascii() and fold(char).isascii()
