r"""The form in which text goes into the full-text index, and how that form is cut into tokens.

The index is an FTS5 table with `tokenize='unicode61 remove_diacritics 2'`. That tokenizer takes a
run of letters and digits as one token, which is right for words and useless for Chinese, Japanese
and Korean: a whole clause becomes one token, and people do not search for clauses. `index_form`
therefore cuts each run of those scripts into overlapping pairs and the run's last character:

    iPhone手机壳!   ->   iPhone 手机 机壳 壳 !

Every character of a run starts exactly one token, so one character is found by the prefix query
`机*`, two or more by the phrase of their pairs, and a run that another word follows by the phrase
of its pairs, its last character and that word. `projector.text.term` puts
queries in that form.

Before the cut, text is changed to one spelling:

- NFC, so that decomposed kana, Hangul and Cyrillic equal the composed ones. Not NFKC for all: it
  would join the chat jamo of `ㅋㅋㅜ` into a syllable and turn `2²` into `22`.
- NFKC for the ranges where it only changes how a character looks: full-width and half-width forms,
  Kangxi radicals, squared and parenthesised ideographs, ligatures, Arabic presentation forms,
  mathematical letters.
- Whatever is neither letter nor digit nor a mark that unicode61 skips becomes a space. unicode61
  knows Unicode 6.1 and takes every later character, newer emoji and currency signs among them, for
  a letter: without this `great🤔` and `100₽` are not found by `great` and `100`. NUL, at which
  SQLite may cut a string short, and lone surrogates, which it cannot store, go the same way.

Sources: https://sqlite.org/fts5.html (section 4.3.1) for the tokenizer; its exact behaviour was
read off the tokenizer itself, character by character, and a test does that again.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from operator import add
from string import ascii_lowercase
from typing import Final

# Scripts written without spaces between words. Written for the inside of a character class.
_CJK: Final = (
    "\u1100-\u11ff"  # Hangul jamo
    "\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c"  # iteration and closing marks, numerals
    "\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff"  # kana, prolonged sound and iteration
    "\u3105-\u312f\u31a0-\u31bf"  # bopomofo
    "\u3131-\u318e"  # compatibility jamo: chat Korean
    "\u31f0-\u31ff"  # small katakana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Han
    "\ua960-\ua97c\uac00-\ud7a3\ud7b0-\ud7fb"  # Hangul syllables and old jamo
    "\U0001aff0-\U0001afff\U0001b000-\U0001b16f"  # kana supplements
    "\U00020000-\U0003fffd"  # Han extensions
)
# Marks that unicode61 skips inside a word; every other mark ends the word.
_MARK: Final = "\u0300-\u0304\u0306-\u030c\u030f\u0311\u031b\u0323-\u0328\u032d\u032e\u0330\u0331"
# Letters to Unicode, but marks when unicode61's table was made, and so separators to it.
_LATE_LETTER: Final = "\u19b0-\u19c0\u19c8\u19c9\u1cf2\u1cf3"
# Characters of which NFKC changes the looks and not the meaning. Circled numbers and superscripts
# are left out: `5㉑` is not 521. Full-width punctuation is too: it separates words as it is.
_COMPAT: Final = (
    "\u2f00-\u2fd5\u3200-\u321e\u3220-\u3247\u3260-\u327e\u3280-\u32b0\u32c0-\u33ff"
    "\ufb00-\ufb06\ufb50-\ufdfc\ufe70-\ufefc\U0001d400-\U0001d7ff"
    "\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\uff66-\uffdc"
)

#: Regular expression of one character of a script that is cut into pairs.
CJK: Final = f"[{_CJK}]"
#: Regular expression of one character of a token that is no `CJK`.
LETTER: Final = f"[^\\W_{_CJK}{_LATE_LETTER}]"
#: Regular expression of one mark that belongs to the token before it without changing it.
MARK: Final = f"[{_MARK}]"

_PIECES: Final = 16_384
"""Characters of a run that are cut into pairs at once."""

# The large classes of characters take milliseconds to compile, which a search of ASCII text does
# not need: each is compiled when it is first used.
_ASCII_WORD = re.compile(r"[^\W_]+", re.ASCII)
_ONE_COMPATIBLE = re.compile(f"[{_COMPAT}]")
# A kana before a half-width voicing mark composes with it.
_COMPATIBLE = re.compile(f"[\u3041-\u30ff]?[{_COMPAT}]+")
# The standard library sorts a run of marks in the square of its length: 64,000 took 12 seconds. All
# marks are among what is neither word nor ASCII. The number is that of UAX #15, Stream-Safe Text.
_MOST_MARKS: Final = 30
_MANY_MARKS = re.compile(rf"(?<![^\w\x00-\x7f])[^\w\x00-\x7f]{{{_MOST_MARKS + 1},}}+")


@cache
def _run() -> re.Pattern[str]:
    return re.compile(f"{CJK}+")


@cache
def _unit() -> re.Pattern[str]:
    return re.compile(f"{CJK}+|{LETTER}(?:{LETTER}|{MARK})*")


@cache
def _letter() -> re.Pattern[str]:
    return re.compile(LETTER)


@cache
def _one_cjk() -> re.Pattern[str]:
    return re.compile(CJK)


@cache
def _foreign() -> re.Pattern[str]:
    # Han and kana that Python does not know yet are left out of it.
    return re.compile(f"[^\\w\x01-\x7f{_MARK}{_CJK}]")


@cache
def _piece() -> re.Pattern[str]:
    """Return the pattern of one piece that `normal` may change by itself, for `normal_spans`."""
    return re.compile(
        # marks that compose
        ".[\u0300-\u036f\u0653-\u0655\u093c\u09be\u09d7\u3099\u309a\uff9e\uff9f]+"
        "|[\u1100-\u115f\ua960-\ua97c]+[\u1160-\u11a7\ud7b0-\ud7c6]*[\u11a8-\u11ff\ud7cb-\ud7fb]*"
        "|[\uac00-\ud7a3][\u11a8-\u11ff]"
        "|[\uffa0-\uffdc]+"  # half-width jamo
        f"|[{_COMPAT}]"
        "|[\u0340\u0341\u0343\u0344\u0374\u037e\u0387\u0958-\u095f\u09dc-\u09df\u0a33-\u0a5e"
        "\u1f71-\u1fff\u2000\u2001\u2126\u212a\u212b\u2329\u232a\uf900-\ufaff\ufb1d-\ufb4e"
        "\U0002f800-\U0002fa1d]",  # what NFC replaces
        re.DOTALL,
    )


def index_form(text: str) -> str:
    r"""Return `text` as the index is fed with it.

    ASCII text is returned as it is, but for NULs. Total: any string is accepted, and the result
    holds neither NUL nor surrogates. The form of characters that are new to Unicode depends on
    `unicodedata.unidata_version`: an index fed under another version must be built again, because
    a contentless table can only forget exactly what it was fed.

    >>> index_form("iPhone手机壳!")
    'iPhone 手机 机壳 壳 !'
    """
    if text.isascii():
        return text.replace("\0", " ") if "\0" in text else text
    text = _foreign().sub(" ", normal(text))
    return _run().sub(_cut, text) if _one_cjk().search(text) else text


def normal(text: str) -> str:
    """Return `text` in the one spelling that is indexed, not yet cut.

    A run of more than `_MOST_MARKS` marks, which no language has, is not sorted.
    """
    if text.isascii():
        return text
    if _MANY_MARKS.search(text):
        return "".join(map(_normal, _with_few_marks(text)))
    return _normal(text)


def _with_few_marks(text: str) -> Iterator[str]:
    done = 0
    for run in _MANY_MARKS.finditer(text):
        for end in range(run.start() + _MOST_MARKS, run.end() + 1, _MOST_MARKS):
            yield text[done:end]
            done = end
    yield text[done:]


def _normal(text: str) -> str:
    if _ONE_COMPATIBLE.search(text):
        text = _COMPATIBLE.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)
    if unicodedata.is_normalized("NFC", text):
        return text
    return unicodedata.normalize("NFC", text)


def normal_spans(text: str) -> tuple[str, list[int] | None]:
    """Return `normal(text)` and, for each of its characters, the place in `text` it came from.

    The list has one entry more than the text has characters, `len(text)`. It is None when every
    character kept its place.
    """
    if text.isascii() or normal(text) == text:
        return text, None
    pieces: list[str] = []
    origin: list[int] = []
    done = 0
    for match in _piece().finditer(text):
        piece = _normal_piece(match[0])
        if piece == match[0]:
            continue
        pieces += (text[done : match.start()], piece)
        origin += range(done, match.start())
        origin += [match.start()] * len(piece)
        done = match.end()
    pieces.append(text[done:])
    origin += range(done, len(text) + 1)
    return "".join(pieces), origin


@lru_cache(maxsize=4096)
def _normal_piece(piece: str) -> str:
    return normal(piece)


def units(text: str) -> list[str]:
    """Return the words of `text` in the order and spelling of the index, CJK runs in one piece.

    >>> units("iPhone手机壳, foo::bar()")
    ['iPhone', '手机壳', 'foo', 'bar']
    """
    return _ASCII_WORD.findall(text) if text.isascii() else _unit().findall(normal(text))


def is_cjk(unit: str) -> bool:
    """Return whether a unit is a run that the index holds in pairs."""
    return not unit.isascii() and _run().match(unit) is not None


def is_letter(char: str) -> bool:
    """Return whether a character is one of a token that is not cut into pairs."""
    return _letter().match(char) is not None


def pairs(run: str) -> list[str]:
    """Return the overlapping pairs of a CJK run and its last character.

    >>> pairs("手机壳")
    ['手机', '机壳', '壳']
    """
    return [*map(add, run, run[1:]), run[-1:]]


def fold(text: str) -> str:
    """Return `text` with the letters that unicode61 takes for equal made equal, length unchanged.

    That is: lower case, and Latin letters without their diacritics. Text is expected in `normal`
    form; a `MARK` without a letter is left for the caller to skip.
    """
    lowered = lower(text)
    if lowered.isascii():
        return lowered
    plain = _plain_letters()
    return _accented().sub(lambda match: plain[match[0]], lowered)


def lower(text: str) -> str:
    """Return `text` in lower case, its length unchanged."""
    lowered = text.lower()
    if len(lowered) != len(text):  # the one letter whose small form is two characters
        lowered = text.replace("\u0130", "i").lower()
    return lowered


@cache
def accented_forms() -> dict[str, str]:
    """Return for each small letter of ASCII those that the index takes for it, itself included."""
    forms = {letter: letter for letter in ascii_lowercase}
    for accented, plain in _plain_letters().items():
        if plain in forms:
            forms[plain] += accented
    return forms


def _cut(match: re.Match[str]) -> str:
    run = match[0]
    if len(run) == 1:
        return f" {run} "
    # in pieces: each pair is an object while it waits, fifty times as large as what it holds
    pieces = [
        " ".join(map(add, run[start : start + _PIECES], run[start + 1 : start + _PIECES + 1]))
        for start in range(0, len(run) - 1, _PIECES)
    ]
    return f" {' '.join(pieces)} {run[-1]} "


@cache
def _plain_letters() -> dict[str, str]:
    """Return the small letters that unicode61 changes, with the letters that replace them."""
    plain = {}
    for code in (*range(0x80, 0x250), *range(0x370, 0x400), *range(0x1E00, 0x1F00)):
        letter = chr(code)
        base = unicodedata.normalize("NFD", letter)[0]
        if base != letter and base.isascii() and base.isalpha() and letter not in "\u01e0\u01e1":
            plain[letter] = base.lower()
        elif letter.islower() and len(letter.casefold()) == 1 and letter.casefold() != letter:
            plain[letter] = letter.casefold()
    return plain | {"\u1e9b": "s"}


@cache
def _accented() -> re.Pattern[str]:
    return re.compile(f"[{''.join(_plain_letters())}]")
