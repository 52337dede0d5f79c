"""Every file of a folder is imported, or counted by reason and named."""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from journal.cli import cli
from journal.importers.files import streaming, torn
from journal.importers.files.decode import decode as decode_line
from journal.importers.files.walk import BROKEN_LINK, SECOND_LINK, SIDE_FILE
from journal.importers.run.known.event_marks import marked_key
from journal.importers.run.known.keys import KnownKeys
from journal.writer import Journal
from projector import Projection
from tests.importers.source_lines import (
    ROLLOUT,
    THREAD,
    claude,
    head,
    says,
    take,
    transcript,
    write,
)

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from click.testing import Result

    from journal.format.redacted import Redacted
    from journal.importers.run.known.event_marks import EventMarks


LINES = [claude("1", None, "one", 1), claude("2", "1", "two", 2)]


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """A folder for sources; the journal goes beside it."""
    folder = tmp_path / "box"
    folder.mkdir()
    return folder


def compress(path: Path) -> Path:
    """Compress a file as Codex does, and remove it."""
    packed = path.with_name(f"{path.name}.zst")
    packed.write_bytes(zstd.compress(path.read_bytes()))
    path.unlink()
    return packed


def test_links_to_folders_are_followed_and_each_folder_is_read_once(
    box: Path, journal_dir: Path
) -> None:
    """A cycle of links ends; a second link to a folder and a dangling link are reported."""
    write(box.parent / "real" / "a.jsonl", LINES)
    (box / "one").symlink_to(box.parent / "real")
    (box / "two").symlink_to(box.parent / "real")
    (box.parent / "real" / "ring").symlink_to(box)
    (box / "none.jsonl").symlink_to(box / "gone")
    (box / "self.jsonl").symlink_to(box / "self.jsonl")
    os.mkfifo(box / "pipe.jsonl")
    report = take(journal_dir, box)
    assert (report.files, report.messages, report.errors) == (1, 2, {})
    assert report.passed_over == {
        SECOND_LINK: [str(box / "one" / "ring"), str(box / "two")],
        BROKEN_LINK: [str(box / "none.jsonl"), str(box / "self.jsonl")],
        "no regular file": [str(box / "pipe.jsonl")],
    }
    assert report.skipped == Counter({SECOND_LINK: 2, BROKEN_LINK: 2, "no regular file": 1})


def test_other_files_are_counted_by_their_endings(box: Path, journal_dir: Path) -> None:
    """Skipped files are counted by their suffixes."""
    for name in ("a.md", "b.md", "README", "old.jsonl.gz"):
        (box / name).write_bytes(b"x")
    report = take(journal_dir, box)
    assert report.skipped == {
        "no transcript by its name, *.md": 2,
        "no transcript by its name": 1,
        "compressed file or archive that is not read, *.gz": 1,
    }


def test_a_compressed_rollout_is_the_same_session(box: Path, journal_dir: Path) -> None:
    """If a file is compressed after its import, nothing is appended again."""
    path = write(box / ROLLOUT, [head(), says(1, "one"), says(2, "two")])
    assert take(journal_dir, box).messages == 2
    compress(path)
    report = take(journal_dir, box)
    assert (report.messages, report.already) == (0, 3)
    assert transcript(journal_dir) == ["one", "two"]


@pytest.mark.slow
@pytest.mark.parametrize("name", [ROLLOUT, "large.jsonl"])
def test_a_compressed_rollout_is_read(box: Path, journal_dir: Path, name: str) -> None:
    """A rollout of any size is read, with or without its first line; its session is the same."""
    lines = [says(n / 100, f"{n} " + "x" * 200) for n in range(5_000)]
    compress(write(box / name, [*[head()] * (name == ROLLOUT), *lines]))
    report = take(journal_dir, box)
    assert (report.messages, report.errors) == (5_000, {})
    session = THREAD if name == ROLLOUT else "large"
    assert transcript(journal_dir, session)[-1].startswith("4999 ")


@pytest.mark.parametrize("harm", ["cut", "none"])
def test_a_damaged_compressed_rollout_is_an_error(box: Path, journal_dir: Path, harm: str) -> None:
    """Lines before the damage are imported."""
    lines = [says(n / 100, os.urandom(400).hex()) for n in range(2_000)]
    packed = compress(write(box / ROLLOUT, [head(), *lines]))
    raw = bytearray(packed.read_bytes())
    raw = raw[: len(raw) // 2] if harm == "cut" else raw
    raw[0] ^= 0 if harm == "cut" else 255
    packed.write_bytes(raw)
    report = take(journal_dir, box)
    assert "broken zstd data" in report.errors[str(packed)]
    assert (report.messages > 300) == (harm == "cut")


OUTPUT = "<persisted-output>\nOutput too large. Full output saved to: {}\n\nPreview:\nx\n"


def persisted(uuid: str, path: str, *, listed: bool = False) -> dict[str, Any]:
    """Return a line whose result is in a side file."""
    text = OUTPUT.format(path)
    content: object = [{"type": "text", "text": text}] if listed else text
    return claude(
        uuid, None, [{"type": "tool_result", "tool_use_id": f"t{uuid}", "content": content}], 1
    )


@pytest.mark.parametrize("listed", [True, False])
def test_a_large_output_in_a_side_file_is_its_own_message(
    box: Path, journal_dir: Path, *, listed: bool
) -> None:
    """It follows the line that names it, and searches find it."""
    lines = [
        persisted("1", "/home/u/x/tool-results/a.txt", listed=listed),
        claude("2", "1", "z", 2),
    ]
    write(box / "s.jsonl", lines)
    write(box / "s" / "tool-results" / "a.txt", [b"needle"])
    write(box / "s" / "tool-results" / "b.txt", [b"no line names me"])
    report = take(journal_dir, box)
    assert report.passed_over == {SIDE_FILE: [str(box / "s" / "tool-results" / "b.txt")]}
    with Projection.open(journal_dir) as projection:
        found = projection.messages("cc")
        assert len(projection.search("needle").hits) == 1
    assert [m.id for m in found] == ["1", "tool-results/a.txt", "2"]
    assert (found[1].content, found[1].fields["tool_call_id"]) == ("needle\n", "t1")
    again = take(journal_dir, box, reread=True)
    assert (again.conflicts, len(transcript(journal_dir, "cc"))) == (0, 3)


def test_a_side_file_that_appears_later_is_imported_then(box: Path, journal_dir: Path) -> None:
    """Until then the report names it."""
    write(box / "s.jsonl", [persisted("1", "a.txt")])
    report = take(journal_dir, box)
    assert report.passed_over == {"tool output: the file is not there": ["cc/tool-results/a.txt"]}
    write(box / "s" / "tool-results" / "a.txt", [b"late"])
    assert take(journal_dir, box).messages == 1
    assert transcript(journal_dir, "cc")[1] == "late\n"


def test_a_transcript_cannot_name_any_file(box: Path, journal_dir: Path) -> None:
    """Other paths and links are not followed, and the import does not wait for a pipe."""
    secret = write(box.parent / "secret", [b"secret"])
    folder = box / "s" / "tool-results"
    folder.mkdir(parents=True)
    (folder / "link.txt").symlink_to(secret)
    os.mkfifo(folder / "pipe.txt")
    names = [str(secret), "../../../secret", "link.txt", "pipe.txt", "..", "a\0b"]
    write(box / "s.jsonl", [persisted(str(n), name) for n, name in enumerate(names)])
    report = take(journal_dir, box)
    assert (report.messages, report.side_files, report.errors) == (6, set(), {})


def test_a_side_file_is_recognised_by_a_relative_path(
    box: Path, journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An imported file is counted as such, however its folder was named."""
    write(box / "s.jsonl", [persisted("1", "a.txt")])
    write(box / "s" / "tool-results" / "a.txt", [b"text"])
    monkeypatch.chdir(box.parent)
    report = take(journal_dir, Path(box.name))
    assert (report.messages, report.passed_over, len(report.side_files)) == (2, {}, 1)


@pytest.mark.slow
def test_a_long_side_file_becomes_several_messages(box: Path, journal_dir: Path) -> None:
    """The messages follow each other, and no character is cut in two."""
    text = "\N{SNOWMAN}" * 3_000_000
    write(box / "s.jsonl", [persisted("1", "a.txt")])
    write(box / "s" / "tool-results" / "a.txt", [text.encode()])
    report = take(journal_dir, box)
    assert (report.skipped, report.repaired) == ({}, {})
    assert "".join(transcript(journal_dir, "cc")[1:]) == f"{text}\n"


def test_another_content_under_a_key_is_a_conflict_in_any_run(box: Path, journal_dir: Path) -> None:
    """The conflict is counted and named, and is not counted as an imported message."""
    path = write(box / "a.jsonl", LINES)
    take(journal_dir, path)
    write(path, [LINES[0], claude("2", "1", "changed", 2), claude("3", "2", "three", 3)])
    report = take(journal_dir, path)
    assert (report.messages, report.conflicts, report.conflicting) == (1, 1, ["cc/2"])
    assert sum(report.conflicts_in.values()) == 1
    assert transcript(journal_dir, "cc") == ["one", "two", "three"]


def test_a_conflict_with_what_another_writer_appended_is_counted(
    box: Path, journal_dir: Path
) -> None:
    """The other event may come before this import or between two imports."""
    for number in (1, 2):
        with Journal.open(journal_dir) as journal:
            journal.append_message("cc", "user", "mine", id=str(number))
        report = take(journal_dir, write(box / f"{number}.jsonl", [LINES[number - 1]]))
        assert (report.messages, report.conflicts) == (0, 1)


@pytest.mark.slow
def test_the_keys_of_a_journal_are_read_once(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next import reads only new records; a damaged file of keys is written again."""
    event = {"session": "s", "type": "x", "data": {}}
    with Journal.open(journal_dir) as journal:
        journal.append_many([{**event, "id": str(n)} for n in range(5_000)])
        file = journal_dir / "imports" / "keys"
        keys = KnownKeys(journal_dir / "lanes", file)
        keys.load()
        keys.save()
        journal.append(session="s", id="new", type="x", data={})
        read: list[int] = []
        note = KnownKeys._note

        def noted(self: KnownKeys, marks: EventMarks, redacted: Redacted | None) -> None:
            read.append(marks.key)
            note(self, marks, redacted)

        monkeypatch.setattr(KnownKeys, "_note", noted)
        keys = KnownKeys(journal_dir / "lanes", file)
        keys.load()
        assert read == [marked_key("s", "new")[1]]
        assert keys.conflicts({**event, "id": "7", "data": {"other": 1}})
        assert not keys.conflicts({**event, "id": "7"})
        assert not keys.conflicts({**event, "id": "8000"})
        file.write_bytes(file.read_bytes()[:-9])
        KnownKeys(journal_dir / "lanes", file).load()
        assert len(read) > 5_000


def test_what_an_import_has_appended_is_read_once(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second import after it reads only new records, also if few are new."""
    monkeypatch.setattr("journal.importers.run.known.keys._WORTH", 20_000)
    file = journal_dir / "imports" / "keys"
    read: list[int] = []
    with Journal.open(journal_dir) as journal:
        for turn in range(3):
            ids = range(turn, 300 if turn == 0 else turn + 1)
            journal.append_many(
                [{"session": "s", "type": "x", "data": {}, "id": f"{turn}-{id}"} for id in ids]
            )
            keys = KnownKeys(journal_dir / "lanes", file)
            keys.load()
            read.append(keys._bytes)
            keys.save()
    assert read[0] > 20_000
    assert 0 < read[1] == read[2] - read[1] < 200


def invoke(journal: Path, *arguments: object) -> Result:
    """Run `journal import`."""
    command = ["import", *map(str, arguments)]
    return CliRunner().invoke(cli, command, env={"JOURNAL_DIR": str(journal)})


def test_an_import_that_finds_nothing_reports_it(box: Path, journal_dir: Path) -> None:
    """The report always says so; the exit code does if there was no source."""
    result = invoke(journal_dir, "auto", box)
    assert (result.exit_code, "Nothing was imported" in result.stderr) == (3, True)
    (box / "a.jsonl").write_bytes(b'{"what":1}\n')
    result = invoke(journal_dir, "auto", box)
    assert (result.exit_code, "Nothing was imported" in result.stderr) == (0, True)
    write(box / "b.jsonl", LINES)
    for _ in range(2):
        result = invoke(journal_dir, "auto", box)
        assert (result.exit_code, "Nothing was imported" in result.stderr) == (0, False)


def test_conflicts_and_skipped_files_are_named_on_a_terminal(box: Path, journal_dir: Path) -> None:
    """The report on a terminal names the first of them."""
    path = write(box / "a.jsonl", LINES)
    invoke(journal_dir, "auto", path)
    write(path, [claude("1", None, "changed", 1)])
    (box / "b.txt").touch()
    result = invoke(journal_dir, "auto", box)
    assert "conflict: cc/1 is stored with another content" in result.stderr
    assert f"passed over: {box / 'b.txt'}: no transcript by its name, *.txt" in result.stderr


class _Counted:
    """A stream that counts the bytes that a parser must read: each chunk once more."""

    def __init__(self, size: int) -> None:
        self.raw = b'{"messages":[{"role":"user","content":"' + b"x" * size + b'"}]}'
        self.at = self.open = self.looked_at = 0

    def read(self, size: int = -1) -> bytes:
        chunk = self.raw[self.at : self.at + size] if size >= 0 else self.raw[self.at :]
        self.at += len(chunk)
        self.open += len(chunk)  # the parser reads the string again with each chunk
        self.looked_at += self.open if chunk else 0
        return chunk

    def seek(self, offset: int) -> None:
        self.at = offset


def test_a_long_string_is_read_a_fixed_number_of_times() -> None:
    """Four times the length takes four times the work, and not sixteen times."""
    work = []
    for size in (2**20, 2**22, 2**24):
        stream = _Counted(size)
        (found,) = streaming.pieces_of(stream, "messages")  # type: ignore[arg-type] # all it needs
        assert len(found["content"]) == size
        work.append(stream.looked_at / size)
    assert max(work) < 5


@pytest.mark.parametrize("part", [b'{"a":', b'"', b"{", b"}", b'\\"', b'{"a":1}', b'"}{"', b"\\"])
@pytest.mark.parametrize("end", [b"", b'{"b":2}', b'"}'])
def test_a_torn_line_is_decoded_a_fixed_number_of_times(
    monkeypatch: pytest.MonkeyPatch, part: bytes, end: bytes
) -> None:
    """The number of decoded bytes grows in proportion to the length of the line."""
    decoded: list[int] = []
    decode = decode_line

    def counted(raw: bytes) -> Any:  # noqa: ANN401 - as decode
        decoded.append(len(raw))
        return decode(raw)

    monkeypatch.setattr(torn, "decode", counted)
    raw = b"x" + part * 5_000 + end
    torn.parts_of(raw, lambda _value: True)
    assert sum(decoded) <= 2 * len(raw)
