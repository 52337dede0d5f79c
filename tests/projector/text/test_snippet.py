"""The part of a text that shows why the message was found."""

# ruff: noqa: RUF001 - characters that look like others are what is tested

import re
import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from projector.errors import QueryError
from projector.text import snippet as snippets
from projector.text.normalize import fold, normal, units
from projector.text.query import parse
from projector.text.snippet import snippet
from projector.text.term import Term
from tests.projector.text.test_normalize import answered, mixed

COMBINING = "e\u0301\u0323 k\u200dq👩‍💻👍🏽🇩🇪각カﾞ क्षि x"


def shown(text: str, query: str, width: int = 160) -> str:
    """Return the snippet for a query, matches between brackets."""
    return snippet(text, parse(query).terms, width=width, open="[", close="]")


@pytest.mark.parametrize(
    ("text", "query", "expected"),
    [
        ("The quick brown fox", "fox", "The quick brown [fox]"),
        ("The FOX, the fox", "Fox", "The [FOX], the [fox]"),
        ("foxes and fox", "fox", "foxes and [fox]"),
        ("foxes and firefox", "fox*", "[foxes] and firefox"),
        ("déjà vu, De\u0301ja\u0300 Vu", "deja", "[déjà] vu, [De\u0301ja\u0300] Vu"),
        ("Ὀδυσσεύς", "ὀδυσσεύσ", "[Ὀδυσσεύς]"),
        ("Straße İstanbul", "straße istanbul", "[Straße] [İstanbul]"),
        ("call get_user_name(x), not user", '"get user name"', "call [get_user_name](x), not user"),
        ("get the user name", "get_user_name", "get the user name"),
        ("user-names user_names", "user_name*", "user-names [user_names]"),
        ("see src/a.py and a.py", "src/a.py", "see [src/a.py] and a.py"),
        ("我买了手机壳，和手机", "手机", "我买了[手机]壳，和[手机]"),
        ("手机壳", "手机 机壳", "[手机壳]"),
        ("一机二机", "机", "一[机]二[机]"),
        ("新iPhone手机壳!", "iPhone手机", "新[iPhone手机]壳!"),
        ("手机 abc 壳手机abc", "手机abc", "[手机 abc] 壳[手机abc]"),
        ("手机壳 abc", "手机abc", "手机壳 abc"),
        ("ＡＢＣ ｶﾞｷﾞ ㎏ ﬁle", "abc OR ガ OR kg OR file", "[ＡＢＣ] [ｶﾞ]ｷﾞ [㎏] [ﬁle]"),
        (unicodedata.normalize("NFD", "각도"), "각", f"[{unicodedata.normalize('NFD', '각')}]도"),
        ("q\u0301a Q\u0323a qa", "qa", "[q\u0301a] [Q\u0323a] [qa]"),
        ("ab手机 ab", "ab 手机", "[ab手机] [ab]"),
        ("手机壳 手 机壳", '"手 机壳"', "手机壳 [手 机壳]"),
        ("x\u0305 क्ष", "x OR क", "[x\u0305] [क्]ष"),
        ("a b NOT", "b NOT a", "a [b] NOT"),
        ("great🤔 100₽", "great 100", "[great]🤔 [100]₽"),
        ("nothing of that", "other", "nothing of that"),
        ("", "other", ""),
        ("  \n ", "other", ""),
        ("one\n\n\ttwo   three", "two", "one [two] three"),
        ("\x1b[31mred\x1b[0m and \x00 red\u2028", "red", "[31mred [0m and [red]"),
        ("a\udcffb", "b", "a [b]"),
    ],
)
def test_matches_are_marked_as_the_index_finds_them(text: str, query: str, expected: str) -> None:
    """Case, diacritics and spelling do not matter; whole words and CJK characters are marked."""
    assert unicodedata.normalize("NFC", shown(text, query)) == unicodedata.normalize(
        "NFC", expected
    )


def test_the_window_with_the_most_different_terms_is_shown() -> None:
    """Two different terms beat five equal ones; then more matches win; then the earlier window."""
    filler = "x " * 200
    text = f"red red red red red {filler} red blue {filler} blue red blue {filler}"
    assert "[blue] [red] [blue]" in shown(text, "red blue")
    assert shown(text, "red").startswith("[red] [red] [red] [red] [red]")
    assert shown(f"{filler} blue y {filler} blue z", "blue").count("y") == 1


def test_the_beginning_is_shown_if_nothing_matches() -> None:
    """A message that was found by its tool's name shows the beginning of its text."""
    text = "  word " * 100
    assert snippet(text, parse("Bash").terms, width=20) == "word word word word…"
    assert snippet(text, (), width=20) == "word word word word…"


def test_the_ends_are_cut_between_words_and_marked() -> None:
    """An ellipsis is exactly where text is missing, and no word is cut."""
    words = [f"w{number}" for number in range(1000)]
    for number in (0, 1, 500, 998, 999):
        result = shown(" ".join(words), f"w{number}", width=60)
        assert result.startswith("…") == (number > 1)
        assert result.endswith("…") == (number < 998)
        kept = re.sub(r"[…\[\]]", "", result).split()
        assert kept == words[int(kept[0][1:]) : int(kept[-1][1:]) + 1]
        assert 40 < len(" ".join(kept)) <= 60
    assert shown("  \n  needle \n  ", "needle") == "[needle]"


def test_blanks_do_not_use_the_width() -> None:
    """A deeply indented text shows as many words as any other."""
    text = "".join(f"line{number}\n{' ' * 40}" for number in range(100))
    result = shown(text, "line50", width=80)
    assert len(re.sub(r"[…\[\]]", "", result)) > 60


def test_marks_may_be_any_text_and_are_not_changed() -> None:
    """Terminal escapes and markup can be used as marks."""
    result = snippet("a b c", parse("b").terms, open="\x1b[1m", close="\x1b[0m")
    assert result == "a \x1b[1mb\x1b[0m c"


def test_a_match_longer_than_the_window_is_cut_and_marked() -> None:
    """A phrase as long as a page still fits in a line."""
    words = " ".join(f"w{number}" for number in range(100))
    result = shown(f"before {words} after", f'"{words}"', width=50)
    assert result.startswith("…[w0 w1")
    assert result.endswith("]…")
    assert len(result) <= 54


def test_a_match_late_in_a_long_text_is_shown_once_and_whole() -> None:
    """Searching a text in pieces neither splits nor repeats a match, and finds no false one."""
    for filler in ("abcdefgh ", "äbcdefgh ", "北京天气，", "e\u0301a "):
        for place in (16_380, 16_383, 16_384, 16_385, 16_390, 40_000):
            text = (filler * 8000)[:place] + " get_user_name " + filler * 20
            assert shown(text, "get_user_name").count("[get_user_name]") == 1
    for shift in range(6):
        text = ("abcdefg " * 3000)[: 16_384 - shift] + "unfox " + "abcdefg " * 200 + "fox"
        assert shown(text, "fox").endswith(" [fox]")
        assert shown(text, "fox").count("[") == 1
    for place in (16_384, 16_384 + 512, 2 * 16_384, 2 * 16_384 + 512):
        for shift in range(6):
            text = ("abcdefg " * 9000)[: place - shift - 1] + " foxfoxfox " + "abcdefg " * 500
            assert "[" not in shown(text, "fox")


@given(st.lists(mixed, min_size=1, max_size=3), mixed, st.sampled_from(["", "*"]))
@example(["x手机a"], "手机a", "")
@example(["か\u3099x"], "が", "*")
def test_a_short_text_has_a_mark_exactly_if_it_is_found(
    texts: list[str], query: str, star: str
) -> None:
    """Marking and finding agree for all scripts, forms and combining marks."""
    query = f'"{query.replace(chr(34), " ")}"{star}'
    try:
        parsed = parse(query)
    except QueryError:
        return
    hits = answered(texts, parsed)
    for row, text in enumerate(texts):
        result = snippet(text, parsed.terms, open="\ue000", close="\ue001")
        assert ("\ue000" in result) == (row in hits)
        for marked in re.findall("\ue000([^\ue000\ue001]*)\ue001", result):
            assert not parsed.terms[0].words or [fold(unit) for unit in units(marked)]


@given(
    st.text(st.sampled_from(COMBINING)) | st.text() | mixed,
    st.lists(st.sampled_from(["e", "x", "k", "カ", "ガ", "क", "ष"]), max_size=3),
    st.integers(1, 30),
)
@example("e\u0301" * 40, ["x"], 7)
@example("👩‍💻" * 30, [], 5)
def test_any_text_gives_one_line_of_that_text(text: str, words: list[str], width: int) -> None:
    """The snippet is one line of the text, cut only at its width and between words."""
    terms = [Term((normal(word),)) for word in words]
    result = snippet(text, terms, width=width, open="\ue000", close="\ue001")
    plain = re.sub("[\ue000\ue001]", "", result)
    bare = plain.removeprefix("…").removesuffix("…")
    blank = r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff]+"
    whole = re.sub(blank, " ", re.sub("[\ue000\ue001]", "", text))
    assert bare.strip("…") in whole
    assert not re.search(r"[\n\r\x00-\x1f\ud800-\udfff]", plain)
    assert result.count("\ue000") >= result.count("\ue001") - text.count("\ue001")
    result.encode()


@pytest.mark.parametrize("width", range(1, 70))
@pytest.mark.parametrize("query", ["x", "absent"])
def test_no_character_is_separated_from_its_combining_marks(query: str, width: int) -> None:
    """Neither the window nor a mark of a match begins or ends within a grapheme."""
    clusters = (
        "e\u0301\u0323",
        "👩‍💻",
        "👍🏽",
        "🇩🇪",
        "क्",
        "x",
        "カ\uff9e",
        "a" * 29,
        "a\u0305",
        " ",
    )
    whole = re.compile(f"(?:{'|'.join(clusters)}|a)*")
    long = f"{'a' * 40}\u0305{'a' * 40}"
    mixtures = ("".join(clusters) * 5, "".join(reversed(clusters)) * 5, "e\u0301\u0323" * 90)
    for text in (*mixtures, long, f"{long} x"):
        result = shown(text, query, width=width)
        for piece in re.split(r"[…\[\]]", result):
            assert whole.fullmatch(piece), (piece, result)
        assert result.strip("…")
        if text.startswith("aa"):
            assert len(re.sub(r"[…\[\]]", "", result)) <= width


def test_a_character_with_forty_marks_is_shown_whole_or_not_at_all() -> None:
    """The window does not begin within the combining marks of a character, however many it has."""
    text = "e" + "\u0305" * 40 + " x"
    for width in range(1, 60):
        assert shown(text, "x", width=width) in {"…[x]", text.replace("x", "[x]")}


@pytest.mark.parametrize(
    "text",
    [
        "lorem ipsum dolor sit amet " * 40_000,
        "百雅轩位于北京798艺术区，创办于2003年" * 45_000,
        "Éh bien, c'est génial ! Très « beaux »… " * 25_000,
        "e\u0301ab " * 200_000,
        "ＡＢＣ " * 250_000,
        "x" * 1_000_000,
        " " * 1_000_000 + "y",
        "foo-" * 250_000,
    ],
    ids=["ascii", "chinese", "french", "decomposed", "full-width", "one word", "blank", "hits"],
)
def test_a_megabyte_is_searched_quickly(text: str) -> None:
    """For no kind of text is a search without a match slow.

    The bound is ten times the measured time on a slow machine, so that only a change of the
    algorithm's complexity exceeds it.
    """
    for query in (
        'absent OR "foo bar" OR 北 OR zzz*',
        " ".join(f"zz{number}" for number in range(999)),
    ):
        terms = parse(query).terms
        snippet("", terms)
        start = time.process_time()
        snippet(text, terms)
        assert time.process_time() - start < 0.5


@given(st.text("ab_-. \n9", max_size=400), st.integers(0, 400), st.integers(1, 60), st.data())
def test_plain_text_has_the_same_window_as_any_text(
    text: str, start: int, width: int, data: st.DataObject
) -> None:
    """The faster way through text of ASCII finds the same window."""
    text = " ".join(text.split()) or "a"
    start = min(start, len(text) - 1)
    end = data.draw(st.integers(start + 1, len(text)))
    found = snippets._plain_window(text, start, end, width)
    assert found == snippets._any_window(text, start, end, width)
