"""Hostile messages, on every page that shows them, as the HTML is sent."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from projector.web import urls
from tests.projector.web.hostile import (
    CODE,
    EVIL,
    HIDDEN,
    HTML,
    LINK,
    RASTER,
    UNSAFE,
    URL,
    corpus,
    texts,
    write,
)
from tests.projector.web.served import served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.projector.web.served import Served

_SESSIONS = ("texts", "calls", "roles", "models", "thoughts", "parts")
_ELEMENTS = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "link",
        "script",
        "body",
        "a",
        "header",
        "svg",
        "path",
        "span",
    ),
    *(
        "nav",
        "form",
        "input",
        "kbd",
        "main",
        "div",
        "p",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "label",
    ),
    *("select", "option", "button", "table", "thead", "tbody", "tr", "th", "td", "time", "dialog"),
    *(
        "dl",
        "dt",
        "dd",
        "ul",
        "ol",
        "li",
        "section",
        "article",
        "aside",
        "details",
        "summary",
        "pre",
    ),
    *(
        "code",
        "em",
        "strong",
        "s",
        "del",
        "blockquote",
        "hr",
        "br",
        "img",
        "mark",
        "b",
        "g",
        "rect",
    ),
}
_HEAD = {"meta": 3, "link": 3, "script": 1, "title": 1, "html": 1, "body": 1}
"""How often an element is on a page: a message adds none."""


class Checker(HTMLParser):
    """Collects what a page must not have."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong: list[str] = []
        self.counts: dict[str, int] = {}
        self.open: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Check an element and its attributes."""
        if tag != "title" or "svg" not in self.open:  # a chart has titles, too
            self.counts[tag] = self.counts.get(tag, 0) + 1
        if tag == "svg":
            self.open.add(tag)
        if tag not in _ELEMENTS:
            self.wrong.append(f"element {tag}")
        given = dict(attrs)
        if len(given) != len(attrs):
            self.wrong.append(f"an attribute twice: {attrs}")
        for name, value in attrs:
            if name.startswith("on") or name in {"style", "srcdoc", "srcset", "formaction", "ping"}:
                self.wrong.append(f"attribute {name} of {tag}")
            if name in {"href", "src", "action"} and not _is_allowed(tag, name, value or ""):
                self.wrong.append(f"{tag} {name}={value!r:.80}")
        leaves = tag == "a" and LINK.match(given.get("href") or "")
        if leaves and given.get("rel") != "noopener noreferrer":
            self.wrong.append(f"a link without rel: {given}")

    def handle_endtag(self, tag: str) -> None:
        """Note the end of a chart."""
        self.open.discard(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Check an element that ends at once."""
        self.handle_starttag(tag, attrs)

    def handle_comment(self, data: str) -> None:
        """No page has comments."""
        self.wrong.append(f"comment {data!r:.60}")


def _is_allowed(tag: str, name: str, value: str) -> bool:
    own = value.startswith("/") and not value.startswith(("//", "/\\"))
    if name == "src":
        return (
            value == "/assets/page.js" if tag == "script" else RASTER.fullmatch(value) is not None
        )
    return own or (tag == "a" and (value.startswith("#m") or LINK.match(value) is not None))


def check(text: str) -> None:
    """Fail if a page has an element, an attribute or a character that it must not have."""
    checker = Checker()
    checker.feed(text)
    checker.close()
    assert checker.wrong == []
    assert {name: checker.counts.get(name, 0) for name in _HEAD} == _HEAD
    assert HIDDEN.findall(text.replace("\n", "")) == []


@pytest.fixture(scope="module")
def viewer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A viewer of a journal with the corpus."""
    path: Path = tmp_path_factory.mktemp("hostile") / "journal"
    write(path)
    with served(path) as found:
        yield found


def test_the_corpus_is_large() -> None:
    """It has at least 150 different texts, and more messages."""
    assert len(set(texts())) >= 150
    assert len(corpus()) >= len(texts()) + 150


@pytest.mark.parametrize("session", _SESSIONS)
def test_no_page_of_a_session_has_what_a_message_asks_for(viewer: Served, session: str) -> None:
    """All pages of a session, all messages and prompts and answers alone."""
    address, found = urls.session(session), list[str]()
    while address:
        answer = viewer.get(address)
        assert answer.status == 200
        check(answer.text)
        part = json.loads(viewer.get(address, "Accept: application/json").body)
        found += [message["id"] for message in part["messages"]]
        address = part["after"]
    check(viewer.get(urls.session(session, focus=1)).text)
    assert len(found) == sum(message.session == session for message in corpus())


def test_no_list_has_what_a_title_asks_for(viewer: Served) -> None:
    """The sessions in each order, the dashboard, and a search: titles, models, sources, folders."""
    for sort in ("last", "messages", "tokens", "cost", "tree"):
        check(viewer.get(urls.page(urls.SESSIONS, sort=sort, all=1)).text)
    for days in ("30", "all"):
        while (answer := viewer.get(urls.page(urls.DASHBOARD, days=days))).status == 503:
            assert "being counted" in answer.text
        check(answer.text)
    for query in ("pwned", "x", "evil"):
        for group in ("session", "none"):
            check(viewer.get(urls.page(urls.SEARCH, q=query, group=group)).text)


@pytest.mark.parametrize("text", [*HTML, *UNSAFE])
def test_what_is_asked_for_is_shown_as_text(viewer: Served, text: str) -> None:
    """A payload as a query, a filter, an id and an order: each answer is a page without it."""
    for address in (
        urls.page(urls.SEARCH, q=text),
        urls.page(urls.SEARCH, q=text, mode="literal", source=text, session=text),
        urls.page(urls.SESSIONS, source=text, project=text, model=text, tool=text, file=text),
        urls.page(urls.SESSIONS, sort=text),
        urls.session(text),
        urls.page(urls.MESSAGE, session=text, id=text),
        urls.page("/nowhere", x=text),
    ):
        answer = viewer.get(address.partition("#")[0])
        assert answer.status in {200, 400, 404}
        check(answer.text)


def test_sessions_with_hostile_ids_open(viewer: Served) -> None:
    """Each link of the list leads to the session, whatever its id is."""
    text = viewer.get(urls.page(urls.SESSIONS, all=1, sort="messages")).text
    links = re.findall(r'href="(/session\?[^"]+)"', text)
    assert len(links) >= 50
    for link in links:
        answer = viewer.get(link.replace("&amp;", "&").partition("#")[0])
        assert answer.status == 200
        check(answer.text)


def test_links_of_other_schemes_are_no_links(viewer: Served) -> None:
    """The addresses that stay are those of http, https and mailto."""
    pages = [
        viewer.get(urls.session("texts", **{"from": place})).text for place in (1, 61, 121, 181)
    ]
    found = {link for text in pages for link in re.findall(r'href="((?!/|#)[^"]*)"', text)}
    assert f"{URL}.png" in found
    assert f"mailto:a@{EVIL}?body=%3Cscript%3E{CODE}%3C/script%3E" in found
    assert [link for link in found if not LINK.match(link)] == []


def test_json_is_no_page(viewer: Served) -> None:
    """JSON has its own type, and no character in it hides or reorders text."""
    for address in ("/session.json?id=texts", "/sessions.json?all=1", "/search.json?q=pwned"):
        answer = viewer.get(address)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert HIDDEN.findall(answer.text.rstrip("\n")) == []
        assert answer.text.isprintable() or "\n" not in answer.text.rstrip("\n")


def test_the_check_can_fail() -> None:
    """It finds elements, attributes, addresses, comments and characters."""
    for wrong in (
        "<script>1</script>",
        "<img src=/assets/x>",
        "<a href=javascript:1>x</a>",
        "<a href=//evil/>x</a>",
        "<a href=http://x>x</a>",
        "<p onclick=1>",
        "<p style=x>",
        "<iframe>",
        "<!-- x -->",
    ):
        checker = Checker()
        checker.feed(wrong)
        assert checker.wrong != [] or checker.counts.get("script") == 1, wrong
    assert HIDDEN.findall("a\u202eb") == ["\u202e"]
