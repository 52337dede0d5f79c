"""Searches of real transcripts find what a plain scan of their text finds."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from journal import Journal
from journal.format.event_types import MESSAGE_APPENDED, MESSAGE_REMOVED
from journal.segments.reader import read_events
from projector import Projection
from projector.text.document import document
from tests.support.transcripts import DATA, REAL, import_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("real transcripts")]

Key = tuple[str, str]


@pytest.fixture(autouse=True)
def _no_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read all texts, however slow the machine is: a search that is cut finds less."""
    monkeypatch.setattr("projector.search.find.SECONDS", 1e6)


def _lines(path: Path) -> Iterator[Any]:
    with path.open("rb") as file:
        for line in file:
            yield orjson.loads(line)


def _replies(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield message
    for reply in message.get("replies", []):
        yield from _replies(reply)


def _chat() -> Iterator[tuple[str, int, str, str]]:
    """Yield session, number, role and text of every message in the chat transcripts."""
    chat = DATA / "chat"
    for path in sorted(chat.glob("*.jsonl")):
        for number, talk in enumerate(_lines(path)):
            for at, message in enumerate(talk["messages"]):
                text = message.get("content") or message["message"]
                yield f"{path.stem}/{number}", at, "user" if at % 2 == 0 else "assistant", text
    for path in sorted((chat / "xpersona").glob("*.json")):
        for number, talk in enumerate(orjson.loads(path.read_bytes())):
            turns = itertools.chain.from_iterable(talk["dialogue"])
            for at, text in enumerate(turns):
                yield f"{path.stem}/{number}", at, "user" if at % 2 == 0 else "assistant", text
    for line in _lines(chat / "oasst" / "en_100_message.jsonl"):
        for at, message in enumerate(_replies(line)):
            yield f"oasst/{line['message_id']}", at, message["role"], message["text"]


@pytest.fixture(scope="module")
def talks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Projection, dict[Key, str]]]:
    """Chat and code transcripts in one projection, and the text of every message."""
    path = tmp_path_factory.mktemp("talks") / "j"
    import_all(path, DATA / "claude-code", DATA / "codex")
    with Journal.open(path, fsync="never") as journal:
        chat = [
            {
                "session": session,
                "id": str(number),
                "type": "message.appended",
                "data": {"role": role, "content": text, "source": "chat"},
            }
            for session, number, role, text in _chat()
        ]
        for start in range(0, len(chat), 1000):
            journal.append_many(chat[start : start + 1000])
    with Projection.open(path) as projection:
        texts: dict[Key, str] = {}
        removed: set[Key] = set()
        for at in read_events(path / "lanes", lambda _ref, _damage: None):
            event = at.record.event
            if event.type == MESSAGE_APPENDED:  # of two with one key, the first is in force
                texts.setdefault((event.session, event.id), _plain(event.data))
            elif event.type == MESSAGE_REMOVED:  # a queued prompt that a later line repeats
                removed.update((event.session, id) for id in event.data["messages"])
        for key in removed:
            del texts[key]
        assert projection.search("北京").fresh
        assert len(texts) == projection.status().messages > 30_000
        yield projection, texts


def _plain(data: dict[str, Any]) -> str:
    text = document(data)
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def _found(projection: Projection, query: str) -> set[Key]:
    hits = projection.search(query, limit=10**6).hits
    found = [(hit.session, hit.id) for hit in hits]
    assert len(found) == len(set(found)), f"{query!r} finds a message twice"
    return set(found)


def _containing(texts: dict[Key, str], word: str) -> set[Key]:
    wanted = unicodedata.normalize("NFKC", word)
    return {key for key, text in texts.items() if wanted in text}


def _matching(lowered: dict[Key, str], pattern: str, needed: str) -> set[Key]:
    """Return the texts that match a pattern; those without `needed` cannot, and are skipped."""
    search = re.compile(pattern).search
    return {key for key, text in lowered.items() if needed in text and search(text)}


@pytest.fixture(scope="module")
def lowered(talks: tuple[Projection, dict[Key, str]]) -> dict[Key, str]:
    """The text of every message in lower case."""
    return {key: text.lower() for key, text in talks[1].items()}


def _frequent(texts: Iterable[str], pattern: str, count: int) -> list[str]:
    """Return strings of the texts that match a pattern, from rare ones to common ones."""
    sample = itertools.islice(texts, 0, None, 4)
    counts = Counter(found for text in sample for found in re.findall(pattern, text))
    ranked = sorted(counts, key=lambda found: (counts[found], found))
    return ranked[:: max(1, len(ranked) // count)][:count]


@REAL
def test_cjk_words_of_any_length_are_found_as_a_scan_finds_them(
    talks: tuple[Projection, dict[Key, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chinese, Japanese and Korean words, from one character up, compared with a plain scan."""
    monkeypatch.setattr("projector.search.matches.RANKED", 10**6)
    monkeypatch.setattr("projector.search.ordering.folded._LONG", 10**9)  # each is listed
    monkeypatch.setattr("projector.search.ordering.folded._SHORT", 10**9)
    projection, texts = talks
    chosen = [
        "北京",
        "颐和园",
        '"颐和园"',
        "故宫",
        "京",
        "ラーメン",
        "音楽",
        "학교",
        "음악",
        "나는",
    ]
    for runs in ("[一-鿿]", "[ぁ-ん]", "[ァ-ヴー]", "[가-힣]"):
        for length in (1, 2, 3, 5):
            chosen += _frequent(texts.values(), f"{runs}{{{length}}}", 6)
    for query in chosen:
        assert _found(projection, query) == _containing(texts, query.strip('"')), query
    for query in ("北京", "颐和园", "音楽", "음악"):
        assert _found(projection, query), query


@REAL
def test_mixed_words_are_found_as_a_scan_finds_them(
    talks: tuple[Projection, dict[Key, str]],
    lowered: dict[Key, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Latin letters and digits next to Chinese, Japanese or Korean characters.

    As in a phrase, only characters that are no letters or digits may be between the two.
    """
    monkeypatch.setattr("projector.search.matches.RANKED", 10**6)
    monkeypatch.setattr("projector.search.ordering.folded._LONG", 10**9)  # each is listed
    monkeypatch.setattr("projector.search.ordering.folded._SHORT", 10**9)
    projection, texts = talks
    cjk = "[一-鿿ぁ-んァ-ヴ가-힣]"
    chosen = _frequent(texts.values(), f"(?<![^\\W])[A-Za-z]{{2,9}}{cjk}{{1,3}}", 20)
    chosen += _frequent(texts.values(), f"(?<![^\\W])[0-9]{{2,4}}{cjk}{{1,2}}", 10)
    assert len(chosen) == 30
    for query in chosen:
        latin, rest = re.findall("[a-z0-9]+|[^a-z0-9]+", query.lower())
        scanned = _matching(lowered, rf"(?<![a-z0-9à-ɏ]){latin}[\W_]*{rest}", rest)
        assert _found(projection, query) == scanned, query
        assert scanned, query


@REAL
def test_identifiers_are_found_as_a_scan_finds_them(
    talks: tuple[Projection, dict[Key, str]],
    lowered: dict[Key, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Names, paths, versions and options, as code and tools print them."""
    monkeypatch.setattr("projector.search.matches.RANKED", 10**6)
    monkeypatch.setattr("projector.search.ordering.folded._LONG", 10**9)  # each is listed
    monkeypatch.setattr("projector.search.ordering.folded._SHORT", 10**9)
    projection, texts = talks
    shapes = [
        r"\b[a-z]{3,12}_[a-z]{3,12}(?:_[a-z]{3,12})?\b",
        r"\b[a-z]{3,10}-[a-z]{3,10}\b",
        r"\b[a-z]{2,8}/[a-z]{2,8}/[a-z_]{2,12}\.(?:py|go|ts|md)\b",
        r"\b[A-Z][0-9]\.[0-9]\b",
        r"(?<=\s)--[a-z]{3,10}(?:-[a-z]{3,10})?\b",
        r"\b[a-z]{2,9}\.[a-z]{2,9}\(\)",
        r"\b[a-z]{3,12}\b",
    ]
    chosen = [query for shape in shapes for query in _frequent(texts.values(), shape, 8)]
    assert len(chosen) > 30
    for query in chosen:
        word = query.lower().removesuffix("()")  # the text decides about signs within it
        before = r"(?<![^\W_])" if word[0].isalnum() else ""
        scanned = _matching(lowered, rf"{before}{re.escape(word)}(?![^\W_])", word)
        assert _found(projection, query) == scanned, query
        assert scanned, query
