"""Files that are deep, in another encoding, or of another format than given, get reasons."""

from __future__ import annotations

import io
import json
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from journal.importers.parsing.events import key
from journal.importers.parsing.parser import Location
from journal.importers.registry import installed
from journal.importers.run.detect import Detector
from journal.importers.run.driver import Importer
from journal.importers.run.following import follow
from journal.importers.run.report import REASON, Report
from journal.verify import verify
from journal.writer import Journal
from tests.importers.feed import journal_set, line, messages, read_document, reasons

if TYPE_CHECKING:
    from pathlib import Path

CLAUDE = line(
    type="user", sessionId="s", uuid="u", message={"role": "user", "content": "from claude"}
)
CODEX = line(
    type="response_item",
    payload={"type": "message", "role": "user", "content": "from codex"},
)
OPENAI = line(role="user", content="from openai")
FORMATS = {"claude-code": CLAUDE, "codex": CODEX, "openai": OPENAI}
DEEP = [
    b"[" * 20_000,
    b"[" * 400_000,
    b"[" * 3_000 + b"]" * 3_000,
    b'{"a":' * 20_000,
    b'{"messages":[' + b"[" * 20_000,
    b'{"messages":[{"role":"user","content":' + b"[" * 20_000,
]


def run(journal: Path, *paths: Path, format: str = "auto") -> Report:
    """Import paths into a journal."""
    with Journal.open(journal, fsync="never") as handle:
        importer = Importer(handle, format)
        return importer.run(importer.sources(paths))


@pytest.mark.slow
@pytest.mark.parametrize("raw", DEEP, ids=range(len(DEEP)))
@pytest.mark.parametrize("format", ["auto", "openai"])
def test_a_deep_document_takes_little_memory_and_does_not_stop_its_folder(
    tmp_path: Path, raw: bytes, format: str
) -> None:
    """It is skipped with a reason, and the files beside it are imported."""
    box = tmp_path / "box"
    box.mkdir()
    (box / "a.json").write_bytes(raw)
    (box / "b.jsonl").write_bytes(OPENAI + b"\n")
    tracemalloc.start()
    try:
        report = run(tmp_path / "j", box, format=format)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 32 * 1024 * 1024
    assert report.messages == 1
    assert report.skipped["nested too deeply"] == 1


@pytest.mark.parametrize("raw", DEEP[:4], ids=range(4))
def test_a_deep_document_that_is_named_is_an_error_with_its_reason(
    tmp_path: Path, raw: bytes
) -> None:
    """With `auto` its format is not detected, and the reason says why."""
    source = tmp_path / "n.json"
    source.write_bytes(raw)
    (why,) = run(tmp_path / "j", source).errors.values()
    assert "nested too deeply" in why


def test_messages_before_and_behind_a_deep_one_are_imported() -> None:
    """Only the deep message is skipped, however deep it is."""
    for depth in (300, 9_000):
        deep = "[" * depth + "]" * depth
        raw = f'[{OPENAI.decode()},{{"role":"user","content":"x","n":{deep}}},{OPENAI.decode()}]'
        items = read_document(raw.encode(), Location("f"))
        assert [found["content"] for found in messages(items)] == ["from openai"] * 2
        assert reasons(items) == ["nested too deeply"]


@pytest.mark.parametrize("given", FORMATS)
@pytest.mark.parametrize("real", FORMATS)
def test_a_file_of_another_format_than_given_is_an_error_that_names_it(
    tmp_path: Path, given: str, real: str
) -> None:
    """It is not reported as an empty success, and does not fill the report with reasons."""
    source = tmp_path / "a.jsonl"
    source.write_bytes(FORMATS[real] + b"\n")
    report = run(tmp_path / "j", source, format=given)
    if given == real:
        assert (report.messages, report.errors) == (1, {})
        return
    assert report.messages == 0
    assert report.errors == {
        str(source): f"this looks like {real}, not {given}; import it as {real}, or with auto"
    }
    assert report.skipped == {}
    again = run(tmp_path / "j", source, format=given)
    assert list(again.errors) == [str(source)], "and an import again says it again"
    assert run(tmp_path / "j", source).messages == 1
    before = appended(tmp_path / "j")
    report = run(tmp_path / "j", source, format=given)
    assert report.errors == {
        str(source): f"was imported as {real} before, and does not look like {given}; import it as"
        f" {real}, or with auto"
    }
    run(tmp_path / "j", source, format=real)
    assert appended(tmp_path / "j") == before, "and the right format appends nothing again"


def appended(journal: Path) -> int:
    """Return how many records the lanes of a journal have."""
    return verify(journal / "lanes").events


def test_a_document_of_another_format_than_given_is_an_error(tmp_path: Path) -> None:
    """The shape of a document shows its format; it is not imported under another one."""
    source = tmp_path / "a.json"
    source.write_text(json.dumps({"loglines": [json.loads(CLAUDE)]}))
    for given in ("codex", "openai"):
        report = run(tmp_path / "j", source, format=given)
        (why,) = report.errors.values()
        assert why.startswith(f"this looks like claude-code, not {given}")
        assert report.messages == 0
    assert run(tmp_path / "j", source, format="claude-code").messages == 1


def test_following_drops_the_error_of_a_file_that_is_right_again(tmp_path: Path) -> None:
    """An error describes the current file."""
    source = tmp_path / "a.jsonl"
    source.write_bytes(CLAUDE + b"\n")
    steps = iter((CODEX + b"\n",))

    def wait(seconds: float) -> bool:
        if not seconds:
            return False
        if (more := next(steps, None)) is None:
            return True
        with source.open("ab") as file:
            file.write(more)
        return False

    with Journal.open(tmp_path / "j", fsync="never") as journal:
        report = follow(Importer(journal, "codex"), [source], wait)
    assert (report.messages, report.errors) == (1, {})


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (OPENAI.decode().encode("utf-16"), "UTF-16, not UTF-8"),
        (OPENAI.decode().encode("utf-16-be"), "UTF-16, not UTF-8"),
        (OPENAI.decode().encode("utf-16-le"), "UTF-16, not UTF-8"),
        (OPENAI[:-4] + b"\r" + OPENAI[:-4], "not JSON: lines that end in CR alone"),
        (b"\0" * 64, "NUL bytes"),
        (OPENAI[:20] + b"\0" * 20, "NUL bytes"),
        (b"hello", "not JSON"),
        (OPENAI[:-4], "unfinished last line"),
    ],
)
def test_a_last_line_that_is_damaged_is_not_called_unfinished(
    tmp_path: Path, raw: bytes, reason: str
) -> None:
    """Only a line that can still be completed gets the reason that its rest may follow."""
    source = tmp_path / "a.jsonl"
    source.write_bytes(raw)
    assert run(tmp_path / "j", source, format="openai").skipped == {reason: 1}
    (why,) = run(tmp_path / "other", source).errors.values()
    assert reason in why or reason == "unfinished last line"
    assert Detector(installed().formats).detect(io.BytesIO(raw), name="a.jsonl").format is None


def test_reasons_are_bounded() -> None:
    """Names in a file can neither break the table of reasons nor fill the memory."""
    report = Report()
    report.skip("type/" + "x" * 500)
    report.skip("two\nlines\x1b[31m")
    first, second = report.skipped
    assert len(first) == REASON
    assert second.isprintable()
    for number in range(5_000):
        report.skip(f"type {number}")
    assert len(report.skipped) < 1_000
    assert report.skipped.total() == 5_002
    rows = [f"{name}  {count}" for name, count in report.rows()]
    assert len(rows) < 40
    assert max(map(len, rows)) <= 80


@pytest.mark.parametrize("name", ["two\nlines", "x" * 5_000 + "\0"])
def test_control_characters_in_a_key_are_replaced(tmp_path: Path, name: str) -> None:
    """A journal refuses them, so they would lose the message and the parent of its answer."""
    body = {"role": "user", "content": "x"}
    one = {"type": "user", "sessionId": name, "uuid": name, "message": body}
    (tmp_path / "a.jsonl").write_bytes(
        line(**one) + b"\n" + line(**{**one, "uuid": "u2", "parentUuid": name}) + b"\n"
    )
    report = run(tmp_path / "j", tmp_path / "a.jsonl")
    assert (report.messages, report.skipped) == (2, {})
    found = journal_set(tmp_path / "j")
    assert found[key(name), "u2"]["parent"] == key(name)
    assert key("a\nb") != key("a\tb")
