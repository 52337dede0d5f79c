"""What is meant as it is typed: signs, and letters with accents."""

# ruff: noqa: RUF001 - characters that look like others are what is tested

import re

import pytest

from projector.errors import QueryError
from projector.text.literal import signs_of, typed
from projector.text.normalize import fold, lower, normal
from projector.text.query import parse, parse_literal
from projector.text.snippet import snippet
from tests.projector.text.test_normalize import answered


@pytest.mark.parametrize(
    ("query", "yes", "no"),
    [
        # in quotes every sign counts
        ('"C++"', ["c++", "in C++17", "(C++)"], ["C", "C+", "abc++", "C ++"]),
        ('"100%"', ["100%", "at 100%."], ["100", "100 %", "2100%"]),
        ('"foo()"', ["call foo() now"], ["foo", "foo(x)", "xfoo()"]),
        ('"a != b"', ["if a != b:", "a  !=\n b"], ["a = b", "a b", "a!=b"]),
        ('"/etc/hosts:3"', ["at /etc/hosts:3", "x/etc/hosts:3"], ["etc/hosts:3", "/etc/hosts:33"]),
        ('"🎉"', ["done 🎉", "🎉🎉"], ["done", ""]),
        ('"done 🎉"', ["it is done 🎉"], ["done", "🎉 done"]),
        ('"!="', ["a != b", "!="], ["a = b"]),
        ('"café"', ["café", "CAFÉ", "cafe\u0301"], ["cafe", "cafés", "cafè"]),
        ('"resume café"', ["résumé café", "resume café"], ["resume cafe"]),
        ('"don\'t"', ["don't", "don’t"], ["dont", "don t"]),
        ('"foo-b"*', ["foo-bar"], ["foo bar"]),
        ('"naïve"*', ["naïveté"], ["naive"]),
        ('"देवनागरी"', ["देवनागरी"], ["देवनागर"]),
        # what has no signs is words
        ('"docker compose"', ["docker compose", "docker-compose"], ["compose docker"]),
        ('"cafe"', ["café", "cafe"], ["cafes"]),
        # identifiers
        ("run-all", ["run-all", "(run-all)", "run-all."], ["run all", "run_all", "rerun-all"]),
        ("get_user_name", ["get_user_name()"], ["get user name", "get-user-name"]),
        ("path/to/f.py", ["./path/to/f.py:3"], ["path to f py", "path/to/f-py"]),
        ("(run-all),", ["run-all"], ["run all"]),
        ("C++", ["c++"], ["c"]),
        ("--force", ["push --force"], ["force", "-force"]),
        ("#123", ["see #123"], ["see 123"]),
        ("why?", ["why"], []),
        ("src/*.py", ["src/a.py"], ["src a py"]),
        ("get_us*", ["get_user"], ["get us"]),
        ("CAFÉ", ["cafe", "café"], []),
        # Chinese
        ("100%完成", ["达成100%完成率"], ["达成100完成率是目标"]),
        ("完成_50", ["任务完成_50"], ["任务完成50", "完成 50"]),
        ("今天晴，适合去", ["今天晴，适合去颐和园", "今天晴适合去 今天晴。适合去"], []),
        # in a query
        ('"C++" OR rust', ["rust", "C++"], ["C"]),
        ('c NOT "c++"', ["c", "c+"], ["c++", "c and c++"]),
        ('("c++" OR "c#") code', ["c# code"], ["c code"]),
        ('code NOT (run-all OR "🎉")', ["code", "run all code"], ["run-all code", "code 🎉"]),
        ('"🎉" OR done', ["done", "🎉"], ["x"]),
        ('x NOT (y NOT "z+")', ["x", "x y z+"], ["x y", "x y z"]),
    ],
)
def test_signs_mean_what_they_say(query: str, yes: list[str], no: list[str]) -> None:
    """The index gives the candidates, the text decides; both give the same on a mark."""
    parsed = parse(query)
    texts = yes + no
    found = answered(texts, parsed)
    assert {texts[row] for row in found} == set(yes)
    if "NOT" not in query:
        marked = {text for text in texts if "[" in snippet(text, parsed.terms, open="[", close="]")}
        assert set(yes) <= marked | {text for text in texts if "[" in text}


@pytest.mark.parametrize(
    ("text", "yes", "no"),
    [
        ('say "hi"', ['he would say "hi"'], ["say hi", "say 'hi"]),
        ("a AND b", ["a and b"], ["a b"]),
        ("x*", ["y = x*2"], ["xs"]),
        ("(", ["f(x)"], ["f x"]),
        ("docker compose", ["a docker  compose"], ["docker-compose", "docker composed"]),
    ],
)
def test_a_whole_query_is_literal(text: str, yes: list[str], no: list[str]) -> None:
    """Quotes, operators and stars are signs like others."""
    found = answered(yes + no, parse_literal(text))
    assert found == set(range(len(yes)))


def test_a_blank_text_is_refused() -> None:
    """There is nothing to search for."""
    with pytest.raises(QueryError, match="blank"):
        parse_literal(" \n")


def test_a_query_can_be_asked_by_its_words_alone() -> None:
    """The signs count no more; a query of nothing but signs stays as it is."""
    assert parse('"C++" code').by_words().check is None
    assert parse('"🎉"').by_words().match == ""


@pytest.mark.parametrize(
    ("query", "signs"),
    [
        ('"a => b"', "=>"),
        ('"🎉"', "🎉"),
        ('"C++" "a != b" NOT "x%y"', "+!="),
        ('"C++" OR "🎉"', ""),
        ('"it\'s (done); yes"', ""),
        ('"=\u0338>"', ">"),
        ("docker compose", ""),
    ],
)
def test_the_signs_that_a_text_must_have_are_known(query: str, signs: str) -> None:
    """As far as they are certain: a text without them is not looked at any closer."""
    assert parse(query).signs == set(signs)


def test_no_other_character_is_taken_for_a_sign_that_a_text_must_have() -> None:
    """Else a text would be passed over that holds it in another spelling."""
    for code in (*range(0xD800), *range(0xE000, 0x20000)):
        char = chr(code)
        for form in {typed(lower(normal(char))), typed(fold(normal(char)))} - {char}:
            assert not signs_of(form), hex(code)


def test_a_snippet_marks_the_signs() -> None:
    """What was looked for is marked whole, and nothing else."""
    shown = snippet("C is no C++, c++11", parse('"C++"').terms, open="[", close="]")
    assert re.findall(r"\[(.*?)\]", shown) == ["C++", "c++"]
