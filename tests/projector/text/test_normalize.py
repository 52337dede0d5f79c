"""The text that the full-text index gets, checked against FTS5 itself."""

# ruff: noqa: RUF001 - characters that look like others are what is tested

import re
import sys
import time
import unicodedata
from collections.abc import Iterable

import apsw
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from projector.text.normalize import (
    CJK,
    LETTER,
    MARK,
    fold,
    index_form,
    is_cjk,
    normal,
    normal_spans,
    pairs,
    units,
)
from projector.text.query import Query

TOKENIZER = "unicode61 remove_diacritics 2"
#: What real texts mix: scripts with and without spaces, marks, compatibility forms, odd characters.
MIXED = (
    "aZ0é_.- \n\"'*京都市手機机壳カガーｶﾞﾞか\u3099한글을각각ㅋㅋㅜー々〇𠮷豈ＡＢ１ﬁ㎏㈱²①"
    "🎉🤔₽\u0301\u0305\u200d\0ÉİßςΣйй"
)
mixed = st.text(st.sampled_from(MIXED), max_size=30)
cjk = st.text(st.sampled_from("京都市手機机壳カー々한글을ㅋㅜ𠮷"), min_size=1, max_size=4)


def full_text(texts: Iterable[str]) -> apsw.Connection:
    """Return a database whose table `fts` holds the index forms of `texts`, rowids from 0."""
    db = apsw.Connection(":memory:")
    db.execute(f"CREATE VIRTUAL TABLE fts USING fts5(text, content='', tokenize='{TOKENIZER}')")
    with db:
        db.executemany(
            "INSERT INTO fts(rowid, text) VALUES (?, ?)",
            ((rowid, index_form(text)) for rowid, text in enumerate(texts)),
        )
    return db


def found(db: apsw.Connection, match: str) -> set[int]:
    """Return the rowids that an FTS5 expression matches."""
    return {row[0] for row in db.execute("SELECT rowid FROM fts WHERE fts MATCH ?", (match,))}


def answered(texts: list[str], query: Query) -> set[int]:
    """Return the indexes of the texts that a query finds: by the index, then by the text."""
    rows = found(full_text(texts), query.match) if query.match else set(range(len(texts)))
    return {row for row in rows if query.holds(texts[row])}


def tokens(text: str) -> list[str]:
    """Return the tokens that FTS5 makes of a text's index form."""
    db = apsw.Connection(":memory:")
    tokenizer = db.fts5_tokenizer("unicode61", ["remove_diacritics", "2"])
    form = index_form(text).encode()
    split = tokenizer(form, apsw.FTS5_TOKENIZE_DOCUMENT, None, include_offsets=False)
    return [str(token[0]) for token in split]


def expected(text: str) -> list[str]:
    """Return the tokens that this project's own modules find in a text."""
    return [
        token
        for unit in units(text)
        for token in (pairs(unit) if is_cjk(unit) else [re.sub(MARK, "", fold(unit))])
    ]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("iPhone手机壳!", "iPhone 手机 机壳 壳 !"),
        ("", ""),
        ("plain words, as they are_", "plain words, as they are_"),
        ("nul\0nul", "nul nul"),
        ("机", " 机 "),
        ("café", "café"),
        ("ﾊﾟｿｺﾝ", " パソ ソコ コン ン "),
        ("Ｐｙｔｈｏｎ３", "Python3"),
        ("한글", " 한글 글 "),
        (unicodedata.normalize("NFD", "한글"), " 한글 글 "),
        (unicodedata.normalize("NFD", "がぎ"), " がぎ ぎ "),
        ("㈱日本", "( 株 ) 日本 本 "),
        ("ㅋㅋㅜ", " ㅋㅋ ㅋㅜ ㅜ "),
        ("great🤔", "great "),
        ("100₽", "100 "),
        ("a\udcffé", "a é"),
    ],
)
def test_each_character_of_a_run_starts_one_token(text: str, form: str) -> None:
    """CJK runs become pairs and a last character; other text only changes spelling and symbols."""
    assert index_form(text) == form


def test_superscripts_and_circled_numbers_keep_their_meaning() -> None:
    """Compatibility forms that would turn into other numbers are not changed."""
    assert units("2² 5㉑ x①") == ["2²", "5㉑", "x①"]


@pytest.mark.slow
def test_every_character_is_a_token_to_fts5_exactly_if_it_is_one_to_us() -> None:
    """For each character of Unicode, alone and in a word, FTS5 finds the tokens that we find.

    Above the first two planes, of characters that are not assigned or private one in 16 is tested:
    they are in ranges of thousands.
    """
    characters = [
        chr(code)
        for code in range(0x110000)
        if not 0xD800 <= code < 0xE000
        and (
            code < 0x20000 or code % 16 == 15 or unicodedata.category(chr(code)) not in {"Cn", "Co"}
        )
    ]
    text = "\n".join(f"{char}\na{char}b" for char in characters)
    ours, theirs = expected(text), tokens(text)
    # FTS5 does not fold letters whose capitals are newer than Unicode 6.1: we only mark more
    assert [fold(token) for token in theirs] == ours


def test_letters_of_living_european_alphabets_fold_as_fts5_folds_them() -> None:
    """Latin, Greek and Cyrillic letters are equal in marking exactly if they are in finding."""
    codes = [*range(0x80, 0x37F), *range(0x380, 0x528), *range(0x1E00, 0x2000)]
    letters = [chr(code) for code in codes if units(chr(code))]
    text = "\n".join(letters)
    assert tokens(text) == expected(text)


@pytest.mark.slow
def test_the_classes_of_characters_do_not_overlap() -> None:
    """No character is part of both a run and a word, and none of them is skipped."""
    text = "".join(map(chr, range(0x110000)))
    runs, letters, marks = (set(re.findall(kind, text)) for kind in (CJK, LETTER, MARK))
    assert not runs & letters
    assert not (runs | letters) & marks


@given(st.text() | mixed)
@example("\ud800机\udfff")
@example("a\u0301\u0305b 机\u0301机")
def test_fts5_finds_our_tokens_in_any_text(text: str) -> None:
    """Any text can be indexed, and FTS5 cuts it where the query expects it."""
    assert [fold(token) for token in tokens(text)] == expected(text)


@given(st.lists(mixed, min_size=1, max_size=8), cjk)
@example(["手机壳", "手 机", "机壳", "x壳y"], "机壳")
def test_characters_are_found_wherever_they_follow_each_other(texts: list[str], query: str) -> None:
    """A query of CJK characters alone matches exactly the texts that contain it."""
    query = normal(query)
    tokens = pairs(query)[:-1]
    match = f'"{" ".join(tokens)}"' if tokens else f'"{query}"*'
    containing = {row for row, text in enumerate(texts) if query in normal(text)}
    assert found(full_text(texts), match) == containing


@given(st.text() | mixed)
def test_the_normal_form_is_stable(text: str) -> None:
    """Normalizing a text twice changes nothing, and folding changes no position."""
    form = normal(text)
    assert normal(form) == form
    assert len(fold(form)) == len(form)


@given(mixed)
@example("xﾊﾟﾊ")
@example("xﾡￂx")
@example("e\u0301\u0323각")
def test_places_in_the_normal_form_lead_back_to_the_text(text: str) -> None:
    """Each character of the normal form is mapped to its position in the text."""
    form, origin = normal_spans(text)
    assert form == normal(text)
    if origin is None:
        assert form == text
        return
    assert len(origin) == len(form) + 1
    assert origin == sorted(origin)
    assert origin[-1] == len(text)
    for place, char in enumerate(form):
        if char.isascii():
            assert char in normal(text[origin[place] : origin[place] + 2])


@pytest.mark.parametrize("length", [2, 3, 16_383, 16_384, 16_385, 16_386, 40_000])
def test_a_long_run_is_cut_as_a_short_one(length: int) -> None:
    """A long run is processed in pieces, which does not change the pairs."""
    run = "".join(chr(0x4E00 + n % 5_000) for n in range(length))
    assert index_form(run).split() == pairs(run)
    assert index_form(run) == f" {' '.join(pairs(run))} "


@pytest.mark.parametrize(
    "run", ["\u0301\u0323", "\u0327\u0301\u0323", "\u05b0\u0323", "\u0323\u0f71"]
)
def test_a_run_of_marks_takes_linear_time(run: str) -> None:
    """Sorting an endless run of marks in the wrong order does not take quadratic time."""
    text = f"word a{run * 200_000} word"
    began = time.process_time()
    form = index_form(text)
    spelled, origin = normal_spans(text[:200_000])
    assert time.process_time() - began < 4
    assert form.split()[0] == form.split()[-1] == "word"
    assert origin is None or len(origin) == len(spelled) + 1


def test_runs_of_marks_of_realistic_length_are_sorted() -> None:
    """Up to thirty marks in any order are one spelling; the pattern matches all marks."""
    assert normal("a" + "\u0301\u0323" * 15) == unicodedata.normalize(
        "NFC", "a" + "\u0301\u0323" * 15
    )
    marks = [chr(n) for n in range(sys.maxunicode + 1) if unicodedata.combining(chr(n))]
    assert not [mark for mark in marks if not re.fullmatch(r"[^\w\x00-\x7f]", mark)]
