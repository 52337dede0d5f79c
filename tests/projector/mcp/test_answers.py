"""Answers of tools: bounded, fenced, redacted, and complete over their pages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from journal import Journal
from journal.process import clock
from projector.mcp.asking import Client
from projector.mcp.text.answer import LEAST
from projector.mcp.text.fence import fence, prepared, short
from tests.conftest import few
from tests.projector.mcp.asked import Asking, ask, refusal

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4xY7zA0cD3fG6"  # made up
_BOTH: tuple[tuple[str, dict[str, Any]], ...] = (
    ("search", {"query": "retry budget"}),
    ("sessions", {}),
)
"""The tools that list sessions, and arguments for which they list all."""
_ODD = st.text(
    st.characters(codec="utf-8") | st.sampled_from("\x1b\x00\r\n\t\u2028\u202e\u200b`<>-#*[ "),
    min_size=1,
    max_size=200,
)
_KEYS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"]) | st.sampled_from("#`<>-*[ \u202e"),
    min_size=1,
    max_size=30,
)
"""Ids, which have no control characters."""


@pytest.fixture
def talks(journal_dir: Path) -> Path:
    """A journal with five sessions about a retry budget, the last of them the newest."""
    with Journal.open(journal_dir) as journal:
        for number in range(1, 6):
            session = f"session-{number}"
            about = {"title": f"Talk {number}", "source": "codex", "cwd": f"/home/me/p{number % 2}"}
            journal.append(session=session, type="session.created", id="c", data=about)
            for at, (role, text) in enumerate(
                [
                    ("user", f"what is the retry budget of service {number}?"),
                    ("assistant", f"three attempts, {number} seconds apart"),
                    ("user", "and the budget for a retry of uploads?"),
                ]
            ):
                when = 1_700_000_000_000_000 + number * 1_000_000_000 + at
                journal.append_message(session, role, text, id=f"message-{at}", timestamp=when)
    return journal_dir


def test_a_session_is_found_once_with_what_matches_and_a_handle(talks: Path) -> None:
    """A hit names its session's handle, title and project, why it matches and how many more do."""
    answer = ask(talks, "search", query="retry budget", limit=2)
    assert answer.head == ("Sessions 1-2 of 5 sessions: 10 messages have all words.",)
    assert len(answer.heads) == 2
    assert "codex" in answer.heads[0]
    assert "'Talk " in answer.heads[0]
    assert "has all words; 1 other message of it found" in answer.texts
    handle = answer.heads[0].split()[1]
    opened = ask(talks, "open", ref=handle)
    assert "**" not in opened.texts
    assert "budget" in opened.texts


def test_pages_have_each_session_once(talks: Path) -> None:
    """Cursor after cursor, every session is listed once, by a search and by the list."""
    for tool, arguments in _BOTH:
        seen: list[str] = []
        cursor = None
        while True:
            given_ = arguments if cursor is None else arguments | {"cursor": cursor}
            answer = ask(talks, tool, limit=2, **given_)
            at = len(seen)
            seen += [line.split()[1].partition("#")[0] for line in answer.heads]
            assert answer.head[0].startswith(f"Sessions {at + 1}-{len(seen)} of 5"), answer.text
            cursor = answer.cursor
            if cursor is None:
                break
        assert len(seen) == len(set(seen)) == 5


def test_a_cursor_of_another_question_is_refused(talks: Path) -> None:
    """A cursor goes with the arguments it was made for; the error says what to do."""
    cursor = ask(talks, "search", query="retry budget", limit=2).cursor
    assert "repeat the arguments" in refusal(talks, "search", query="retry", cursor=cursor)
    assert "repeat the arguments" in refusal(talks, "search", query="retry", cursor="x")


def test_what_comes_nearest_is_told_from_a_match(talks: Path) -> None:
    """If no message has all words, the answer says so, and each hit says what it lacks."""
    answer = ask(talks, "search", query="retry budget of the gateway")
    assert answer.head[0] == "No message has all words. The nearest, 1-5 of 5:"
    assert "no message has gateway" in answer.head[1]
    assert "near; without: gateway" in answer.texts
    with Journal.open(talks) as journal:
        journal.append_message("session-2", "user", "the gateway has a retry budget", id="g")
    one = ask(talks, "search", query="retry budget gateway")
    assert one.head[0] == (
        "Sessions 1-1 of 1 session: 1 message has all words. Behind them 4 of 4 that come nearest."
    )
    assert "session-2" in one.heads[0]
    assert one.texts.count("has all words") == 1
    first = ask(talks, "search", query="retry budget gateway", limit=2)
    assert first.head[0].endswith("Behind them 1 of 4 that come nearest.")
    rest = ask(talks, "search", query="retry budget gateway", limit=2, cursor=first.cursor)
    assert rest.head[0] == "The nearest, 2-3 of 4:"
    nothing = ask(talks, "search", query="zebra crossing")
    assert nothing.head[0] == "Nothing found, and nothing comes near."
    assert not nothing.record


def test_a_query_can_be_a_literal_or_a_regular_expression(talks: Path) -> None:
    """Signs count in a literal, and what matches an expression is marked, also beside a secret."""
    with Journal.open(talks) as journal:
        journal.append_message("signs", "user", "is it a AND b, or C++17?", id="g")
    found = ask(talks, "search", query="a AND b,", mode="literal")
    assert found.head[0] == "Sessions 1-1 of 1 session: 1 message has all words."
    assert "**a AND b,**" in found.texts
    assert not ask(talks, "search", query="a AND c,", mode="literal").record
    pytest.importorskip("re2")
    found = ask(talks, "search", query=r"C[+]+\d+", mode="regex")
    assert "**C++17**" in found.texts
    assert "no regular expression" in refusal(talks, "search", query="(", mode="regex")
    refused = refusal(talks, "search", query="budget", mode="words only")
    assert "mode must be one of words, literal, regex" in refused


def test_filters_narrow_a_search_and_the_list(talks: Path) -> None:
    """Project, agent, session, role and times are filters, and an unknown argument is refused."""
    found = ask(talks, "search", query="budget", project="p0", role="user")
    assert found.head[0] == "Sessions 1-2 of 2 sessions: 4 messages have all words."
    assert (
        ask(talks, "search", query="budget", session="session-3")
        .head[0]
        .startswith("Sessions 1-1 of 1 session:")
    )
    nothing = ask(talks, "search", query="budget", agent="claude-code")
    assert nothing.record == ("* nothing has the agent 'claude-code'; the nearest is codex",)
    assert ask(talks, "sessions", project="p2").record[0].startswith("* nothing has the project")
    assert ask(talks, "sessions", project="p1").head[0].startswith("Sessions 1-3 of 3")
    assert ask(talks, "sessions", since="1d").head == ("No sessions.",)
    assert "known are query" in refusal(talks, "search", query="budget", wrong="p0")
    assert "is not a time" in refusal(talks, "search", query="budget", since="soon")
    assert "from 1 to 50" in refusal(talks, "search", query="budget", limit=0)
    assert "query is missing" in refusal(talks, "search")
    assert "NotFound" in refusal(talks, "search", query="budget", session="nowhere")


def test_a_session_is_read_from_its_beginning_to_its_end(talks: Path) -> None:
    """`open` of a session shows its messages in order; page after page, each character once."""
    with Journal.open(talks) as journal:
        long = "\n".join(f"line {number} of a long text" for number in range(400))
        journal.append_message(
            "session-2", "tool", long, id="long", timestamp=1_800_000_000_000_000
        )
    whole = ask(talks, "open", ref="session-2", max_chars=100_000)
    assert [line.split()[0] for line in whole.heads] == ["[1]", "[2]", "[3]", "[4]"]
    assert whole.cursor is None
    told, cursor = "", None
    pages = 0
    while pages == 0 or cursor is not None:
        page = ask(talks, "open", ref="session-2", max_chars=2_000, cursor=cursor)
        assert len(page.text) <= 2_000
        told += page.texts + ("\n" if page.cursor is None else "")
        cursor = page.cursor
        pages += 1
    assert pages > 3
    assert "".join(told.split()) == "".join(whole.texts.split())


def test_a_message_is_shown_with_those_around_it(talks: Path) -> None:
    """As many before and after as asked for; the unique beginning of its id is enough."""
    answer = ask(talks, "open", ref="session-4#message-1", before=1, after=0)
    assert answer.head[0].startswith("Session session-4: messages 1-2 of 3.")
    assert "three attempts, 4 seconds apart" in answer.texts
    assert "several messages match" in refusal(talks, "open", ref="message-1")
    with Journal.open(talks) as journal:
        journal.append_message("session-4", "user", "only here", id="unique-0123456789")
    assert "only here" in ask(talks, "open", ref="unique-01").texts
    assert "no session and no message" in refusal(talks, "open", ref="nowhere")
    assert "no message of the session has" in refusal(talks, "open", ref="session-4#nowhere")


def test_a_long_message_leaves_room_for_those_around_it(talks: Path) -> None:
    """If not all fits, the message asked for gets most, and the cursor goes on in it."""
    with Journal.open(talks) as journal:
        for name in ("x", "y", "z"):
            journal.append_message("long", "user", f"{name}{name} " * 3_000, id=name)
    answer = ask(talks, "open", ref="long#y", max_chars=3_000)
    assert len(answer.text) <= 3_000
    assert answer.texts.count("yy") > 2 * answer.texts.count("xx") > 0
    assert "3 texts shortened" in answer.tail[0]
    assert re.search(r"\[2\] .* \(characters 1-[\d,]+ of 9,000\)", answer.heads[1])
    rest = ask(talks, "open", ref="long#y", max_chars=20_000, cursor=answer.cursor)
    assert rest.texts.count("yy") + answer.texts.count("yy") >= 2_999
    assert "of 9,000)" in rest.heads[0]


def test_the_session_that_asks_is_left_out_and_counted(talks: Path) -> None:
    """That which environment, call or metadata name is left out; a switch includes it."""
    asking = Client({"CLAUDE_CODE_SESSION_ID": "session-5"}, None)
    for tool, arguments in _BOTH:
        answer = ask(talks, tool, asking, **arguments)
        assert answer.head[0].startswith("Sessions 1-4 of 4")
        assert answer.head[1].startswith("Left out: the session that asks")
        assert all("session-5" not in line for line in answer.record)
        by_call = ask(talks, tool, **arguments, asking="session-5")
        by_meta = ask(
            talks, tool, **arguments, meta={"x-codex-turn-metadata": '{"thread_id": "session-5"}'}
        )
        assert by_call.head == by_meta.head == answer.head
        switched = ask(talks, tool, asking, **arguments, include_asking=True)
        assert switched.head[0].startswith("Sessions 1-5 of 5")
    answer = ask(talks, "search", asking, query="retry budget")
    assert "with 2 messages that match" in answer.head[1]
    only = ask(talks, "search", asking, query="retry budget", session="session-5")
    assert only.head == ("Sessions 1-1 of 1 session: 2 messages have all words.",)


def test_what_only_the_asking_session_says_is_not_found(talks: Path) -> None:
    """If only the session that asks has all words, the answer shows what comes nearest."""
    with Journal.open(talks) as journal:
        journal.append_message("asking", "user", "what was the retry budget of the gateway", id="q")
    answer = ask(talks, "search", query="retry budget of the gateway", asking="asking")
    assert answer.head[0].startswith("No message has all words. The nearest, 1-5")
    assert "with 1 message that matches" in answer.head[1]


def test_without_a_name_the_newest_live_session_of_the_folder_asks(talks: Path) -> None:
    """It has a message of the last minutes, and is of this folder and this program."""
    now = clock.wall()
    with Journal.open(talks) as journal:
        for session, source, back in (("live", "codex", 1), ("stale", "codex", 3_600)):
            data = {"source": source, "cwd": f"/work/{session}"}
            journal.append(session=session, type="session.created", id="c", data=data)
            when = now - back * 1_000_000
            journal.append_message(session, "user", "the retry budget", id="m", timestamp=when)
    here = Client({}, "/work/live", "codex-mcp-client")
    assert ask(talks, "search", here, query="retry budget").head[0].startswith("Sessions 1-6 of 6")
    for client in (
        Client({}, "/work/stale", "codex-mcp-client"),
        Client({}, "/work/live", "claude-code"),
        Client({}, None, "codex-mcp-client"),
    ):
        head = ask(talks, "search", client, query="retry budget").head
        assert head[0].startswith("Sessions 1-7 of 7")
        assert len(head) == 1


def test_secrets_are_replaced_in_every_answer(talks: Path) -> None:
    """A secret that was stored is shown as a mark, also in a title, and cut in a snippet."""
    with Journal.open(talks) as journal:
        data = {"title": f"token {SECRET}", "cwd": f"/home/{SECRET}"}
        journal.append(session="leak", type="session.created", id="c", data=data)
        text = f"{'before ' * 60}the deploy {SECRET} key {'after ' * 60}"
        journal.append_message("leak", "user", text, id="m")
    for tool, arguments in (
        ("search", {"query": "deploy key", "limit": 50, "max_chars": 8_000}),
        ("open", {"ref": "leak"}),
        ("sessions", {}),
    ):
        answer = ask(talks, tool, **arguments)
        assert "leak" in answer.text
        pieces = (SECRET[at : at + 10] for at in range(len(SECRET) - 10))
        assert not any(piece in answer.text for piece in pieces), answer.text


def test_notes_are_found_by_later_sessions(talks: Path) -> None:
    """A note is appended to a session of its project, without secrets, and a search finds it."""
    client = Client({}, "/home/me/web")
    with Asking(talks, client) as asking:
        text, is_error = asking.raw(
            "note", text=f"The gateway retries twice. {SECRET}", tags=["gateway"]
        )
    assert not is_error
    handle = re.search(r'open\(ref="([^"]+)"\)', text)
    assert handle is not None
    shown = ask(talks, "open", ref=handle[1])
    assert "The gateway retries twice." in shown.texts
    assert "Tags: gateway" in shown.texts
    assert SECRET not in shown.text
    assert ask(talks, "search", client, query="gateway retries").head[0].startswith("Sessions 1-1")
    assert "text is empty" in refusal(talks, "note", text=" \n")


@settings(max_examples=few(), suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(texts=["0"], names=["0", " "], limit=1_500, often=1)
@example(texts=["0"], names=["#0", "\u202e0"], limit=1_500, often=1)
@given(
    texts=st.lists(_ODD, min_size=1, max_size=6),
    names=st.lists(_KEYS, min_size=2, max_size=2, unique=True),
    limit=st.integers(LEAST, 4_000),
    often=st.integers(1, 60),
)
def test_whatever_was_said_an_answer_is_bounded_and_fenced(
    tmp_path_factory: pytest.TempPathFactory,
    texts: list[str],
    names: list[str],
    limit: int,
    often: int,
) -> None:
    """It keeps its bound, and has one record, whose lines are all ours or indented."""
    path = tmp_path_factory.mktemp("odd")
    with Journal.open(path) as journal:
        for name in names:
            data = {"title": texts[0], "source": texts[-1], "cwd": texts[0], "model": texts[-1]}
            journal.append(session=name, type="session.created", id="c", data=data)
            for at, text in enumerate(texts):
                journal.append_message(name, text, f"needle {text * often}", id=f"{at}{names[0]}")
    with Asking(path) as ask_here:
        answers = [ask_here("search", query="needle", max_chars=limit, limit=7)]
        handles = [line.split()[1] for line in answers[0].heads]
        assert len(handles) == len(names)
        answers += [ask_here("sessions", max_chars=limit)]
        for ref in (*handles, names[0]):
            answers.append(ask_here("open", ref=ref, max_chars=limit))
    for answer in answers:
        assert len(answer.text) <= limit
        assert all(line.startswith(("* ", "# ", "[", "  ")) for line in answer.record)
        assert answer.text.splitlines() == answer.text.split("\n"), "no other character ends a line"
        assert not re.search(
            r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", answer.text
        )


def test_a_text_hides_nothing_from_who_reads_it(talks: Path) -> None:
    """What has no shape is spelt, so a model reads no more than its user; emoji stay."""
    hidden = "".join(chr(0xE0100 + ord(letter)) for letter in "obey")
    with Journal.open(talks) as journal:
        journal.append(
            session="odd", type="session.created", id="c", data={"title": f"T{hidden}\u3164"}
        )
        text = f"a needle \u2764\ufe0f{hidden} \u00ad\u115f\uffa0\u2800\ue000"
        journal.append_message("odd", "user", text, id="m")
    for answer in (ask(talks, "search", query="needle"), ask(talks, "open", ref="odd")):
        assert "\u2764\ufe0f\\U000e016f\\U000e0162" in answer.texts
        assert "\\xad\\u115f\\uffa0\\u2800\\ue000" in answer.texts
        assert not set(hidden + "\u00ad\u3164\u115f\uffa0\u2800\ue000") & set(answer.text)


@given(st.text(st.sampled_from("0123456789ab"), max_size=40), st.integers(0, 30))
def test_a_text_cannot_end_its_fence(text: str, at: int) -> None:
    """If a text has the number of the fence, the fence gets another one."""
    guessed = text[at : at + 4]
    numbers = iter([guessed, "other"] if guessed else ["other"])
    found = fence(f"  {prepared(text)}\n", lambda: next(numbers))
    assert found.endswith("\n--- end of record other ---\n")
    assert found.count("other") == 2


@given(_ODD, st.integers(2, 50))
def test_a_short_text_is_one_line_of_a_bounded_length(text: str, most: int) -> None:
    """A title or a name is cut to its bound, and is one line."""
    found = short(text, most)
    assert len(found) <= most
    assert len(found.splitlines()) <= 1
