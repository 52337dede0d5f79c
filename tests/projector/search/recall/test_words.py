"""The words of a question: grammar words, forms, misspellings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from projector.search.recall.forms import forms
from projector.search.recall.grammar import CJK_GRAMMAR, GRAMMAR, is_grammar, language_of
from projector.search.recall.irregular import GROUPS
from projector.search.recall.spelling import corrections
from projector.text.normalize import fold


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("english", "deployed", "deployment"),
        ("english", "retry", "retries"),
        ("english", "decide", "decided"),
        ("english", "plan", "planning"),
        ("english", "went", "going"),
        ("english", "bought", "buys"),
        ("english", "children", "child"),
        ("english", "indices", "index"),
        ("english", "write", "writing"),
        ("english", "use", "using"),
        ("english", "make", "making"),
        ("english", "die", "dying"),
        ("english", "go", "going"),
        ("english", "do", "doing"),
        ("english", "agree", "agreeing"),
        ("english", "id", "ids"),
        ("english", "validate", "validation"),
        ("english", "replicate", "replication"),
        ("english", "authenticate", "authentication"),
        ("english", "automate", "automation"),
        ("english", "require", "requirements"),
        ("english", "depend", "dependency"),
        ("english", "visible", "visibility"),
        ("english", "decide", "decision"),
        ("english", "deciding", "decisions"),
        ("english", "create", "creation"),
        ("english", "verify", "verification"),
        ("english", "notified", "notifications"),
        ("english", "chosen", "choices"),
        ("english", "left", "leaving"),
        ("english", "leaves", "leaf"),
        ("german", "entscheidung", "entscheiden"),
        ("german", "tests", "test"),
        ("french", "migrations", "migration"),
        ("spanish", "errores", "error"),
        ("italian", "errori", "errore"),
        ("portuguese", "testes", "teste"),
        ("dutch", "fouten", "fout"),
    ],
)
def test_forms_of_a_word_are_found_in_both_directions(language: str, one: str, other: str) -> None:
    """Whichever of two forms is asked for, the other one is among its forms; itself is first."""
    assert other in forms(one, language)
    assert one in forms(other, language)
    assert forms(one, language)[0] == one


@pytest.mark.parametrize("word", ["c", "go1", "6379", "手机", "naïve"])
def test_what_has_no_forms_is_itself(word: str) -> None:
    """Letters, numbers, mixtures, other scripts."""
    assert forms(word, "english") == (word,)


def test_forms_are_mutual() -> None:
    """If a word finds another one, that finds it, whatever way led from one to the other."""
    words = {word for group in GROUPS.values() for word in group}
    of = {word: set(forms(word, "english")) for word in words}
    assert [(one, each) for one in words for each in of[one] & words if one not in of[each]] == []


def test_unrelated_words_are_no_forms() -> None:
    """A stem is a whole one, and not the beginning of a word."""
    assert "testament" not in forms("test", "english")
    assert "general" not in forms("generate", "english")
    assert "replication" not in forms("reply", "english")
    assert "us" not in forms("use", "english")


def test_a_question_has_the_language_of_its_grammar_words() -> None:
    """Without any, it counts as English."""
    for language, words in (
        ("english", "what did we decide about the cache"),
        ("german", "was haben wir zu dem cache entschieden"),
        ("french", "qu est ce que nous avons decide pour le cache"),
        ("spanish", "que decidimos sobre el cache"),
        ("english", "redis cache timeout"),
    ):
        assert language_of(words.split()) == language
    assert is_grammar("the", "english")
    assert not is_grammar("the", "german")
    assert is_grammar("什么", "english")


@pytest.mark.parametrize("language", GRAMMAR)
def test_grammar_words_have_the_spelling_of_the_index(language: str) -> None:
    """Another spelling would never be equal to a word of a question; none is there twice."""
    words = GRAMMAR[language].split()
    assert [word for word in words if fold(word) != word] == []
    assert sorted({word for word in words if words.count(word) > 1}) == []
    assert all(len(pair) == 2 for pair in CJK_GRAMMAR)


def test_irregular_words_are_ascii_and_have_other_forms() -> None:
    """A group of one word would say nothing."""
    for word, group in GROUPS.items():
        assert word.isascii()
        assert word.islower()
        assert len(set(group)) > 1


if TYPE_CHECKING:
    from collections.abc import Iterable

INDEX = {"retry", "budget", "connection", "connect", "deployment", "kubernetes"}


def _known(words: Iterable[str]) -> set[str]:
    return INDEX.intersection(words)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("retrry", "retry"),
        ("retyr", "retry"),
        ("budgt", "budget"),
        ("bugdet", "budget"),
        ("conection", "connection"),
        ("conenction", "connection"),
        ("kuberentes", "kubernetes"),
        ("deploymments", "deployment"),
    ],
)
def test_a_misspelt_word_is_corrected(typed: str, meant: str) -> None:
    """A letter is missing, too much, another one, or two have changed places; in long words two."""
    assert corrections(typed, _known)[0] == meant


@pytest.mark.parametrize("typed", ["zzz", "retinas", "6379", "手机壳手机", "ab"])
def test_what_is_near_to_nothing_is_not_corrected(typed: str) -> None:
    """Short words, numbers and other scripts are not corrected either."""
    assert corrections(typed, _known) == ()
