"""The text of a message that can be searched, and searches in real messages."""

import json
import re
import tracemalloc
from collections.abc import Iterator
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from projector.text.document import LONGEST, PAYLOAD, document
from projector.text.normalize import fold, is_cjk, normal, units
from projector.text.query import parse
from projector.text.snippet import snippet
from tests.projector.text.test_normalize import found, full_text

DATA = Path(__file__).parents[3].parent / "shared" / "data"
BASE64 = "iVBORw0KGgo" * PAYLOAD

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(max_size=4)
            | st.sampled_from(
                ["type", "text", "input", "arguments", "data", "name", "function", "content"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


def call(arguments: object, name: str = "Bash") -> dict[str, Any]:
    """Return a tool call in the shape of the Chat Completions API."""
    function = {"name": name, "arguments": arguments}
    return {"id": "call_1", "type": "function", "function": function}


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({}, ""),
        ({"role": "user"}, ""),
        ({"role": "user", "content": "hello\nworld"}, "hello\nworld"),
        ({"role": "user", "content": None}, ""),
        ({"role": "user", "content": ["one", "two"]}, "one\ntwo"),
        ({"content": [{"type": "text", "text": "a"}, {"type": "input_text", "text": "b"}]}, "a\nb"),
        ({"content": [{"type": "output_text", "text": "a", "annotations": []}]}, "a"),
        ({"content": [{"type": "thinking", "thinking": "hm", "signature": "Eq=="}]}, "hm"),
        ({"content": [{"type": "redacted_thinking", "data": "Eq=="}]}, ""),
        (
            {
                "content": [
                    {"type": "reasoning", "summary": [{"text": "s"}], "encrypted_content": "x"}
                ]
            },
            "s",
        ),
        (
            {
                "content": [
                    {"type": "tool_use", "id": "t1", "name": "Read", "input": {"path": "/a"}}
                ]
            },
            "Read\n/a",
        ),
        (
            {"content": [{"type": "tool_result", "tool_use_id": "t1", "content": "done"}]},
            "done",
        ),
        (
            {"content": [{"type": "tool_result", "content": [{"type": "text", "text": "done"}]}]},
            "done",
        ),
        ({"content": {"type": "text", "text": "one part"}}, "one part"),
        ({"content": [{"type": "new", "body": {"title": "t", "items": ["u", 3]}}]}, "t\nu\n3"),
        ({"content": "c", "reasoning": "r", "tool_name": "n"}, "c\nr\nn"),
        ({"content": "", "tool_calls": [call('{"command": "ls\\nmake"}')]}, "Bash\nls\nmake"),
        ({"tool_calls": [call({"command": "ls"})]}, "Bash\nls"),
        ({"tool_calls": [call('{"command": "cut o')]}, 'Bash\n{"command": "cut o'),
        ({"tool_calls": [call("plain words")]}, "Bash\nplain words"),
        ({"tool_calls": [call('{"port": 8080, "ratio": 0.5, "on": true}')]}, "Bash\n8080\n0.5"),
        (
            {"tool_calls": [call('{"id": "ABC-1", "type": "bug", "signature": "f(x)"}')]},
            "Bash\nABC-1\nf(x)\nbug",
        ),
        ({"tool_calls": [call('{"data": "text", "bytes": "few"}')]}, "Bash\nfew\ntext"),
        ({"tool_calls": [call({"format": "json", "data": "text"})]}, "Bash\ntext\njson"),
        (
            {"content": [{"source": {"type": "text", "media_type": "text/plain", "data": "hi"}}]},
            "hi",
        ),
        ({"content": "said", "extra": {"cwd": "/secret"}, "model": "m"}, "said"),
    ],
)
def test_every_kind_of_part_is_searched(data: dict[str, Any], text: str) -> None:
    """Each kind of part gives its text and nothing else, in order, on its own line."""
    assert document(data) == text


def test_equal_objects_have_equal_texts() -> None:
    """The order of members does not change the text, at any depth."""
    first = {"name": "n", "z": ["1", {"y": "2", "x": "3"}], "input": {"b": "4", "a": "5"}}
    again = {"input": {"a": "5", "b": "4"}, "z": ["1", {"x": "3", "y": "2"}], "name": "n"}
    texts = {document({"content": [part]}) for part in (first, again)}
    assert texts == {"n\n1\n3\n2\n5\n4"}


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}},
        {"type": "image", "source": {"type": "base64", "data": "iVBO"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}},
        {"type": "input_image", "image_url": f"data:image/png;base64,{BASE64}"},
        {"type": "input_audio", "input_audio": {"data": "iVBO", "format": "wav"}},
        {"type": "file", "file": {"file_data": "iVBO"}},
        {"type": "image", "data": "iVBO", "mimeType": "image/png"},
        {"type": "unknown", "blob": "iVBO", "deep": [{"value": BASE64}]},
        {"type": "tool_use", "input": {"image": f"data:;base64,{BASE64}"}},
        {
            "type": "tool_result",
            "content": [{"type": "image", "source": {"type": "base64", "data": BASE64}}],
        },
        f"seen: data:image/png;base64,{BASE64}",
        BASE64,
    ],
)
def test_payloads_are_not_searched(part: object) -> None:
    """Base64 is not indexed at any place; the text beside it is."""
    text = document({"content": ["before", part, "after"]})
    assert "iVBO" not in text
    assert text.startswith("before\n")
    assert text.endswith("\nafter")
    assert len(text) < 40


def test_payloads_in_plain_text_are_replaced_and_the_words_around_them_stay() -> None:
    """Of a log that prints an encoded file, all but the file is searched."""
    assert document({"content": f"one {BASE64}== two"}) == "one … two"
    for shift in range(0, 300, 7):
        text = document({"content": f"{'w ' * shift}{'A' * PAYLOAD}\nend"})
        assert text == f"{'w ' * shift}…\nend"


@pytest.mark.parametrize(
    "text",
    [
        "x" * (PAYLOAD - 1),
        "北京" * PAYLOAD,
        "a.b" * PAYLOAD,
        "data:text/plain,hello",
        "word\n" * 999,
    ],
)
def test_long_text_that_is_no_payload_stays(text: str) -> None:
    """Only unbroken base64 is dropped; Chinese, dotted names and lines of words stay."""
    assert document({"content": text}) == text


@given(
    st.dictionaries(
        st.sampled_from(["content", "reasoning", "tool_name", "tool_calls"]), json_values
    )
)
@example({"content": [float("nan"), 10**5000, {"arguments": "[" * 100_000}]})
@pytest.mark.slow
def test_any_value_in_any_field_gives_text(data: dict[str, Any]) -> None:
    """A message with any JSON value in any field can be projected."""
    assert isinstance(document(data), str)


@pytest.mark.slow
def test_deep_nesting_is_no_danger() -> None:
    """A hundred thousand levels of nesting are read without recursion."""
    value: object = "bottom"
    for _ in range(100_000):
        value = {"content": [value]}
    assert document({"content": value}) == "bottom"
    assert document({"tool_calls": [call("[" * 100_000)]}).startswith("Bash\n[[[")


@given(json_values)
def test_every_string_of_arguments_can_be_searched(arguments: object) -> None:
    """Every word of a call is searchable, encoded as JSON or not, at any place."""
    if not isinstance(arguments, dict):
        arguments = {"value": arguments}
    text = document({"tool_calls": [call(arguments)]})
    for leaf in strings(arguments):
        assert leaf in text


def strings(value: object) -> Iterator[str]:
    """Yield the strings of a JSON value that are no base64 payload."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


# The real texts -----------------------------------------------------------------------------------


def chats() -> Iterator[str]:
    """Yield the utterances of the dialogues, each once."""
    for path in sorted((DATA / "chat").rglob("*.json*")):
        text = path.read_text()
        lines = text.splitlines() if path.suffix == ".jsonl" else [text]
        for line in lines:
            for utterance in strings(json.loads(line)):
                if " " in utterance or not utterance.isascii():
                    yield utterance


def transcripts() -> Iterator[str]:
    """Yield the searchable texts of the messages of some sessions."""
    for folder in ("agentv", "drmaciver", "claude-code-log-fixtures"):
        for path in sorted((DATA / "claude-code" / folder).glob("*.jsonl")):
            for line in path.read_text().splitlines():
                try:
                    message = json.loads(line).get("message")
                except (ValueError, AttributeError):  # lines that the source broke on purpose
                    continue
                if isinstance(message, dict):
                    yield document(message)


def scan(texts: list[str], phrase: str) -> set[int]:
    """Return the folded texts that contain a phrase, by a plain scan: words whole, CJK anywhere."""
    words = [fold(word) for word in units(phrase)]
    letter = "[^\\W_\u3005-\u30ff\u3400-\u9fff\uac00-\ud7a3]"
    pattern = "" if is_cjk(words[0]) else f"(?<!{letter})"
    for word, following in zip_longest(words, words[1:]):
        pattern += re.escape(word)
        if following is not None:
            pattern += r"[\W_]*" if is_cjk(word) != is_cjk(following) else r"[\W_]+"
    pattern += "" if is_cjk(words[-1]) else f"(?!{letter})"
    rule = re.compile(pattern)
    return {row for row, text in enumerate(texts) if rule.search(text)}


def scan_signs(texts: list[str], identifier: str) -> set[int]:
    """Return the folded texts that contain an identifier as it is; `()` behind it is no part."""
    word = fold(normal(identifier.removesuffix("()")))
    before = r"(?<![^\W_])" if word[0].isalnum() else ""
    rule = re.compile(rf"{before}{re.escape(word)}(?![^\W_])")
    return {row for row, text in enumerate(texts) if rule.search(text)}


def telling(texts: list[str], pattern: str, count: int) -> list[str]:
    """Return `count` different strings that match a pattern, taken evenly from the texts."""
    seen = dict.fromkeys(match for text in texts for match in re.findall(pattern, text))
    step = max(len(seen) // count, 1)
    return list(islice(seen, 0, None, step))[:count]


@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "chat").is_dir(), reason="the real dialogues are not here")
def test_real_dialogues_are_found_as_a_plain_scan_finds_them() -> None:
    """Chinese, Japanese, Korean and European words have the same hits as in a plain scan."""
    texts = list(dict.fromkeys(chats()))
    plain = [fold(normal(text)) for text in texts]
    db = full_text(texts)
    queries = ["北京", '"颐和园"', "颐和园", "机", "798艺术", "iPhone", "京", "の", "나", "génial"]
    for script in ("[\u4e00-\u9fff]", "[\u3041-\u3096\u30a1-\u30fa\u30fc]", "[\uac00-\ud7a3]"):
        for length, count in ((1, 5), (2, 12), (5, 6)):
            queries += telling(texts, f"{script}{{{length}}}", count)
    queries += telling(texts, r"\b[A-Za-z]{3,}\b", 10) + telling(texts, r"\b[à-ü][a-z]{3}\b", 10)
    queries += telling(texts, "[A-Za-z]{2,}[\u4e00-\u9fff]{2}", 10)
    hits = {query: found(db, parse(query).match) for query in queries}
    assert hits == {query: scan(plain, query) for query in queries}
    assert all(hits[query] for query in ("北京", '"颐和园"', "の", "나"))
    assert sum(map(bool, hits.values())) > len(queries) * 0.9
    for query, rows in hits.items():
        for row in islice(rows, 3):
            assert "**" in snippet(texts[row], parse(query).terms)


@pytest.mark.skipif(not (DATA / "claude-code").is_dir(), reason="the real transcripts are not here")
@pytest.mark.slow
def test_code_identifiers_of_real_transcripts_are_found_as_a_plain_scan_finds_them() -> None:
    """Names with underscores, dots, dashes, slashes and colons have the hits of a plain scan."""
    texts = [text for text in dict.fromkeys(transcripts()) if text]
    plain = [fold(normal(text)) for text in texts]
    db = full_text(texts)
    shapes = (
        r"\b[a-z]+_[a-z]+_[a-z]+\b",
        r"\b[a-z]+\.[a-z]+\(\)",
        r"(?<!\S)--[a-z]+-[a-z]+\b",
        r"\b[a-z]+/[a-z]+/[a-z_]+\.[a-z]{2,3}\b",
        r"\b[a-z]+::[a-z]+\b",
        r"\bv?\d+\.\d+\.\d+\b",
        r"\b[A-Z][a-z]+[A-Z][a-zA-Z]+\b",
        r"\b[a-z]+=[a-z]+\b",
    )
    queries = [query for shape in shapes for query in telling(texts, shape, 8)]
    assert len(queries) > 40

    def asked(text: str) -> set[int]:
        query = parse(text)
        return {row for row in found(db, query.match) if query.holds(texts[row])}

    hits = {query: asked(query) for query in queries}
    assert hits == {query: scan_signs(plain, query) for query in queries}
    assert all(hits.values())
    pairs = list(zip(queries, queries[8:], strict=False))
    for one, two in pairs:
        assert asked(f"{one} {two}") == hits[one] & hits[two]
        assert asked(f"{one} OR {two}") == hits[one] | hits[two]
        assert asked(f"{one} NOT {two}") == hits[one] - hits[two]
    for query, rows in hits.items():
        for row in islice(rows, 3):
            assert "**" in snippet(texts[row], parse(query).terms, width=400)


@pytest.mark.slow
def test_a_huge_message_is_cut_at_the_bound() -> None:
    """The first million characters are indexed, wherever they are; base64 does not count."""
    payload = "A" * 2_000_000
    assert document({"content": "word " * 400_000}) == ("word " * 200_000)
    assert document({"content": f"{payload} behind it"}) == "\u2026 behind it"
    parts = [{"type": "text", "text": "x" * 11} for _ in range(100_000)]
    text = document({"content": parts, "tool_name": "never reached"})
    assert len(text) == LONGEST
    assert text == "\n".join(["x" * 11] * 83_334)[:LONGEST]


@pytest.mark.slow
def test_a_long_list_takes_little_memory_of_its_own() -> None:
    """Strings are read one by one: a list of all of them would take 12 MB."""
    parts = ["a"] * 200_000
    tracemalloc.start()
    try:
        assert len(document({"content": parts})) == 2 * len(parts) - 1
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
