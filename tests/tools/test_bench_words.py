"""The texts and queries of the benchmark are made up, and the same in every run."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256

import pytest

from tools.bench.corpus.queries import KINDS, queries
from tools.bench.corpus.words import Texts, shares, vocabulary

TEXTS = Texts()


@pytest.fixture(scope="module")
def sample() -> list[str]:
    """The first few thousand texts of the corpus."""
    return TEXTS.take(4_000)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_texts_on_every_machine(sample: list[str]) -> None:
    """The digest is in this test, so that figures of two machines are for the same work."""
    digest = sha256("\0".join(sample).encode()).hexdigest()
    assert digest == "e0988cbd000b0322e240dd60561173d6a1e4db31ad9c1fc2d7e8e0effa90d211"


@pytest.mark.slow
def test_a_batch_depends_on_its_number_alone(sample: list[str]) -> None:
    """A longer corpus begins with the shorter one."""
    assert TEXTS.take(1_500) == sample[:1_500]


@pytest.mark.slow
def test_another_seed_gives_other_texts(sample: list[str]) -> None:
    """Texts that are appended later repeat none."""
    assert not set(Texts(seed=2).take(1_000)) & set(sample)


def test_texts_have_the_size_that_the_figures_speak_of(sample: list[str]) -> None:
    """Their mean is the given size, within a twentieth; few are long and many are short."""
    sizes = sorted(len(text.encode()) for text in sample)
    assert sum(sizes) / len(sizes) == pytest.approx(580, rel=0.05)
    assert sizes[len(sizes) // 2] < 0.8 * 580
    assert sizes[-1] > 10 * 580


def test_words_are_as_unevenly_common_as_in_running_text(sample: list[str]) -> None:
    """The most common word is in most messages, and thousands of words are in one only."""
    count = Counter(word for text in sample for word in set(text.split()))
    assert count.most_common(1)[0][1] > 0.5 * len(sample)
    assert sum(n == 1 for n in count.values()) > 5_000


def test_shares_follow_the_law() -> None:
    """The shares sum to one, and the share of a rank falls as its power."""
    found = shares(1_000)
    assert sum(found) == pytest.approx(1)
    assert found[9] / found[99] == pytest.approx(((99 + 2.7) / (9 + 2.7)) ** 1.07)


def test_some_texts_are_chinese_and_some_words_identifiers(sample: list[str]) -> None:
    """The texts contain what tokenizers treat differently."""
    assert 0.03 < sum(not text.isascii() for text in sample) / len(sample) < 0.07
    words = vocabulary().words
    assert any("_" in word for word in words)
    assert any(word.endswith(".py") for word in words)
    assert len(set(words)) == len(words)


def test_queries_are_of_all_kinds_and_do_not_change(sample: list[str]) -> None:
    """There are two hundred, each kind with its share, in the same order every time."""
    asked = queries(TEXTS.vocabulary, sample)
    assert Counter(query.kind for query in asked) == KINDS
    assert len(asked) == 200
    assert asked == queries(TEXTS.vocabulary, sample)


def test_fewer_queries_keep_their_shares(sample: list[str]) -> None:
    """A quick run has a few queries of every kind."""
    asked = Counter(query.kind for query in queries(TEXTS.vocabulary, sample, 20))
    assert asked == {kind: round(count / 10) for kind, count in KINDS.items()}


@pytest.mark.slow
def test_phrases_and_runs_are_in_the_texts(sample: list[str]) -> None:
    """They are chosen from the texts, so that there are hits."""
    for query in queries(TEXTS.vocabulary, sample):
        if query.kind in ("phrases", "CJK"):
            wanted = query.text.strip('"')
            assert any(wanted in " ".join(text.split()) for text in sample), query
