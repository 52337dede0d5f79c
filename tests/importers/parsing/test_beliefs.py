"""Importers do not rely on a source's ids, its clock, or on all messages being in force."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from journal.importers.parsing.reused_ids import is_numbered
from projector import Projection
from tests.importers.feed import journal_set
from tests.importers.source_lines import (
    ROLLOUT,
    SEGMENT,
    THREAD,
    claude,
    event,
    head,
    item,
    says,
    stamp,
    take,
    transcript,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def call(second: float, text: str, id: str = "call_0") -> dict[str, Any]:
    """Return a call of a tool."""
    return item(second, type="function_call", name="shell", call_id=id, arguments=text)


def result(second: float, text: str, id: str = "call_0") -> dict[str, Any]:
    """Return the result of a call."""
    return item(second, type="function_call_output", call_id=id, output=text)


TURNS = [head(), call(1, "a"), result(2, "A"), call(3, "b"), result(4, "B"), call(5, "a")]


def test_calls_with_numbers_that_restart_are_all_imported(
    tmp_path: Path, journal_dir: Path
) -> None:
    """The first call has its id as key; later ones with that id get other, unique keys."""
    write(tmp_path / ROLLOUT, TURNS)
    report = take(journal_dir, tmp_path / ROLLOUT)
    assert (report.messages, report.conflicts) == (5, 0)
    with Projection.open(journal_dir) as projection:
        found = projection.messages(THREAD)
    assert [message.content for message in found] == [None, "A", None, "B", None]
    assert [message.id for message in found][:2] == ["call_0", "call_0:output"]
    assert len({message.id for message in found}) == 5


def test_the_same_line_again_is_the_same_message(tmp_path: Path, journal_dir: Path) -> None:
    """This holds if its id is used for other lines, and at any place in the file."""
    write(tmp_path / ROLLOUT, [*TURNS, *TURNS[1:3], TURNS[5]])
    report = take(journal_dir, tmp_path / ROLLOUT)
    assert (report.messages, report.already) == (5, 3)


@pytest.mark.parametrize("size", range(1, len(TURNS)))
def test_a_growing_file_gives_the_keys_of_the_whole_file(tmp_path: Path, size: int) -> None:
    """This holds for any part that was imported before, and if the ledger was lost."""
    for name, sizes in (("grown", (size, len(TURNS))), ("whole", (len(TURNS),))):
        for until in sizes:
            write(tmp_path / ROLLOUT, TURNS[:until])
            take(tmp_path / name, tmp_path / ROLLOUT, reread=until == size)
    assert journal_set(tmp_path / "grown") == journal_set(tmp_path / "whole")


@pytest.mark.parametrize("own", ["x", "msg_0"])
def test_an_id_that_all_items_have_is_ignored(tmp_path: Path, journal_dir: Path, own: str) -> None:
    """All items with one id are imported, in each of the formats."""
    words = ["yes", "no", "yes", "yes indeed"]
    write(tmp_path / "r" / ROLLOUT, [head(), *(says(n, t, id=own) for n, t in enumerate(words, 1))])
    write(tmp_path / "c.jsonl", [claude(own, own, t, n) for n, t in enumerate(words, 1)])
    talk = [{"role": "user", "content": text, "id": own} for text in words]
    (tmp_path / "o.json").write_text(json.dumps({"id": "open", "messages": talk}))
    assert take(journal_dir, tmp_path / "r", tmp_path / "c.jsonl", tmp_path / "o.json").errors == {}
    for session in (THREAD, "cc", "open"):
        assert transcript(journal_dir, session) == words


def test_equal_call_numbers_in_two_files_of_a_session_are_two_calls(
    tmp_path: Path, journal_dir: Path
) -> None:
    """Each file of a session numbers its calls from the same start."""
    write(tmp_path / ROLLOUT, [head(), call(1, "a"), result(2, "A")])
    resumed = f"rollout-2026-01-01T13-00-00-{THREAD}_{SEGMENT}.jsonl"
    write(tmp_path / resumed, [head(), call(60, "b"), result(61, "B")])
    report = take(journal_dir, tmp_path / resumed, tmp_path / ROLLOUT)
    assert (report.messages, report.conflicts) == (4, 0)
    assert transcript(journal_dir) == [None, "A", None, "B"]


@pytest.mark.parametrize(
    ("id", "numbered"),
    [
        ("call_0", True),
        ("functions.shell:12", True),
        ("7", True),
        ("item", True),
        ("call_Ab12Cd34Ef56Gh78", False),
        (THREAD, False),
        ("toolu_01Abcdef", False),
    ],
)
def test_ids_with_small_numbers_are_detected(id: str, *, numbered: bool) -> None:
    """Only an id with digits among its letters, or a long one, can be unique by chance."""
    assert is_numbered(id) is numbered


def test_a_segment_belongs_to_the_thread_before_it(tmp_path: Path, journal_dir: Path) -> None:
    """Its first line names the segment, or is torn."""
    name = f"rollout-2026-01-01T13-00-00-{THREAD}_{SEGMENT}.jsonl"
    own = {**head(), "payload": {"id": SEGMENT, "cwd": "/w"}}
    write(tmp_path / "1" / name, [own, says(1, "one")])
    write(tmp_path / "2" / name, [b'{"timestamp":"2026-01', says(2, "two")])
    take(journal_dir, tmp_path / "1", tmp_path / "2")
    assert transcript(journal_dir) == ["one", "two"]


def test_a_rollout_keeps_its_order_if_its_clock_stepped_back(
    tmp_path: Path, journal_dir: Path
) -> None:
    """Steps of an hour, of a moment, and repeated steps do not change the order of lines."""
    times = [3700, 3710, 20, 25, 3800, 3799.999, 1, 3900]
    lines = [says(time, str(n)) for n, time in enumerate(times)]
    write(tmp_path / ROLLOUT, [head(), *lines])
    take(journal_dir, tmp_path / ROLLOUT)
    assert transcript(journal_dir) == [str(n) for n in range(len(times))]


def test_a_line_of_claude_code_without_a_parent_keeps_its_place(
    tmp_path: Path, journal_dir: Path
) -> None:
    """If the parent is no message, the order of the file counts."""
    lines = [claude("1", None, "a", 3700), claude("2", "gone", "b", 20), claude("3", None, "c", 25)]
    write(tmp_path / "c.jsonl", lines)
    take(journal_dir, tmp_path / "c.jsonl")
    assert transcript(journal_dir, "cc") == ["a", "b", "c"]


@pytest.mark.parametrize("bad", ["soon", None, "9999999-01-01", {"a": 1}, -1])
@pytest.mark.parametrize("place", [0, 1, 3])
def test_a_message_without_a_readable_time_keeps_its_place(
    tmp_path: Path, journal_dir: Path, bad: object, place: int
) -> None:
    """It has its neighbour's time, marked as estimated; its session is not dated as of today."""
    lines = [says(n + 1, str(n)) for n in range(4)]
    lines[place]["timestamp"] = bad
    write(tmp_path / ROLLOUT, [{**head(), "timestamp": bad}, *lines])
    take(journal_dir, tmp_path / ROLLOUT)
    with Projection.open(journal_dir) as projection:
        found = projection.messages(THREAD)
    assert [message.content for message in found] == ["0", "1", "2", "3"]
    assert max(message.time for message in found) <= 1767268804_000000
    estimated = [m.content for m in found if "estimated_time" in m.fields.get("extra", {})]
    assert estimated == [str(place)]


def test_a_source_without_any_readable_time_keeps_its_order(
    tmp_path: Path, journal_dir: Path
) -> None:
    """This holds if it grows between two imports; its messages have the time of the file.

    A reply is not read after what is no reply and stands below it, such as a boundary.
    """
    parents = [None, "0", None, None, "3", "1"]
    lines = [
        {**claude(str(n), parent, str(n), 0), "timestamp": "soon"}
        for n, parent in enumerate(parents)
    ]
    for until in (3, 6):
        write(tmp_path / "c.jsonl", lines[:until])
        os.utime(tmp_path / "c.jsonl", (until, 1_770_000_000 + until))
        report = take(journal_dir, tmp_path / "c.jsonl")
    assert (report.messages, report.conflicts) == (3, 0)
    assert transcript(journal_dir, "cc") == [str(n) for n in range(6)]
    with Projection.open(journal_dir) as projection:
        found = projection.messages("cc")
    assert all(message.fields["extra"]["estimated_time"] for message in found)
    assert [m.time // 1_000_000 - 1_770_000_000 for m in found] == [3, 3, 3, 6, 6, 6]


def test_a_rollout_without_any_time_has_the_time_in_its_name(
    tmp_path: Path, journal_dir: Path
) -> None:
    """The file name contains the start of the session."""
    write(tmp_path / ROLLOUT, [says("?", "a"), says("?", "b")])
    take(journal_dir, tmp_path / ROLLOUT)
    with Projection.open(journal_dir) as projection:
        found = projection.messages(THREAD)
    assert [m.content for m in found] == ["a", "b"]
    assert {m.time for m in found} == {1767268800_000000}


@pytest.mark.parametrize("value", ["1767268802Z", "1767268802", "1767268802.0", "1767268802000"])
def test_seconds_as_text_are_a_time(tmp_path: Path, journal_dir: Path, value: str) -> None:
    """A number of seconds as text is read with and without a Z at its end."""
    write(tmp_path / ROLLOUT, [head(), says(1, "a"), says(value, "b")])
    report = take(journal_dir, tmp_path / ROLLOUT)
    assert report.repaired == {}
    with Projection.open(journal_dir) as projection:
        assert projection.messages(THREAD)[1].time == 1767268802_000000


TURN = {"type": "thread_rolled_back"}


def test_turns_that_were_rolled_back_are_removed_from_the_transcript(
    tmp_path: Path, journal_dir: Path
) -> None:
    """All that follows them is removed, too, and still found; a second import changes nothing."""
    lines = [
        head(),
        says(1, "<environment_context>x</environment_context>"),
        says(2, "one"),
        says(3, "answer", "assistant"),
        says(4, "two"),
        call(5, "a"),
        says(6, "three"),
        event(7, **TURN, num_turns=2),
        says(8, "four"),
    ]
    path = write(tmp_path / ROLLOUT, lines)
    take(journal_dir, path)
    assert transcript(journal_dir)[1:] == ["one", "answer", "four"]
    before = journal_set(journal_dir)
    take(journal_dir, path, reread=True)
    assert journal_set(journal_dir) == before
    with Projection.open(journal_dir) as projection:
        assert projection.search("three").hits


def test_a_second_rollback_counts_the_remaining_turns(tmp_path: Path, journal_dir: Path) -> None:
    """Removed turns are not counted again; a larger number than remain removes all of them."""
    lines = [head(), says(1, "one"), says(2, "two"), event(3, **TURN, num_turns=1)]
    path = write(tmp_path / ROLLOUT, [*lines, event(4, **TURN, num_turns=1), says(5, "new")])
    take(journal_dir, path)
    assert transcript(journal_dir) == ["new"]
    path = write(tmp_path / ROLLOUT, [*lines, event(4, **TURN, num_turns=99), says(5, "new")])
    take(tmp_path / "other", path)
    assert transcript(tmp_path / "other") == ["new"]


def test_a_text_that_only_an_event_has_is_rolled_back_with_its_turn(
    tmp_path: Path, journal_dir: Path
) -> None:
    """The parser yields it some lines later, but it counts as the beginning of its turn."""
    count = [event(10, type="token_count")] * 20
    lines = [head(), says(1, "one"), event(2, type="user_message", message="only here")]
    path = write(tmp_path / ROLLOUT, [*lines, event(3, **TURN, num_turns=1), *count])
    take(journal_dir, path)
    assert transcript(journal_dir) == ["one"]


@pytest.mark.parametrize("count", [None, 0, -1, "1", True, 1.5])
def test_a_rollback_without_a_valid_number_is_skipped(
    tmp_path: Path, journal_dir: Path, count: object
) -> None:
    """It is counted with its reason."""
    path = write(tmp_path / ROLLOUT, [head(), says(1, "one"), event(2, **TURN, num_turns=count)])
    assert any("thread_rolled_back" in reason for reason in take(journal_dir, path).skipped)
    assert transcript(journal_dir) == ["one"]


def answer(uuid: str, parent: str, text: str, second: float, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Return an answer of Claude Code."""
    return claude(uuid, parent, text, second, type="assistant", **more)


BEGUN = [claude("1", None, "one", 1), answer("2", "1", "answer", 2)]


def test_rewound_messages_are_removed_from_the_transcript(
    tmp_path: Path, journal_dir: Path
) -> None:
    """Removed are the prompt and its answers, back to the parent of the next prompt."""
    lines = [
        *BEGUN,
        claude("h", "2", "hook", 2.5, type="system", content="hook said"),
        claude("3", "h", "two", 3),
        answer("4", "3", "gone", 4),
        claude("5", "4", [{"type": "tool_result", "tool_use_id": "t", "content": "gone"}], 5),
        answer("6", "5", "gone too", 6),
        claude("7", "2", "better", 7),
        answer("8", "7", "fine", 8),
        claude("9", "8", "again", 9),
        claude("10", "8", "again, better", 10),
    ]
    write(tmp_path / "c.jsonl", lines)
    take(journal_dir, tmp_path / "c.jsonl")
    assert transcript(journal_dir, "cc") == [
        *("one", "answer", "hook said", "better", "fine", "again, better")
    ]


def test_branches_that_are_no_rewind_stay(tmp_path: Path, journal_dir: Path) -> None:
    """Parallel results, lines of one answer, sub-agents, commands, interruptions, a compaction."""
    result = [{"type": "tool_result", "tool_use_id": "t", "content": "r"}]
    exit = "<command-name>/exit</command-name>"
    lines = [
        *BEGUN,
        answer("3", "2", "part two", 3),
        claude("4", "2", result, 4),
        claude("5", "3", result, 5),
        answer("6", "5", "next", 6),
        claude("s", "6", "aside", 6.1, isSidechain=True),
        claude("t", "6", "aside too", 6.2, isSidechain=True),
        claude("7", "6", exit, 7),
        answer("8", "7", "No response requested.", 8),
        claude("9", "6", "resumed", 9),
        claude("i", "9", "[Request interrupted by user]", 10),
        claude("10", "9", "on", 11),
        claude("m", "9", "meta", 11.5, isMeta=True),
        claude("b", None, "", 12, type="system", content="boundary", logicalParentUuid="10"),
        claude("u", "b", "summary", 13, isCompactSummary=True),
        claude("11", "b", "after", 14),
    ]
    lines[8 + 1]["message"]["model"] = "<synthetic>"
    write(tmp_path / "c.jsonl", lines)
    report = take(journal_dir, tmp_path / "c.jsonl")
    assert len(transcript(journal_dir, "cc")) == report.messages == len(lines)


def test_prompts_without_a_parent_are_no_rewind(tmp_path: Path, journal_dir: Path) -> None:
    """Many programs write no parents, so prompts without them rewind nothing."""
    write(tmp_path / "c.jsonl", [claude(str(n), None, str(n), n) for n in range(4)])
    take(journal_dir, tmp_path / "c.jsonl")
    assert transcript(journal_dir, "cc") == ["0", "1", "2", "3"]


@pytest.mark.parametrize("torn", [b'{"timestamp":"2026', b'{"a":"x\\', b"\0\0\0", b"}]", b'"'])
@pytest.mark.parametrize("behind", [b"", b'{"type":"respo', b"  \0"])
def test_complete_objects_on_a_torn_line_are_imported(
    tmp_path: Path, journal_dir: Path, torn: bytes, behind: bytes
) -> None:
    """The torn parts before and after them are counted."""
    one, two = (json.dumps(says(n, f'{{x{n}\\"')).encode() for n in (1, 2))
    path = write(tmp_path / ROLLOUT, [head(), torn + one + two, two + one + behind])
    if behind.strip(b" \0"):
        path = write(tmp_path / ROLLOUT, [head(), torn + one + two, one + behind])
    report = take(journal_dir, path)
    assert report.messages == 2
    assert transcript(journal_dir) == [f'{{x{n}\\"' for n in (1, 2)]
    torn_parts = report.skipped["torn part of a line, beside a whole object"]
    assert torn_parts == bool(torn.strip(b"\0")) + bool(behind.strip(b" \0"))


@pytest.mark.parametrize("torn", [b'{"timestamp":"2026', b'{"a":"x\\'])
def test_complete_objects_between_torn_parts_are_imported(
    tmp_path: Path, journal_dir: Path, torn: bytes
) -> None:
    """Several writers that are killed one after the other may leave one such line."""
    one, two, three = (json.dumps(says(n, f"{{x{n}")).encode() for n in (1, 2, 3))
    path = write(tmp_path / ROLLOUT, [head(), torn + one + torn + two + torn + three])
    report = take(journal_dir, path)
    assert report.messages == 3
    assert transcript(journal_dir) == [f"{{x{n}" for n in (1, 2, 3)]


def test_a_part_of_a_torn_object_is_no_line(tmp_path: Path, journal_dir: Path) -> None:
    """An object within a torn object was never a line of its own."""
    inner = b'{"role":"user","content":"inner"}'
    write(tmp_path / "o.jsonl", [{"role": "user", "content": "a"}, b'{"messages":[' + inner])
    report = take(journal_dir, tmp_path / "o.jsonl", format="openai")
    assert (report.messages, report.skipped) == (1, {"not JSON": 1})


TIMES = st.one_of(st.integers(1, 7000), st.sampled_from(["?", None, ""]))
LINES = st.lists(st.tuples(st.sampled_from(["says", "call", "result"]), TIMES), max_size=9)


@pytest.mark.slow
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(LINES, st.lists(st.integers(1, 9), max_size=2).map(sorted))
def test_a_rollout_keeps_its_order_in_any_pieces(
    tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[str, Any]], cuts: list[int]
) -> None:
    """With repeated ids, clock steps and missing times, every text is in the file's order."""
    box = tmp_path_factory.mktemp("rollout")
    make: dict[str, Callable[[float, str], dict[str, Any]]] = {
        "says": says,
        "call": result,
        "result": result,
    }
    values: list[dict[str, Any]] = [head()]
    for number, (kind, time) in enumerate(lines):
        value = make[kind](0, f"{kind} {number}")
        values.append({**value, "timestamp": stamp(time) if isinstance(time, int) else time})
    for until in [*cuts, len(values)]:
        write(box / ROLLOUT, values[:until])
        take(box / "parts", box / ROLLOUT)
    take(box / "whole", box / ROLLOUT)
    assert journal_set(box / "parts") == journal_set(box / "whole")
    assert transcript(box / "parts") == [f"{kind} {n}" for n, (kind, _) in enumerate(lines)]
