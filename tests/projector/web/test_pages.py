"""Pages and their JSON, as they are answered."""

from __future__ import annotations

import json
import re
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from journal import Journal
from projector.projection import Projection
from projector.web import urls
from projector.web.formats import sentence, unmarked
from projector.web.live.sse import encode
from tests.projector.web.served import served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.projector.web.served import Served

_DOCS = Path(__file__).parents[3] / "docs" / "http.md"
_BEGIN = 1_700_000_000_000_000


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal with 60 sessions, one of them long, with usage, and a child."""
    path = tmp_path_factory.mktemp("pages") / "journal"
    with Journal.open(path) as journal:
        for number in range(60):
            name = f"s{number:02}"
            data = {"title": f"Title {number}", "source": "cli" if number % 2 else "codex"}
            journal.append(session=name, type="session.created", data=data)
            journal.append_message(name, "user", "zebra", id="m1", timestamp=_BEGIN + number)
        usage = {"input_tokens": 1_000, "output_tokens": 50, "estimated_cost": 0.25}
        journal.append(session="s07", type="usage.added", data=usage)
        child = {"parent": "s07", "relation": "subagent"}
        journal.append(session="child", type="session.created", data=child)
        journal.append_message("child", "user", "go", id="m1")
        for number in range(130):
            journal.append_message("long", "assistant", f"text {number}", id=f"n{number:03}")
        journal.append_message("long", "assistant", "x" * 30_000, id="large")
    return path


@pytest.fixture(scope="module")
def viewer(path: Path) -> Iterator[Served]:
    """A viewer of it."""
    with served(path) as found:
        yield found


def _json(viewer: Served, address: str) -> Any:  # noqa: ANN401 - JSON
    answer = viewer.get(address)
    assert answer.status == 200, answer.text
    return json.loads(answer.body)


def _as_json(address: str) -> str:
    """Return the address of the JSON beside a page."""
    return address.partition("#")[0].replace("?", ".json?", 1)


def _dashboard(viewer: Served) -> Any:  # noqa: ANN401 - JSON
    while (answer := viewer.get("/dashboard.json?days=all")).status == 503:
        assert "counted" in answer.text
    return json.loads(answer.body)


@pytest.mark.parametrize("sort", ["last", "messages", "tokens", "cost", "tree"])
def test_the_pages_of_the_list_have_each_session_once(viewer: Served, sort: str) -> None:
    """Along the addresses of the next page, in every order."""
    address, names = f"/sessions?all=1&sort={sort}", []
    while address:
        found = _json(viewer, _as_json(address))
        names += [row["session"] for row in found["sessions"]]
        address = found["next"]
    assert len(names) == len(set(names)) == 62


def test_a_row_knows_usage_and_children(viewer: Served) -> None:
    """Tokens, the cost in micro-dollars, and how many sessions are below."""
    found = _json(viewer, "/sessions.json?sort=cost")["sessions"][0]
    values = {name: found[name] for name in ("session", "tokens", "cost", "children", "state")}
    assert values == {
        "session": "s07",
        "tokens": 1_050,
        "cost": 250_000,
        "children": 1,
        "state": "idle",
    }
    assert len(_json(viewer, "/sessions.json?source=cli")["sessions"]) == 30
    text = viewer.get("/sessions?sort=cost").text
    assert "$0.25" in text
    assert "1 below" in text


def test_a_session_by_pages(viewer: Served) -> None:
    """Forwards and backwards, at a message, at the end; a long text has a link to the rest."""
    ids, address = [], "/session?id=long"
    while address:
        found = _json(viewer, _as_json(address))
        ids += [message["id"] for message in found["messages"]]
        address = found["after"]
    assert ids == [*(f"n{number:03}" for number in range(130)), "large"]
    at = _json(viewer, "/session.json?id=long&at=n070")
    assert at["messages"][8]["id"] == "n070"
    assert at["place"] == 63
    end = _json(viewer, "/session.json?id=long&end=1")
    assert (end["after"], len(end["messages"])) == (None, 60)
    assert _json(viewer, "/session.json?id=long&from=9999") == end
    before = _json(viewer, _as_json(end["before"]))
    assert before["messages"][-1]["id"] == f"n{70:03}"
    text = viewer.get("/session?id=long&end=1").text
    assert "10,000 more characters" in text
    assert "x" * 25_000 not in text
    whole = viewer.get("/message?session=long&id=large").text
    assert "x" * 30_000 in whole


def test_the_tail_begins_at_a_message(viewer: Served) -> None:
    """As JSON the messages, as HTML a part of a page."""
    found = _json(viewer, "/session/tail.json?id=long&from=n128")
    assert [message["id"] for message in found["messages"]] == ["n128", "n129", "large"]
    part = viewer.get("/session/tail?id=long&from=n128").text
    assert part.count("<article") == 3
    assert "<html" not in part


def test_a_search_counts_what_it_found(viewer: Served) -> None:
    """By session with facets; a query that cannot be searched for is an answer that says why."""
    found = _json(viewer, "/search.json?q=zebra")
    assert (found["total"], found["sessions"], len(found["hits"])) == (60, 60, 20)
    sources = {value["name"]: value["messages"] for value in found["facets"]["source"]}
    assert sources == {"cli": 30, "codex": 30}
    assert found["hits"][0]["snippet"] == "**zebra**"
    assert found["hits"][0]["name"].startswith("Title ")
    assert _json(viewer, _as_json(found["next"]))["hits"] != []
    nothing = _json(viewer, "/search.json?q=zebra+unicorn")
    assert (nothing["total"], nothing["missing"]) == (0, ["unicorn"])
    assert len(nothing["near"]) == 20
    assert "only" in _json(viewer, "/search.json?q=NOT+zebra")["error"]


def test_a_search_whose_time_is_over_does_not_say_that_nothing_is_there(
    viewer: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not read may match."""
    monkeypatch.setattr("projector.search.find.SECONDS", -1.0)
    address = "/search?q=%22%3D%3E%22"
    assert _json(viewer, address.replace("?", ".json?"))["cut"] is not None
    page = viewer.get(address).text
    assert "The time was over after the texts of" in page
    assert "No message has all" not in page


def test_the_dashboard_sums(viewer: Served) -> None:
    """Usage of all times, messages, and the state of the journal."""
    found = _dashboard(viewer)
    assert found["total"]["input_tokens"] == 1_000
    assert found["total"]["cost"] == 250_000
    assert found["messages"] == 192
    assert sum(map(sum, found["hours"].values())) == 192
    assert found["status"]["messages"] == 192
    assert found["most_expensive"] == [{"session": "s07", "messages": 1, "cost": 250_000}]


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/session.json", 400),
        ("/session.json?id=nothing", 404),
        ("/session.json?id=long&at=nothing", 404),
        ("/session.json?id=long&from=x", 400),
        ("/sessions.json?sort=x", 400),
        ("/sessions.json?since=x", 400),
        (f"/sessions.json?since={2**63}", 400),
        (f"/search.json?q=x&until={2**63}", 400),
        ("/sessions.json?sort=cost&offset=99999999999999999999", 400),
        (f"/search.json?q={'x' * 5_000}", 400),
        ("/message.json?session=long&id=x", 404),
        ("/message.json?session=long", 400),
        ("/nothing.json", 404),
        ("/session/nothing", 404),
    ],
)
def test_errors_say_what_is_wrong(viewer: Served, address: str, status: int) -> None:
    """As JSON where JSON was asked for, else as a page."""
    answer = viewer.get(address)
    assert answer.status == status
    if ".json" in address:
        assert json.loads(answer.body)["error"]
    page = viewer.get(address.replace(".json", ""))
    assert page.status == status
    assert "<h1>" in page.text


def test_the_header_accept_asks_for_json(viewer: Served) -> None:
    """A program that takes JSON alone gets it; a browser, which takes anything, gets a page."""
    program = viewer.get("/sessions", "Accept: application/json")
    assert program.headers["content-type"] == "application/json"
    assert program.headers["vary"] == "Accept"
    browser = viewer.get("/sessions", "Accept: text/html,application/json;q=0.9,*/*;q=0.8")
    assert browser.headers["content-type"].startswith("text/html")


def test_the_documents_name_every_key(viewer: Served) -> None:
    """The keys of each answer are those in docs/http.md."""
    rows = re.findall(
        r"^\| `(/[a-z/]+)` \|[^\n]*\| ([^|\n]+) \|$", _DOCS.read_text("utf-8"), re.MULTILINE
    )
    documented = {path: set(re.findall(r"`([a-z_]+)`", keys)) for path, keys in rows}
    examples = {
        urls.SESSIONS: _json(viewer, "/sessions.json"),
        urls.SESSION: _json(viewer, "/session.json?id=long"),
        urls.TAIL: _json(viewer, "/session/tail.json?id=long"),
        urls.SEARCH: _json(viewer, "/search.json?q=zebra"),
        urls.DASHBOARD: _dashboard(viewer),
    }
    for path, answer in examples.items():
        assert set(answer) == documented[path], path
    assert set(documented) == {*examples, urls.MESSAGE}


def test_an_event_comes_at_once_and_after_a_change(viewer: Served, path: Path) -> None:
    """The stream of a session says that it has a message more."""
    request = f"GET /events?session=s01 HTTP/1.1\r\nHost: {viewer.host}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", viewer.port), timeout=20) as connection:
        connection.sendall(request.encode())
        first = _event(connection)
        assert first == {"applied": None, "messages": 1, "last": "m1", "changes": 0}
        thread = threading.Thread(target=_append, args=(path,))
        thread.start()
        assert _event(connection) == {"applied": None, "messages": 2, "last": "m2", "changes": 0}
        thread.join()
    assert viewer.get("/events?session=nothing").status == 404


def _append(path: Path) -> None:
    with Journal.open(path) as journal, Projection.open(path) as projection:
        position = journal.append_message("s01", "assistant", "it is striped", id="m2")
        projection.wait_for(position)


def _event(connection: socket.socket) -> Any:  # noqa: ANN401 - JSON
    data = b""
    while b"\n\n" not in data or b"data: " not in data:
        data += connection.recv(65_536)
    return json.loads(re.findall(rb"data: (.*)\n", data)[-1])


def test_an_event_cannot_end_early() -> None:
    """Each end of a line within the data begins a further line of data; a name has none."""
    assert encode("x", "a\rb\nc\r\nd") == "event: x\ndata: a\ndata: b\ndata: c\ndata: d\n\n"
    with pytest.raises(ValueError, match="one line"):
        encode("x\ndata: evil", "")


def test_a_page_says_what_it_lacks(tmp_path: Path) -> None:
    """Where no projector runs, new events are not applied, and each page says so."""
    path = tmp_path / "journal"
    with Journal.open(path) as journal:
        journal.append_message("s1", "user", "hello", id="m1")
        with served(path) as viewer:
            journal.append_message("s1", "user", "hello again", id="m2")
            found = _json(viewer, "/session.json?id=s1")
            assert len(found["messages"]) == 1
            assert found["behind"]["events"] == 1
            assert "projector run" in viewer.get("/sessions").text


def test_prompts_in_a_list_have_no_marks_of_markdown() -> None:
    """Bold text and code are read without their marks; other stars and ticks stay."""
    assert unmarked("Find `a.py` and **fix it**, 2 ** 3") == "Find a.py and fix it, 2 ** 3"
    assert unmarked("a ** b ** c * d ` e") == "a ** b ** c * d ` e"


def test_an_error_is_a_sentence() -> None:
    """With a capital and a full stop, whatever it began and ended with."""
    assert sentence("no such session") == "No such session."
    assert sentence("What is it?") == "What is it?"
