"""Sessions as one HTML file: what it has, and what it cannot do."""

from __future__ import annotations

import re
import socket
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from selenium.webdriver.common.by import By

from journal import Journal
from projector import Projection, QueryError, export_sessions
from projector.views.messages import MessageState, MessageView
from projector.web import needed
from projector.web.render import portions as portion
from projector.web.render.portions import portions
from tests.projector.web.axe import faults, program
from tests.projector.web.browser import complaints, requests
from tests.projector.web.hostile import HIDDEN, LINK, RASTER, corpus, write
from tools.screenshots.browser import set_scheme, set_size

if TYPE_CHECKING:
    from pathlib import Path

    from selenium.webdriver import Chrome

    from tools.screenshots.browser import Scheme

_HEAD = {"html": 1, "head": 1, "meta": 5, "title": 1, "style": 1, "body": 1, "main": 1, "input": 1}
"""How often an element is in a document: a message adds none."""
_ELEMENTS = {
    *(*_HEAD, "a", "aside", "article", "blockquote", "br", "code", "dd", "del", "details", "div"),
    *("dl", "dt", "em", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "img"),
    *("label", "li", "ol", "p", "pre", "s", "section", "span", "strong", "summary", "table"),
    *("tbody", "td", "th", "thead", "time", "tr", "ul"),
}
_ATTRIBUTES = {
    *("class", "content", "charset", "data-id", "data-item", "data-prompt", "datetime", "href"),
    *("http-equiv", "id", "lang", "name", "alt", "loading", "open", "rel", "src", "start"),
    *("tabindex", "title", "type", "aria-label"),
}


class Checker(HTMLParser):
    """Collects what a document has, and what it must not have."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong: list[str] = []
        self.counts: dict[str, int] = {}
        self.ids: list[str] = []
        self.places: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Check an element and its attributes."""
        self.counts[tag] = self.counts.get(tag, 0) + 1
        given = {name: value or "" for name, value in attrs}
        if tag not in _ELEMENTS or given.keys() - _ATTRIBUTES or len(given) != len(attrs):
            self.wrong.append(f"{tag} {attrs!r:.80}")
        self.ids += [given["id"]] if "id" in given else []
        href, src = given.get("href"), given.get("src")
        if href is not None and href.startswith("#"):
            self.places.append(href[1:])
        elif href is not None and (
            tag != "a" or not LINK.match(href) or given.get("rel") != "noopener noreferrer"
        ):
            self.wrong.append(f"{tag} href={href!r:.80}")
        if src is not None and not RASTER.fullmatch(src):
            self.wrong.append(f"{tag} src={src!r:.80}")

    def handle_comment(self, data: str) -> None:
        """There are no comments."""
        self.wrong.append(f"comment {data!r:.60}")


def checked(text: str) -> Checker:
    """Return what a document has; fail if it has what it must not have."""
    found = Checker()
    found.feed(text)
    found.close()
    assert found.wrong == []
    assert {name: found.counts.get(name, 0) for name in _HEAD} == _HEAD
    assert len(set(found.ids)) == len(found.ids)
    assert set(found.places) <= set(found.ids)
    assert HIDDEN.findall(text.replace("\n", "")) == []
    return found


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A document with all sessions of the corpus."""
    path: Path = tmp_path_factory.mktemp("hostile") / "journal"
    write(path)
    with Projection.open(path) as projection:
        names = [view.session for view in projection.sessions(limit=1_000)]
    with export_sessions(path, names, "html", redact=False) as export:
        return "".join(export.pieces)


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    """A journal with a session that has a call, its result, usage, and a fork of it."""
    path = tmp_path / "journal"
    call = {"id": "c1", "function": {"name": "Bash", "arguments": '{"command": "ls"}'}}
    with Journal.open(path) as journal:
        journal.append(session="s1", type="session.created", data={"title": "A <b>title</b>"})
        journal.append_message("s1", "user", "first\n\n" + "x" * 30_000, id="m1")
        journal.append_message("s1", "assistant", "I do", id="m2", tool_calls=[call])
        journal.append_message("s1", "tool", "y" * 30_000, id="m3", tool_call_id="c1")
        journal.append_message("s1", "user", "thanks", id="m4")
        used = {"input_tokens": 1_200, "output_tokens": 40, "actual_cost": 0.0123, "call": "m2"}
        journal.append(session="s1", type="usage.added", data=used)
    return path


def html(path: Path, **options: Any) -> str:  # noqa: ANN401 - arguments of `export_sessions`
    """Return the document of the session s1."""
    with export_sessions(path, ["s1"], "html", **options) as export:
        return "".join(export.pieces)


def test_nothing_of_the_corpus_is_more_than_text(hostile: str) -> None:
    """Elements, attributes and addresses are those of the templates; each message is there."""
    found = checked(hostile)
    assert found.counts["h1"] >= len({message.session for message in corpus()})
    # a result is in the entry of its call
    assert found.counts["article"] == sum(message.role != "tool" for message in corpus())


def test_the_check_can_fail() -> None:
    """It finds elements, attributes, addresses and comments."""
    for wrong in (
        "<script>1</script>",
        "<a href=/x>x</a>",
        "<img src=http://x>",
        "<a href=http://x>x</a>",
        "<p style=x>",
        "<link rel=icon href=data:,>",
        "<!-- x -->",
    ):
        with pytest.raises(AssertionError):
            checked(wrong)
        checker = Checker()
        checker.feed(wrong)
        assert checker.wrong != [], wrong


def test_the_policy_allows_the_style_and_nothing_else(talk: Path) -> None:
    """Its hash is that of the text between the tags."""
    text = html(talk)
    style = text.partition("<style>")[2].partition("</style>")[0]
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policy = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    assert policy == [
        (
            f"default-src &#39;none&#39;; style-src &#39;sha256-{digest}&#39;; img-src data:;"
            " base-uri &#39;none&#39;; form-action &#39;none&#39;"
        )
    ]


def test_a_document_has_all_of_a_session(talk: Path) -> None:
    """Long texts are whole; a call has its result, its step its tokens and its cost."""
    text = html(talk)
    assert "x" * 30_000 in text
    assert "y" * 30_000 in text
    assert "A &lt;b&gt;title&lt;/b&gt;" in text
    assert "more characters" not in text
    assert text.count("<article") == 3
    assert "1,200 → 40" in text
    assert "$0.012" in text
    assert [text.count(f">{line}</a>") for line in ("first", "thanks")] == [1, 1]
    assert text.endswith("</html>\n")


def test_the_levels_of_detail(talk: Path) -> None:
    """The document says what it leaves out."""
    assert "left out" in html(talk, detail="normal")
    prompts = html(talk, detail="prompts")
    assert "Prompts and final answers alone." in prompts
    assert "y" * 100 not in prompts
    assert "Secrets are replaced by marks." in prompts
    assert "Secrets are not replaced." in html(talk, redact=False)


def test_the_extra_is_named_where_it_is_missing(
    talk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is written."""
    monkeypatch.setattr(needed, "find_spec", lambda name: None if name == "nh3" else name)
    wanted = r"the format html needs nh3: pip install 'agent-journal\[web\]'"
    with pytest.raises(QueryError, match=wanted):
        html(talk)


def _view(id: str, role: str, **fields: Any) -> MessageView:  # noqa: ANN401 - any fields
    return MessageView("s", id, role, "x", 0, None, fields, False, None, MessageState.IN_TRANSCRIPT)  # noqa: FBT003


def test_a_portion_ends_where_no_call_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or where it is too long."""
    monkeypatch.setattr(portion, "_LEAST", 1)
    monkeypatch.setattr(portion, "_MOST", 3)
    call = {"id": "c1", "function": {"name": "Bash"}}

    def ids(*views: MessageView) -> list[str]:
        return ["".join(view.id for view in found) for found in portions(views)]

    asks = _view("a", "assistant", tool_calls=[call])
    answers = _view("r", "tool", tool_call_id="c1")
    assert ids(_view("u", "user"), asks, answers, _view("v", "user")) == ["u", "ar", "v"]
    assert ids(asks, _view("b", "user"), answers) == ["abr"]
    assert ids(asks, *(_view(str(n), "user") for n in range(3))) == ["a01", "2"]
    monkeypatch.setattr(portion, "_SIZE", 1)
    assert ids(asks, answers) == ["a", "r"]


def _load(driver: Chrome, folder: Path, text: str) -> str:
    """Load a document from a file, and return its address."""
    file = folder / "document.html"
    file.write_text(text, "utf-8")
    requests(driver), complaints(driver)
    driver.get(file.as_uri())
    return file.as_uri()


@pytest.mark.slow
@pytest.mark.xdist_group("browser")
def test_nothing_of_the_corpus_runs_or_loads(driver: Chrome, hostile: str, tmp_path: Path) -> None:
    """By the events of the browser: it asks for the file alone, and refuses nothing."""
    file = _load(driver, tmp_path, hostile)
    driver.execute_script(
        "document.querySelectorAll('details').forEach((one) => { one.open = true; });"
        "document.querySelectorAll('main *').forEach((one) => {"
        " for (const name of ['mouseover', 'focus', 'toggle', 'error', 'load'])"
        " one.dispatchEvent(new Event(name)); });"
    )
    assert driver.execute_script("return window.pwned") is None
    asked = [url for url in requests(driver) if not url.startswith("data:image/")]
    assert asked == [file]
    assert [text for text in complaints(driver) if "Content Security Policy" in text] == []


@pytest.mark.slow
@pytest.mark.xdist_group("browser")
def test_the_policy_stops_what_gets_through(driver: Chrome, talk: Path, tmp_path: Path) -> None:
    """A script, an image of another place and a style that are no part of the templates."""
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.settimeout(0)
        image = f"<img src=http://127.0.0.1:{elsewhere.getsockname()[1]}/x onerror=window.pwned=1>"
        more = f"<script>window.pwned=1</script>{image}<style>main{{display:none}}</style></body>"
        _load(driver, tmp_path, html(talk).replace("</body>", more))
        assert driver.execute_script("return window.pwned") is None
        assert driver.find_element(By.TAG_NAME, "main").is_displayed()
        assert sum("Content Security Policy" in text for text in complaints(driver)) >= 3
        with pytest.raises(BlockingIOError):
            elsewhere.accept()


@pytest.mark.slow
@pytest.mark.xdist_group("browser")
def test_all_is_unfolded_without_a_script(driver: Chrome, talk: Path, tmp_path: Path) -> None:
    """A box at the top shows what is folded."""
    _load(driver, tmp_path, html(talk))
    visible = "return document.querySelector('details.call pre').checkVisibility()"
    assert driver.execute_script(visible) is False
    driver.find_element(By.ID, "unfold").click()
    assert driver.execute_script(visible) is True


@pytest.mark.slow
@pytest.mark.xdist_group("browser")
def test_axe_finds_no_fault(driver: Chrome, talk: Path, tmp_path: Path) -> None:
    """In a document of two sessions, with all that is folded opened, in each look."""
    axe = program()
    with Journal.open(talk) as journal:
        for number, role in enumerate(("user", "assistant", "user")):
            journal.append_message("s2", role, "hello", id=f"m{number}")
    with export_sessions(talk, ["s1", "s2"], "html") as export:
        text = "".join(export.pieces)
    wrong = []
    looks: tuple[tuple[Scheme, int], ...] = (("light", 1280), ("dark", 1280), ("light", 360))
    for scheme, width in looks:
        set_scheme(driver, scheme)
        set_size(driver, width)
        _load(driver, tmp_path, text)
        driver.execute_script(
            "for (const one of document.querySelectorAll('details')) one.open = true;"
        )
        driver.execute_script(axe)
        wrong += faults(driver)
        if driver.execute_script("return document.documentElement.scrollWidth") > width:
            wrong.append({"wider": width})
    set_scheme(driver, "light")
    set_size(driver)
    assert wrong == []
