"""`export_sessions`: what is exported, in pages, without secrets."""

from __future__ import annotations

import json
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from journal import Journal
from projector import NotFound, Projection, QueryError, export_sessions
from projector.export import calls, reading
from projector.export.conversation import Conversation, Format, Settings
from projector.export.formats import format_named, names
from projector.export.otlp import spans as lines_of_spans
from projector.export.otlp.conventions import LATEST
from projector.web.export import document
from tests.projector.export.conftest import SECRET, T, call

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

FORMATS = ("atif", "html", "json", "jsonl", "md", "otlp")


def exported(path: Path, format: str, *sessions: str, **options: Any) -> str:  # noqa: ANN401
    """Return the text of an export."""
    with export_sessions(path, sessions or ["talk"], format, **options) as export:
        return "".join(export.pieces)


def test_all_formats_are_installed() -> None:
    """The registry has the formats of this project."""
    assert names() == FORMATS
    with pytest.raises(QueryError, match="'pdf' is not an installed format"):
        format_named("pdf")


@pytest.mark.parametrize("format", FORMATS)
def test_secrets_are_replaced_by_marks_unless_asked_for(talk: Path, format: str) -> None:
    """The rules of today apply to what older rules let through; the export counts them."""
    with export_sessions(talk, ["talk"], format) as export:
        text = "".join(export.pieces)
        assert SECRET not in text
        assert "github" in text
        assert export.redacted.total() == 1
    assert SECRET in exported(talk, format, redact=False)


@pytest.mark.parametrize("format", FORMATS)
def test_no_control_character_is_written(talk: Path, format: str) -> None:
    """An escape sequence of a message cannot reach a terminal."""
    text = exported(talk, format)
    assert "\x1b" not in text
    assert r"\x1b" in text or r"\u001b" in text
    assert text.endswith("\n")


def test_json_has_the_sessions_as_show_has_them(talk: Path) -> None:
    """A session is `session_json`, and each message is `message_json`, with its tool's name."""
    found = json.loads(exported(talk, "json", "talk", "fork"))
    assert (found["detail"], found["redacted"]) == ("full", True)
    talked, fork = found["sessions"]
    assert [message["id"] for message in talked["messages"]] == [f"m{n}" for n in range(1, 9)]
    assert talked["session"]["title"] == "Docker *fails*"
    assert talked["messages"][2]["tool_name"] == "Bash"
    assert [message.get("home") for message in fork["messages"]] == ["talk", "talk", None]


def test_json_lines_have_a_message_each(talk: Path) -> None:
    """Each line names its session."""
    lines = [json.loads(line) for line in exported(talk, "jsonl", "fork", "talk").splitlines()]
    assert [line["session"] for line in lines] == ["fork"] * 3 + ["talk"] * 8


def test_pages_lose_nothing_and_repeat_nothing(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Messages that are equal in all but the last sort keys are on both sides of a page's end."""
    monkeypatch.setattr(reading, "_MOST", 2)
    with Journal.open(journal_dir) as journal:
        replaced = [{"id": f"r{n}", "role": "user", "content": str(n)} for n in range(5)]
        journal.append(session="s", type="transcript.replaced", data={"messages": replaced})
        for number in range(5):
            journal.append_message("s", "user", "x", id=f"m{number}", timestamp=T)
    with Projection.open(journal_dir) as projection:
        expected = [message.id for message in projection.messages("s")]
    found = json.loads(exported(journal_dir, "json", "s"))["sessions"][0]["messages"]
    assert [message["id"] for message in found] == expected
    assert len(expected) == 10


def test_a_result_has_the_name_of_a_tool_that_was_called_lately(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a session of any length some calls are remembered."""
    monkeypatch.setattr(reading, "_TOOLS", 2)
    with Journal.open(journal_dir) as journal:
        calls = [call(f"c{number}", f"t{number}", "{}") for number in range(3)]
        journal.append_message("s", "assistant", None, tool_calls=calls)
        for number in range(3):
            journal.append_message("s", "tool", "x", tool_call_id=f"c{number}")
    lines = [json.loads(line) for line in exported(journal_dir, "jsonl", "s").splitlines()]
    assert [line.get("tool_name") for line in lines] == [None, None, "t1", "t2"]


def test_what_is_appended_meanwhile_is_left_out(
    talk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a projector applies it between two pages, and where it comes first."""
    monkeypatch.setattr(reading, "_MOST", 2)
    with export_sessions(talk, ["talk"], "jsonl") as export:
        lines = [next(export.pieces)]
        with Journal.open(talk) as journal, Projection.open(talk) as projection:
            journal.append_message("talk", "user", "late", id="late")
            journal.append_message("talk", "user", "early", id="early", timestamp=T + 1)
            assert "late" in [message.id for message in projection.messages("talk")]
            projection.rebuild()  # places are the same in the new generation
        lines += export.pieces
    ids = [json.loads(line)["id"] for line in lines]
    assert ids == [f"m{n}" for n in range(1, 9)]


def test_a_session_that_is_edited_meanwhile_is_named(
    talk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was edited before, and what is only appended, is no reason."""
    monkeypatch.setattr(reading, "_MOST", 2)
    with Journal.open(talk) as journal, Projection.open(talk) as projection:
        for first, type, data in (
            (None, "message.appended", {"role": "user", "content": "x"}),
            ("talk", "message.archived", {"messages": ["m8"]}),
            (None, "usage.added", {"input_tokens": 1}),
        ):
            with export_sessions(talk, ["talk"], "jsonl") as export:
                next(export.pieces)
                journal.append(session="talk", type=type, data=data)
                projection.sessions()
                assert sum(1 for _ in export.pieces) in (6, 7)
                assert export.edited == ({first} - {None})


def test_a_session_that_is_deleted_meanwhile_is_left_out(talk: Path) -> None:
    """The document stays valid."""
    with export_sessions(talk, ["talk", "fork"], "json") as export:
        pieces = [next(export.pieces)]
        with Journal.open(talk) as journal, Projection.open(talk) as projection:
            journal.append(session="fork", type="session.deleted", data={})
            assert [view.session for view in projection.sessions()] == ["talk"]
        pieces += export.pieces
    found = json.loads("".join(pieces))
    assert [each["session"]["session"] for each in found["sessions"]] == ["talk"]


def test_no_session_is_exported_if_one_does_not_exist(talk: Path) -> None:
    """The error is that of `Projection.session`; a session that is named twice is there once."""
    with (
        pytest.raises(NotFound, match="no session matches 'nope'"),
        export_sessions(talk, ["talk", "nope"]),
    ):
        pass
    with export_sessions(talk, ["tal", "talk"]) as export:
        assert export.sessions == ("talk",)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"detail": "some"}, "detail must be one of full, normal, prompts"),
        ({"otlp_version": "2"}, "otlp_version must be one of 1.36, 1.41"),
    ],
)
def test_unknown_options_are_refused(talk: Path, options: dict[str, Any], message: str) -> None:
    """Before anything is read."""
    with pytest.raises(ValueError, match=message), export_sessions(talk, ["talk"], **options):
        pass


def test_memory_does_not_grow_with_the_number_of_messages(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four times as many messages and calls of the API need no more than half as much again.

    Half of the calls are of a message, which an export finds by the name of its call.
    """
    monkeypatch.setattr(reading, "_MOST", 50)
    monkeypatch.setattr(calls, "_MANY", 50)
    monkeypatch.setattr(lines_of_spans, "_MOST", 10)
    monkeypatch.setattr(document, "_PROMPTS", 10)
    roles = ("user", "assistant")
    with Journal.open(journal_dir, fsync="never") as journal:
        for session, count in (("small", 200), ("large", 800)):
            for number in range(count):
                text = f"{number} word " * 100
                journal.append_message(session, roles[number % 2], text, id=f"m{number}")
                used = {"call": f"m{number}", "input_tokens": 10}
                journal.append(type="usage.added", session=session, data=used)
    for format in FORMATS:
        # now and then a run of either session has 0.6 MB more for a moment
        peaks: dict[str, int] = {}
        for session in ("small", "small", "small", "large", "large"):
            with export_sessions(journal_dir, [session], format) as export:
                tracemalloc.start()
                size = sum(map(len, export.pieces))
                peak = tracemalloc.get_traced_memory()[1]
                peaks[session] = min(peak, peaks.get(session, peak))
                tracemalloc.stop()
        assert peaks["large"] < 1.5 * peaks["small"] < size, format


def test_another_package_can_add_a_format(talk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `Format` gets conversations that can be read more than once."""

    def write(conversations: Iterable[Conversation], settings: Settings) -> Iterator[str]:
        for each in conversations:
            first = sum(1 for _ in each.messages())
            yield f"{each.session.session} {first} {sum(1 for _ in each.messages())}"
            yield f" {settings.otlp_version}\n"

    monkeypatch.setattr(
        "projector.export.export.format_named", lambda _name: Format("x", "for this test", write)
    )
    assert exported(talk, "x") == f"talk 8 8 {LATEST}\n"
