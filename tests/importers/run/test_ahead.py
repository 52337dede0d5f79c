"""An import whose files another process reads ahead is the same as one by one process."""

from __future__ import annotations

import io
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from journal.importers.parsing.events import message
from journal.importers.registry import installed
from journal.importers.run.ahead.frames import (
    BEGIN,
    END,
    FAILED,
    LINES,
    MADE,
    UNSENDABLE,
    Lines,
    MadeLines,
    read_frame,
)
from journal.importers.run.ahead.process import Pipes, Reader
from journal.importers.run.ahead.reading import SHARE
from journal.importers.run.ahead.worker import Files
from journal.importers.run.detect import Detector
from journal.importers.run.driver import Importer
from journal.importers.run.known.recent import mark_of
from journal.redact.setup import redactor_of
from journal.writer import Journal
from tests.importers.feed import journal_events
from tests.importers.run.test_driver import user_line
from tools.bench.corpus.transcripts import write_chatgpt, write_claude_code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from journal.importers.files.walk import Source
    from journal.importers.formats import SourceFormat
    from journal.importers.parsing.parser import Item, Location

_TRANSCRIPTS = Path(__file__).parents[1] / "transcripts"
_SECRET = "ghp_" + "a1B2" * 9
_TRIES = 1_500
_ONE = sys.maxsize
"""Bytes that no import has: one process does all."""


def _nothing(_source: Source, _read: int) -> None:
    pass


def take(
    journal: Path,
    box: Path,
    least: int,
    step: Callable[[Source, int], None] = _nothing,
    *,
    share: int = SHARE,
) -> tuple[Any, ...]:
    """Import a folder; return the events, the report, the ledger, and the files read ahead."""
    with Journal.open(journal, fsync="never", redact=True) as handle:
        importer = Importer(handle, "auto", least=least, step=step)
        importer.ahead.share = share
        report = importer.run(importer.sources([box]))
    ledger = {file.name: file.read_bytes() for file in journal.glob("imports/*.json")}
    return journal_events(journal), report.as_json(), ledger, importer.ahead.files


def readers() -> list[int]:
    """Return the ids of the processes that read ahead for this one."""
    files = (Path(f"/proc/self/task/{it}/children") for it in os.listdir("/proc/self/task"))
    pids = [int(pid) for file in files for pid in file.read_text(encoding="ascii").split()]
    return list(filter(_is_reader, pids))


def _is_reader(pid: int) -> bool:
    try:  # other tests have started processes, too, which may end now
        return b"ahead.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """A folder with transcripts; the journals go beside it."""
    box = tmp_path / "box"
    shutil.copytree(_TRANSCRIPTS, box / "samples")
    (box / "projects").mkdir()
    write_claude_code(box / "projects", 300_000)
    return box


@pytest.mark.slow
def test_two_processes_write_what_one_writes(box: Path, tmp_path: Path) -> None:
    """Events in their order, the report and the ledger are the same, also with secrets."""
    (box / "secret.jsonl").write_bytes(user_line(1, f"token {_SECRET} ") + b'{"torn": \n\n')
    for file in box.rglob("*.jsonl"):
        os.utime(file, (1_700_000_000, 1_700_000_000))  # settled, so its state is in the ledger
    *one, none = take(tmp_path / "one", box, _ONE)
    *two, files = take(tmp_path / "two", box, 0)
    *three, more = take(tmp_path / "three", box, 0, share=1)
    assert none == 0
    assert files == more > 10
    assert one[1]["redacted"] == {"github-token": 1}
    # marks are keyed by the journal
    assert [event[:3] for event in two[0]] == [event[:3] for event in one[0]]
    assert [event[3] for event in two[0] if event[1] != "u1"] == [
        event[3] for event in one[0] if event[1] != "u1"
    ]
    assert two[1:] == one[1:]
    assert [event[:3] for event in three[0]] == [event[:3] for event in one[0]]
    assert three[1:] == one[1:]
    *again, files = take(tmp_path / "two", box, 0)
    assert (again[0], files) == (two[0], 0)


@pytest.mark.slow
def test_a_reader_that_is_killed_loses_and_doubles_nothing(box: Path, tmp_path: Path) -> None:
    """The import reads the rest itself, from the line at which the other process ended."""
    write_claude_code(box / "projects", 3_000_000)  # more than fits into the pipe
    one = take(tmp_path / "one", box / "projects", _ONE)
    killed: list[int] = []

    def kill(_source: Source, read: int) -> None:
        if read and not killed:
            killed.extend(readers())
            os.kill(killed[0], signal.SIGKILL)

    two = take(tmp_path / "two", box / "projects", 0, kill)
    assert len(killed) == 1
    assert two[0] == one[0]
    assert two[1] == one[1]
    assert two[3] == 0


@pytest.mark.slow
def test_one_of_two_readers_that_is_killed_leaves_the_others_files(
    box: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes read every second file each; the import reads those of the killed one."""
    monkeypatch.setattr("journal.importers.run.ahead.process._AHEAD", 1)
    for number in range(2):
        write_claude_code(box / "projects" / str(number), 2_500_000)  # more than fits
    one = take(tmp_path / "one", box / "projects", _ONE)
    met: list[int] = []

    def kill(_source: Source, read: int) -> None:
        if read and not met:
            met.extend(readers())
            os.kill(met[0], signal.SIGKILL)

    two = take(tmp_path / "two", box / "projects", 0, kill, share=1)
    assert len(met) == 2
    assert two[0] == one[0]
    assert two[1] == one[1]
    assert 0 < two[3] < 3


@pytest.mark.slow
@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b", {",
        b', {"title": 1, "mapping": {}, "current_node": NaN}, 7, []]',
        b', {"title": nothing}, {"title": 1}]',
    ],
)
def test_a_document_is_read_in_blocks_by_two_processes(tmp_path: Path, damage: bytes) -> None:
    """Events in their order, the report and the ledger are those of one process."""
    (box := tmp_path / "box").mkdir()
    write_chatgpt(file := box / "conversations.json", 1_400_000)
    text = file.read_bytes()
    at = text.index(b'"parts":["', len(text) // 3) + len(b'"parts":["')
    text = text[:at] + _SECRET.encode() + b" " + text[at:]
    file.write_bytes(text[:-1] + damage if damage else text)
    os.utime(file, (1_700_000_000, 1_700_000_000))
    *one, none = take(tmp_path / "one", box, _ONE)
    *two, files = take(tmp_path / "two", box, 0)
    *three, more = take(tmp_path / "three", box, 0, share=1)
    assert (none, files, more) == (0, 1, 1)
    assert one[1]["redacted"] == {"github-token": 1}
    assert bool(one[1]["skipped"]) == bool(damage)
    for other in (two, three):
        assert [event[:3] for event in other[0]] == [event[:3] for event in one[0]]
        # marks are keyed by the journal
        differ = [a for a, b in zip(one[0], other[0], strict=True) if a[3] != b[3]]
        assert len(differ) <= 1
        assert other[1] == one[1]
        assert len(other[2]) == len(one[2]) == 1
    *again, files = take(tmp_path / "three", box, 0, share=1)
    assert (again[0], files) == (three[0], 0)


def test_a_document_that_is_no_list_is_not_read_ahead(tmp_path: Path) -> None:
    """Its format is known when all of it was read, which one process does."""
    (box := tmp_path / "box").mkdir()
    write_chatgpt(box / "conversations.json", 1_000)
    text = (box / "conversations.json").read_bytes()
    (box / "conversations.json").write_bytes(text[1:-1].split(b', {"title"')[0])
    met: list[int] = []
    events, *_, files = take(tmp_path / "one", box, 0, lambda *_: met.extend(readers()))
    assert (len(events) > 2, met, files) == (True, [], 0)


@pytest.mark.slow
def test_a_document_of_which_a_reader_is_killed_is_read_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was taken of it is not appended again, and nothing of the rest is lost."""
    monkeypatch.setattr("journal.importers.run.ahead.process._AHEAD", 1)
    (box := tmp_path / "box").mkdir()
    write_chatgpt(box / "conversations.json", 6_000_000)  # more than fits into the pipes
    os.utime(box / "conversations.json", (1_700_000_000, 1_700_000_000))
    one = take(tmp_path / "one", box, _ONE)
    met: list[int] = []

    def kill(_source: Source, read: int) -> None:
        if read and not met:
            met.extend(readers())
            os.kill(met[-1], signal.SIGKILL)

    two = take(tmp_path / "two", box, 0, kill, share=1)
    assert len(met) == 2
    assert two == (*one[:3], 0)


@pytest.mark.slow
def test_a_file_that_has_grown_since_is_read_again(tmp_path: Path) -> None:
    """What was read ahead of it is not used."""
    (box := tmp_path / "box").mkdir()
    (box / "a.jsonl").write_bytes(b"".join(user_line(n, session="s1") for n in range(64)))
    (box / "b.jsonl").write_bytes(user_line(1, session="s2"))

    def grow(source: Source, read: int) -> None:
        if read and source.path.name == "a.jsonl":
            for _ in range(_TRIES):  # the reader ends when it has read all files
                if not readers():
                    break
                time.sleep(0.02)
            with (box / "b.jsonl").open("ab") as file:
                file.write(user_line(2, session="s2"))

    events, report, _, files = take(tmp_path / "journal", box, 0, grow)
    assert files == 1
    assert [id for session, id, *_ in events if session == "s2" and id[0] == "u"] == ["u1", "u2"]
    assert report["lines"] == 66


@pytest.mark.slow
def test_an_interrupt_ends_both(box: Path, tmp_path: Path) -> None:
    """No process is left when the import is interrupted."""
    met: list[int] = []

    def interrupt(_source: Source, _read: int) -> None:
        met.extend(readers())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take(tmp_path / "journal", box / "projects", 0, interrupt)
    assert len(met) == 1
    assert readers() == []


@pytest.mark.slow
def test_a_folder_of_the_user_is_not_imported_from(
    box: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package named like ours in the working directory is not the program."""
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal" / "__init__.py").write_text("raise SystemExit", encoding="ascii")
    monkeypatch.chdir(tmp_path)
    assert take(tmp_path / "new", box / "projects", 0)[3] == 1


def test_little_is_read_by_one_process(box: Path, tmp_path: Path) -> None:
    """To start another one takes longer than to read a few files."""
    met: list[int] = []
    with Journal.open(tmp_path / "journal", fsync="never") as handle:
        importer = Importer(handle, "auto", step=lambda _source, _read: met.extend(readers()))
        importer.run(importer.sources([box]))
    assert importer.ahead.files == 0
    assert met == []


class _Fails:
    """A parser that fails at the second line, with or without an item of it before."""

    equal_is_same: ClassVar[bool] = True
    content: Any = "x"

    def __init__(self, _location: Location) -> None:
        pass

    def value(self, line: int, _value: object, _raw: bytes | None) -> Iterator[Item]:
        yield message(line, "s", f"m{line}", {"role": "user", "content": self.content})
        if line > 1:
            raise KeyError("field")

    def left_out(self, _line: int, _size: int, _id: str) -> Iterator[Item]:
        return iter(())

    def end(self) -> Iterator[Item]:
        return iter(())


class _Odd(_Fails):
    """A parser that yields what is no JSON."""

    content = object()


def frames(parser: type[_Fails], path: Path) -> list[tuple[int, tuple[Any, ...]]]:
    """Read a file with a parser; return the frames."""
    format = installed().named("claude-code")
    assert format.lines is not None
    failing: SourceFormat = replace(format, lines=replace(format.lines, parser=parser))
    return frames_of(Files(Detector([failing]), failing), path)


def frames_of(files: Files, path: Path) -> list[tuple[int, tuple[Any, ...]]]:
    """Read a file; return the frames."""
    out = io.BytesIO()
    files.read(os.fsencode(path), out)
    out.seek(0)
    found = []
    while (frame := read_frame(out)) is not None:
        found.append(frame)
    return found


def test_an_error_of_a_parser_is_sent_after_the_items_before_it(tmp_path: Path) -> None:
    """The import raises it at the same line, with the same items appended."""
    (file := tmp_path / "a.jsonl").write_bytes(user_line(1) + user_line(2) + user_line(3))
    begin, lines, failed = frames(_Fails, file)
    assert (begin[0], lines[0], failed[0]) == (BEGIN, MADE, FAILED)
    assert [event[0][1] for event in MadeLines(*lines[1]).events] == ["m1", "m2"]
    assert failed[1] == (None, "the importer 'claude-code' failed at line 2: KeyError: 'field'")


def test_an_event_with_a_secret_is_sent_as_it_is(tmp_path: Path) -> None:
    """The import redacts it; the lines beside it are encoded, and stay in their order."""
    secret = user_line(3, f"token {_SECRET} ")
    (file := tmp_path / "a.jsonl").write_bytes(user_line(1) + user_line(2) + secret + user_line(4))
    redactor = redactor_of(tmp_path, redact=True)
    formats = installed()
    sent = frames_of(Files(Detector(formats.formats), None, redactor), file)
    assert [kind for kind, _ in sent] == [BEGIN, MADE, LINES, MADE, END]
    first, own, last = MadeLines(*sent[1][1]), Lines(*sent[2][1]), MadeLines(*sent[3][1])
    assert (first.lines, own.lines, last.lines) == (2, 1, 1)
    assert _SECRET in own.items[0][2]["data"]["content"]
    assert _SECRET.encode() not in b"".join(event[0][4] for event in first.events + last.events)
    # with other rules than those of the journal nothing is encoded
    sent = frames_of(Files(Detector(formats.formats), None, None, encodes=False), file)
    assert [kind for kind, _ in sent] == [BEGIN, *[LINES] * 4, MADE, END]
    assert not MadeLines(*sent[5][1]).events


def test_an_event_that_cannot_be_sent_is_left_to_the_import(tmp_path: Path) -> None:
    """The import reads the file itself, and the journal refuses the event with the reason."""
    (file := tmp_path / "a.jsonl").write_bytes(user_line(1))
    assert [kind for kind, _ in frames(_Odd, file)] == [BEGIN, UNSENDABLE]
    assert END not in (kind for kind, _ in frames(_Odd, file))


@pytest.mark.slow
def test_an_error_of_the_system_is_reported_alike(tmp_path: Path) -> None:
    """A compressed file that is cut short has the lines before the cut, and an error."""
    zstd = pytest.importorskip(
        "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    )
    (box := tmp_path / "box").mkdir()
    raw = b"".join(user_line(n, os.urandom(500).hex()) for n in range(500))
    (box / "a.jsonl.zst").write_bytes(zstd.compress(raw)[:-20])
    one, two = (take(tmp_path / str(least), box, least) for least in (_ONE, 0))
    assert one[1]["errors"]
    assert one[1]["messages"] > 100
    assert two[:3] == one[:3]


def test_a_line_has_the_same_mark_in_every_process() -> None:
    """A line that both processes read is one line, whatever seed each has for its hashes."""
    program = "from journal.importers.run.known.recent import mark_of; print(mark_of(b'a line')[1])"
    marks = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert marks == {str(mark_of(b"a line")[1])}


def test_what_other_processes_write_is_taken_while_one_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Processes read at the same time, each up to a bound, whichever of them the import needs."""
    monkeypatch.setattr("journal.importers.run.ahead.process._AHEAD", 5)
    pipes = Pipes()
    wanted, other = Reader(pipes), Reader(pipes)
    with ExitStack() as stack:
        stack.callback(pipes.close)
        ends = [os.pipe() for _ in range(2)]
        files = [stack.enter_context(open(end, "rb")) for end, _ in ends]  # noqa: PTH123
        outs = [stack.enter_context(open(end, "wb", 0)) for _, end in ends]  # noqa: PTH123
        for file, reader in zip(files, (wanted, other), strict=True):
            pipes.add(file, reader)
        outs[1].write(b"ahead")
        pipes.wait(wanted)
        outs[1].write(b", too far")
        outs[0].write(b"asked for")
        pipes.wait(wanted)
        assert (bytes(wanted.taken), bytes(other.taken)) == (b"asked for", b"ahead")
        pipes.wait(other)
        assert bytes(other.taken) == b"ahead, too far"
        outs[1].close()
        pipes.wait(other)
        assert (wanted.is_at_end, other.is_at_end) == (False, True)
