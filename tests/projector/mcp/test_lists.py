"""Lists of sessions: what was not looked at is said, and pages stay whole while messages arrive."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from journal import Journal
from projector.mcp.asking import Client
from projector.mcp.text.cursor import Before, Pages
from tests.projector.mcp.asked import Asking, ask, refusal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def fruit(journal_dir: Path) -> Path:
    """A journal with six sessions about bananas."""
    with Journal.open(journal_dir) as journal:
        for number in range(1, 7):
            for at in range(2):
                when = 1_700_000_000_000_000 + number * 1_000_000_000 + at
                text = f"banana {number} != {at}"
                journal.append_message(f"fruit-{number}", "user", text, id=f"m{at}", timestamp=when)
    return journal_dir


@pytest.mark.parametrize("mode", ["words", "literal"])
def test_a_search_whose_time_was_over_does_not_say_that_there_is_nothing(
    fruit: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """It says how many texts were read, and that the others may match; no count is negative."""
    monkeypatch.setattr("projector.search.find.SECONDS", -1.0)
    monkeypatch.setattr("projector.search.texts._STEP", 1)
    query = {"words": '"!="', "literal": "!="}[mode]
    over = "the time was over after the texts of {}; what was not read may match, too"
    answer = ask(fruit, "search", query=query, mode=mode)
    assert answer.head[0] == "Nothing found in what was read, and nothing comes near."
    assert answer.head[1].startswith(over.format("0 messages"))
    assert "-1" not in answer.text
    monkeypatch.setattr("projector.search.find.SECONDS", 3.5)
    ticks = iter(range(100))
    monkeypatch.setattr("projector.search.texts.monotonic", lambda: next(ticks))
    answer = ask(fruit, "search", query=query, mode=mode)
    assert answer.head[0].startswith("Sessions 1-2 of at least 2 sessions: 3 messages have")
    assert answer.head[1].startswith(over.format("3 messages"))


def test_a_search_of_too_many_matches_says_how_many_were_ranked(
    fruit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the newest are ranked, and no time was over."""
    monkeypatch.setattr("projector.search.matches.RANKED", 3)
    answer = ask(fruit, "search", query="banana")
    assert answer.head[1] == "only 3 of the messages that match were ranked: narrow it down"


def test_nothing_found_names_the_words_that_no_message_has(fruit: Path) -> None:
    """Also where nothing comes near, the words are named that are in no message."""
    answer = ask(fruit, "search", query="zebra crossing")
    assert answer.head == (
        "Nothing found, and nothing comes near.",
        "no message has zebra; no message has crossing",
    )


def test_a_session_that_asks_and_is_not_there_is_named(fruit: Path) -> None:
    """An unknown or ambiguous `asking` is named, and what the environment names still counts."""
    client = Client({"CLAUDE_CODE_SESSION_ID": "fruit-6"}, None)
    calls: tuple[tuple[str, dict[str, Any]], ...] = (
        ("search", {"query": "banana"}),
        ("sessions", {}),
    )
    for tool, arguments in calls:
        for name, why in (("nope", "no session matches"), ("fruit", "several sessions match")):
            line = f"asking: {why} {name!r}, so it is not left out"
            unknown = ask(fruit, tool, asking=name, **arguments)
            assert line in unknown.head
            assert "of 6" in unknown.head[0]
            known = ask(fruit, tool, client, asking=name, **arguments)
            assert line in known.head
            assert known.head[1].startswith("Left out: the session that asks")
            assert "of 5" in known.head[0]
    assert len(ask(fruit, "sessions", asking="nope", include_asking=True).head) == 1


def test_in_another_session_that_is_named_nothing_is_left_out(fruit: Path) -> None:
    """With `session`, no line says that the session that asks is left out."""
    answer = ask(fruit, "search", query="banana", session="fruit-2", asking="fruit-1")
    assert answer.head == ("Sessions 1-1 of 1 session: 2 messages have all words.",)


def test_a_value_that_nothing_has_is_told_from_those_that_there_are(fruit: Path) -> None:
    """The nearest values are named as such; others are those that there are."""
    like = ask(fruit, "search", query="banana", role="usr")
    assert like.record == ("* nothing has the role 'usr'; the nearest is user",)
    with Journal.open(fruit) as journal:
        journal.append_message("fruit-1", "tool", "peeled")
    other = ask(fruit, "search", query="banana", role="bogus")
    assert other.record == ("* nothing has the role 'bogus'; there are tool, user",)


def test_a_text_that_is_too_long_is_refused_with_the_limit(fruit: Path) -> None:
    """The error says how long the text is, how long it may be, and shows none of it."""
    said = "text is too long: it has 100,001 characters, and may have 100,000"
    assert said in refusal(fruit, "note", text="x" * 100_001)
    assert "tags is too long: it has 100,001" in refusal(
        fruit, "note", text="x", tags=["x" * 100_001]
    )
    assert "tags must be a list of texts" in refusal(fruit, "note", text="x", tags=[1])


def test_the_handle_of_a_note_stays_that_of_one_note(fruit: Path) -> None:
    """Later notes, and those of folders that begin alike, do not make it ambiguous."""
    handles = {}
    folders = ("/tmp/web", "/tmp/web-2", "/tmp/web/api", "/tmp/with a blank", f"/{'deep/' * 60}")  # noqa: S108 - names
    for folder in folders:
        with Asking(fruit, Client({}, folder)) as asking:
            for number in range(2):
                text = f"{folder} says {number}."
                handle = re.search(r'open\(ref="([^"]+)"\)', asking.raw("note", text=text)[0])
                assert handle is not None
                handles[text] = handle[1]
    with Asking(fruit) as asking:
        for text, ref in handles.items():
            assert text in asking("open", ref=ref, before=0, after=0).texts


def test_handles_stay_good_while_ids_that_begin_alike_arrive(journal_dir: Path) -> None:
    """Ids with the time in them and ids that are counted up: a handle names the same as before."""
    stem = "01a21f57-3b1c-7"
    with Journal.open(journal_dir) as journal, Asking(journal_dir) as asking:
        handles = {}
        for at in range(6):
            for session in (f"{stem}{at}ff-8000-00000000000{at}", f"a-session-of-web-{at}"):
                for message in (f"{stem}{at}aa-8000-00000000000{at}", f"message-{at}"):
                    text = f"kiwi {session} {message}"
                    journal.append_message(session, "user", text, id=message)
                    answer = asking("search", query=f'"{text}"')
                    handles[text] = answer.heads[0].split()[1]
                    assert len(handles[text]) <= 41
            for text, ref in handles.items():
                assert text in asking("open", ref=ref, before=0, after=0).texts
        assert "several sessions match" in asking.raw("open", ref=stem)[0]
        # what is only in one of the sessions that begin so is that
        found = asking("open", ref=f"{stem}#{stem}3", before=0, after=0)
        assert f"{stem}3ff-8000-000000000003 {stem}3aa" in found.texts
        assert "several sessions match" in asking.raw("open", ref=f"{stem}#nowhere")[0]


def _pages(
    server: Asking, tool: str, between: Callable[[int], None], **arguments: object
) -> list[str]:
    """Return the sessions of all pages of two; something is done after each page."""
    seen: list[str] = []
    cursor = None
    for number in range(20):
        answer = server(tool, limit=2, cursor=cursor, **arguments)
        seen += [line.split()[1].partition("#")[0] for line in answer.heads]
        cursor = answer.cursor
        if cursor is None:
            return seen
        between(number)
    raise AssertionError("the pages do not end")


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("search", {"query": "banana"}),
        ("search", {"query": "banana", "asking": "fruit-3"}),
        ("search", {"query": "banana split of the house"}),  # what comes nearest
        ("sessions", {}),
        ("sessions", {"asking": "fruit-3"}),
    ],
)
def test_pages_have_no_gap_and_no_double_while_messages_arrive(
    fruit: Path, tool: str, arguments: dict[str, Any]
) -> None:
    """New sessions, and sessions that move to the top, shift nothing."""
    with Journal.open(fruit) as journal, Asking(fruit) as asking:

        def between(number: int) -> None:
            text = "banana banana" if number else "banana split house"
            journal.append_message(f"new-{number}", "user", text)
            journal.append_message("fruit-1", "user", f"{text} {number}")

        seen = _pages(asking, tool, between, **arguments)
    old = {f"fruit-{number}" for number in range(1, 7)} - {arguments.get("asking")}
    assert len(seen) == len(set(seen)), seen
    assert old <= set(seen), seen


def test_what_came_nearest_may_be_crowded_out_and_that_is_said(fruit: Path) -> None:
    """Only so many are ranked: if messages arrive, later pages say what that means."""
    query = "banana split of the house"
    said = "messages arrived since the first page"
    with Journal.open(fruit) as journal, Asking(fruit) as asking:
        for number in range(20):
            journal.append_message(f"more-{number:02}", "user", "banana split today")
        first = asking("search", query=query, limit=8)
        second = asking("search", query=query, limit=8, cursor=first.cursor)
        assert said not in first.text + second.text
        for number in range(20):
            journal.append_message(f"new-{number:02}", "user", "banana split, banana split")
        changed = asking("search", query=query, limit=20, cursor=second.cursor)
        assert changed.head[1].startswith(said)
        assert changed.head[0] == "No message has all words. The nearest, 17-36 of 36:"
        assert all("new-" in line for line in changed.heads)
    with Journal.open(fruit) as journal, Asking(fruit) as asking:
        first = asking("search", query="banana", limit=2)
        journal.append_message("new", "user", "banana")
        assert said not in asking("search", query="banana", limit=2, cursor=first.cursor).text


def test_a_cursor_that_the_server_does_not_know_goes_on_by_number(fruit: Path) -> None:
    """After a new start the sessions are counted, and the answer says what that means."""
    for tool, arguments in (("search", {"query": "banana"}), ("sessions", {})):
        given: dict[str, Any] = dict(arguments)
        with Asking(fruit) as asking:
            whole = _pages(asking, tool, lambda _: None, **given)
            first = asking(tool, limit=2, **given)
            # the same cursor gives the same page again
            pages = [asking(tool, limit=2, cursor=first.cursor, **given) for _ in range(2)]
            assert pages[0].heads == pages[1].heads
            assert len(pages[0].head) == 1
        with Asking(fruit) as asking:
            second = asking(tool, limit=2, cursor=first.cursor, **given)
            third = asking(tool, limit=2, cursor=second.cursor, **given)
        assert [line.split()[1].partition("#")[0] for line in (*second.heads, *third.heads)] == (
            whole[2:]
        )
        for answer in (second, third):
            assert answer.head[1].startswith("the server does not know any more")


def test_the_latest_pages_are_remembered() -> None:
    """A server that runs for days does not grow."""
    pages = Pages()
    numbers = [pages.keep([str(at)], at) for at in range(150)]
    assert pages.get(numbers[0]) is None
    kept = [pages.get(number) for number in numbers[-100:]]
    assert kept == [Before((str(at),), at) for at in range(50, 150)]
    assert len(str(max(numbers))) <= 12
