"""A JSON document that is written anew adds exactly what is new in it."""

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
    """Make a conversation of so many messages."""
    return [{"role": "user", "content": str(number), **more} for number in range(count)]


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
def test_a_document_that_has_grown_gives_only_its_new_messages(
    source: Path, tmp_path: Path, wrap: Callable[[object], object]
) -> None:
    """The report and the journal hold the new message, not all of them again."""
    source.write_text(json.dumps(wrap(talk(2))))
    assert run(tmp_path / "j", source).messages == 2
    source.write_text(json.dumps(wrap(talk(3)), indent=2))
    report = run(tmp_path / "j", source)
    assert (report.messages, report.events, report.already) == (1, 0, 3)
    assert len(journal_events(tmp_path / "j")) == 4


def test_a_message_that_was_changed_is_appended_and_its_neighbours_are_not(
    source: Path, tmp_path: Path
) -> None:
    """Each message is recognised by its content, at any place."""
    said = talk(3)
    source.write_text(json.dumps(said))
    run(tmp_path / "j", source)
    said[1]["content"] = "changed"
    source.write_text(json.dumps(said))
    report = run(tmp_path / "j", source)
    assert (report.messages, report.conflicts) == (0, 1), "the first content stands"
    assert run(tmp_path / "j", source).conflicts == 0


def test_a_document_that_was_cut_short_for_a_while_is_still_known(
    source: Path, tmp_path: Path
) -> None:
    """What was read while a program wrote the file anew makes nothing be appended again."""
    whole = json.dumps(talk(4))
    source.write_text(whole)
    run(tmp_path / "j", source)
    source.write_text(whole[: len(whole) // 2])
    assert run(tmp_path / "j", source).messages == 0
    source.write_text(whole)
    assert run(tmp_path / "j", source).messages == 0
    assert run(tmp_path / "j", source, reread=True).messages == 4, "unless that is asked for"


def test_what_a_document_gains_at_the_end_is_imported(source: Path, tmp_path: Path) -> None:
    """A change that the system has not reported yet when the import is stopped is not left out."""
    source.write_text(json.dumps(talk(1)))

    def wait(seconds: float) -> bool:
        if seconds:
            source.write_text(json.dumps(talk(3)))
        return seconds > 0

    with Journal.open(tmp_path / "j", fsync="never") as journal:
        report = follow(Importer(journal, "auto"), [source], wait)
    assert report.messages == 3


def test_following_a_growing_document_writes_each_message_once(
    source: Path, tmp_path: Path
) -> None:
    """The journal grows by what is new, not by the whole document at each look."""
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
    """Whatever name leads to a file, its conversation is one."""
    source.write_text(json.dumps(talk(2)))
    link = tmp_path / "other-name.json"
    link.symlink_to(source)
    assert run(tmp_path / "j", source).messages == 2
    assert run(tmp_path / "j", link).messages == 0
    assert run(tmp_path / "j", link, reread=True).messages == 2
    assert len(journal_set(tmp_path / "j")) == 3


def test_following_does_not_take_up_a_link_to_a_file_that_it_follows(
    source: Path, tmp_path: Path
) -> None:
    """A link made later, and met first in its folder, is no new file."""
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
def test_torn_marks_are_none(torn: str) -> None:
    """The ledger is a hint: what cannot be read costs duplicates, and no import."""
    assert Fingerprints.unpack(torn).packed() == ""


def test_marks_stand_for_content() -> None:
    """The same event has the same mark in any order of its fields, another has another."""
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
