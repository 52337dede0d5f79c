"""If a JSON document is rewritten, only its new messages are appended."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from journal.importers.run.driver import Importer
from journal.importers.run.fingerprints import Fingerprints
from journal.importers.run.following import follow
from journal.writer import Journal
from tests.importers.feed import journal_events, journal_set

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from journal.importers.run.report import Report


def talk(count: int, **more: object) -> list[dict[str, Any]]:
    """Return a conversation of this number of messages."""
    return [
        {"role": "user", "content": str(number), "timestamp": 1_770_000_000 + number, **more}
        for number in range(count)
    ]


def run(journal: Path, *paths: Path, format: str = "openai", reread: bool = False) -> Report:
    """Import paths into a journal."""
    with Journal.open(journal, fsync="never") as handle:
        importer = Importer(handle, format, reread=reread)
        return importer.run(importer.sources(paths))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A document's path; the journal goes beside it."""
    return tmp_path / "talk.json"


@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: {"messages": value}])
def test_only_the_new_messages_of_a_grown_document_are_imported(
    source: Path, tmp_path: Path, wrap: Callable[[object], object]
) -> None:
    """Report and journal have the new message, and not all of them again."""
    source.write_text(json.dumps(wrap(talk(2))))
    assert run(tmp_path / "j", source).messages == 2
    source.write_text(json.dumps(wrap(talk(3)), indent=2))
    report = run(tmp_path / "j", source)
    assert (report.messages, report.events, report.already) == (1, 0, 3)
    assert len(journal_events(tmp_path / "j")) == 4


def test_only_the_changed_message_is_appended(source: Path, tmp_path: Path) -> None:
    """Each message is recognised by its content, at any place."""
    messages = talk(3)
    source.write_text(json.dumps(messages))
    run(tmp_path / "j", source)
    messages[1]["content"] = "changed"
    source.write_text(json.dumps(messages))
    report = run(tmp_path / "j", source)
    assert (report.messages, report.conflicts) == (0, 1), "the first content is in force"
    assert run(tmp_path / "j", source).conflicts == 0


def test_a_document_that_was_truncated_for_a_while_is_recognised(
    source: Path, tmp_path: Path
) -> None:
    """A read while a program rewrites the file does not cause messages to be appended again."""
    whole = json.dumps(talk(4))
    source.write_text(whole)
    run(tmp_path / "j", source)
    source.write_text(whole[: len(whole) // 2])
    assert run(tmp_path / "j", source).messages == 0
    source.write_text(whole)
    assert run(tmp_path / "j", source).messages == 0
    assert run(tmp_path / "j", source, reread=True).messages == 0


def test_the_last_change_of_a_document_is_imported(source: Path, tmp_path: Path) -> None:
    """A change without a notification before the end of following is imported."""
    source.write_text(json.dumps(talk(1)))

    def wait(seconds: float) -> bool:
        if seconds:
            source.write_text(json.dumps(talk(3)))
        return seconds > 0

    with Journal.open(tmp_path / "j", fsync="never") as journal:
        report = follow(Importer(journal, "auto"), [source], wait)
    assert report.messages == 3


def test_following_a_growing_document_appends_each_message_once(
    source: Path, tmp_path: Path
) -> None:
    """The journal grows by the new messages, not by the whole document at each check."""
    grown = 12
    source.write_text(json.dumps(talk(1)))
    sizes = iter(range(2, grown + 1))

    def wait(seconds: float) -> bool:
        if not seconds:
            return False
        if (size := next(sizes, None)) is None:
            return True
        source.write_text(json.dumps(talk(size)))
        return False

    with Journal.open(tmp_path / "j", fsync="never") as journal:
        report = follow(Importer(journal, "auto"), [source], wait)
    assert report.messages == grown
    assert len(journal_events(tmp_path / "j")) == grown + 1


def test_a_link_to_a_document_is_the_document(source: Path, tmp_path: Path) -> None:
    """The conversation is one, by whatever name the file is reached."""
    source.write_text(json.dumps(talk(2)))
    link = tmp_path / "other-name.json"
    link.symlink_to(source)
    assert run(tmp_path / "j", source).messages == 2
    assert run(tmp_path / "j", link).messages == 0
    assert run(tmp_path / "j", link, reread=True).messages == 0
    assert len(journal_set(tmp_path / "j")) == 3


def test_following_ignores_a_link_to_a_followed_file(source: Path, tmp_path: Path) -> None:
    """A link that was made later and is listed first is no new file."""
    source.write_text(json.dumps(talk(2)))
    looks = iter(range(9))

    def wait(seconds: float) -> bool:
        if not seconds:
            return False
        if next(looks, None) == 0:
            (tmp_path / "a-link.json").symlink_to(source)
        return next(looks, None) is None

    with Journal.open(tmp_path / "j", fsync="never") as journal:
        report = follow(Importer(journal, "auto"), [tmp_path], wait)
    assert (report.files, report.lines, report.messages) == (1, 2, 2)


@pytest.mark.parametrize("torn", ["?", "AAAA", "ä"])
def test_unreadable_fingerprints_are_ignored(torn: str) -> None:
    """They are a hint: without them there are duplicates, and the import succeeds."""
    assert Fingerprints.unpack(torn).packed() == ""


def test_equal_events_have_equal_fingerprints() -> None:
    """The order of fields does not change a fingerprint, and another content does."""
    one = {"type": "t", "session": "s", "id": "1", "data": {"a": 1, "b": 2}}
    same = {"id": "1", "session": "s", "type": "t", "data": {"b": 2, "a": 1}}
    other = {**one, "data": {"a": 1, "b": 3}}
    marks = Fingerprints.unpack("")
    assert not marks.add(one)
    again = Fingerprints.unpack(marks.packed())
    assert again.add(same)
    assert not again.add(other)
    assert Fingerprints.unpack(again.packed()).add(other)
    assert not again.add({**one, "id": "\ud800"}), "what no journal takes is never known"
