"""Sessions as files to keep, as the viewer answers with them."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from selenium.webdriver.common.by import By
from starlette.requests import ClientDisconnect

from journal import Journal
from journal.fs.key_file import own_key
from projector import NotFound, Projection, ProjectionError, export_sessions
from projector.web import urls
from projector.web.export.download import MOST, Downloads
from projector.web.sending.slots import Sent
from tests.projector.web.browser import open_page, wait
from tests.projector.web.hostile import HTML, UNSAFE
from tests.projector.web.served import served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver import Chrome
    from starlette.responses import Response

    from projector.export.conversation import Detail
    from tests.projector.web.served import Answer, Served

_SECRET = "ghp_" + "a1B2c3D4e5F6g7H8i9J0" + "k1L2m3N4o5P6q7R8"
_TYPES = {
    "md": ("text/markdown; charset=utf-8", "a-b.md"),
    "html": ("text/html; charset=utf-8", "a-b.html"),
    "json": ("application/json", "a-b.json"),
    "jsonl": ("application/x-ndjson", "a-b.jsonl"),
    "atif": ("application/json", "a-b.atif.json"),
    "otlp": ("application/x-ndjson", "a-b.otlp.jsonl"),
}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal with a session whose id is no name of a file, and which has a secret."""
    path = tmp_path_factory.mktemp("download") / "journal"
    with Journal.open(path) as journal:
        journal.append_message("a/b", "user", "what is it?", id="m1")
        journal.append_message("a/b", "assistant", f"token={_SECRET}", id="m2")
        journal.append_message("a/b", "assistant", "x" * 200_000, id="m3")
        for number, text in enumerate((*HTML, *UNSAFE[4:7])):
            name = f"{number} {''.join(filter(str.isprintable, text))}"
            journal.append_message(name, "user", "hello", id="m1")
    own_key(path)  # without it, marks would have other digits each time
    return path


@pytest.fixture(scope="module")
def viewer(path: Path) -> Iterator[Served]:
    """A viewer of it."""
    with served(path) as found:
        yield found


def _get(viewer: Served, address: str, method: str = "GET") -> Answer:
    # of HTTP 1.0, so that the body comes as it is
    request = f"{method} {address} HTTP/1.0\r\nHost: {viewer.host}\r\n\r\n"
    return viewer.raw(request.encode())


def _address(**state: str) -> str:
    return urls.page(urls.EXPORT, **state)


def _exported(path: Path, format: str, detail: Detail) -> str:
    with export_sessions(path, ["a/b"], format, detail=detail) as export:
        return "".join(export.pieces)


@pytest.mark.usefixtures("viewer")
def test_the_head_of_a_document_is_sent_before_its_messages_are_read(path: Path) -> None:
    """A long session takes seconds until its first message can be written."""
    sent = Downloads(path).begin({"id": "a/b", "format": "html"}, "GET")
    assert isinstance(sent, Sent)
    head = asyncio.run(_first(sent))
    sent.headers_alone()  # ends it
    assert isinstance(head, bytes)
    assert b"<style>" in head
    assert b"<main>" not in head


async def _first(sent: Sent) -> object:
    async for piece in sent.body_iterator:
        return piece
    return None


@pytest.mark.parametrize("format", _TYPES)
def test_a_file_is_what_the_command_writes(viewer: Served, path: Path, format: str) -> None:
    """In each format, without secrets, and as a file that a browser keeps and does not show."""
    type, name = _TYPES[format]
    answer = _get(viewer, _address(id="a/b", format=format))
    assert answer.status == 200
    assert answer.headers["content-type"] == type
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.text == _exported(path, format, "full")
    assert _SECRET not in answer.text
    assert "x" * 200_000 in answer.text


def test_a_file_has_the_detail_that_is_asked_for(viewer: Served, path: Path) -> None:
    """The links of the page of prompts and answers ask for these alone."""
    answer = _get(viewer, _address(id="a/b", format="md", detail="prompts"))
    assert answer.text == _exported(path, "md", "prompts")
    page = viewer.get(urls.session("a/b")).text
    focused = viewer.get(urls.session("a/b", focus=1)).text
    for format in ("md", "html", "json", "jsonl"):
        link = _address(id="a/b", format=format, detail="{}").replace("&", "&amp;")
        assert f'href="{link}"'.replace("%7B%7D", "full") in page
        assert f'href="{link}"'.replace("%7B%7D", "prompts") in focused


def test_head_has_the_headers_alone(viewer: Served) -> None:
    """The size is not known before the text is made."""
    answer = _get(viewer, _address(id="a/b", format="json"), "HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-disposition"] == 'attachment; filename="a-b.json"'
    assert "content-length" not in answer.headers


def test_no_id_makes_a_name_that_does_something(viewer: Served, path: Path) -> None:
    """Letters, digits, `-` and `_` are in the name, and no other header comes of it."""
    with Projection.open(path) as projection:
        names = [view.session for view in projection.sessions(limit=100)]
    assert len(names) > 50
    for name in names:
        answer = _get(viewer, _address(id=name, format="jsonl"), "HEAD")
        begin, file, end = answer.headers["content-disposition"].split('"')
        assert (begin, end) == ("attachment; filename=", "")
        stem, dot, ending = file.partition(".")
        assert (dot, ending) == (".", "jsonl")
        assert stem.replace("-", "").replace("_", "").isalnum()
        assert stem.isascii()
        assert len(stem) <= 80


@pytest.mark.parametrize(
    ("state", "status", "why"),
    [
        ({}, 400, "lacks <code>id</code>"),
        ({"id": "nothing"}, 404, "No session matches"),
        ({"id": "a/b", "format": "pdf"}, 400, "Format must be one of md, html"),
        ({"id": "a/b", "detail": "some"}, 400, "Detail must be one of full"),
    ],
)
def test_an_error_is_no_file(viewer: Served, state: dict[str, str], status: int, why: str) -> None:
    """It is a page, or JSON where that is asked for."""
    answer = viewer.get(_address(**state))
    assert answer.status == status
    assert "content-disposition" not in answer.headers
    assert why.replace("`", "&#96;") in answer.text or why in answer.text
    asked = viewer.get(_address(**state), "Accept: application/json")
    assert (asked.status, asked.headers["content-type"]) == (status, "application/json")


def test_nothing_is_applied(tmp_path: Path) -> None:
    """The viewer only reads: what is appended while it serves is applied by others."""
    path = tmp_path / "journal"
    with Journal.open(path) as journal:
        journal.append_message("s", "user", "old", id="m1")
        with served(path) as viewer:
            journal.append_message("s", "user", "new", id="m2")
            text = _get(viewer, _address(id="s", format="md")).text
    assert "old" in text
    assert "new" not in text


def test_some_files_are_sent_at_a_time(path: Path, viewer: Served) -> None:
    """A reader that leaves before the end makes room, and so does a session that is not there."""
    downloads = Downloads(path)
    params = {"id": "a/b", "format": "json"}
    answers = [downloads.begin(params, "GET") for _ in range(MOST)]
    with pytest.raises(ProjectionError, match="4 files are being sent"):
        downloads.begin(params, "GET")
    asyncio.run(_leave(answers[0]))
    with pytest.raises(NotFound, match="no session matches"):
        downloads.begin({"id": "nothing"}, "GET")
    downloads.begin(params, "HEAD")
    answers.append(downloads.begin(params, "GET"))
    for answer in answers[1:]:
        asyncio.run(_leave(answer))
    assert viewer.get(urls.session("a/b")).status == 200


async def _leave(answer: Response) -> None:
    """Receive the beginning of an answer, and close the connection."""

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:  # noqa: ANN401 - of ASGI
        if message["type"] == "http.response.body":
            raise OSError

    scope = {"type": "http", "asgi": {"spec_version": "2.4"}, "method": "GET"}
    with pytest.raises(ClientDisconnect):
        await answer(scope, receive, send)


def _exists(file: Path, _driver: Chrome) -> bool:
    return file.exists()


@pytest.mark.slow
@pytest.mark.xdist_group("browser")
def test_the_page_of_a_session_has_links_to_keep_it(
    driver: Chrome, viewer: Served, path: Path, tmp_path: Path
) -> None:
    """They are in a menu that opens without a script; the browser stays on the page."""
    command = {"behavior": "allow", "downloadPath": str(tmp_path)}
    driver.execute_cdp_cmd("Browser.setDownloadBehavior", command)
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        open_page(driver, viewer, urls.session("a/b"))
        for name, file in (("HTML, to read", "a-b.html"), ("JSON lines", "a-b.jsonl")):
            menu = driver.find_element(By.CSS_SELECTOR, ".menu")
            if menu.get_attribute("open") is None:
                menu.find_element(By.TAG_NAME, "summary").click()
            menu.find_element(By.LINK_TEXT, name).click()
            kept = tmp_path / file
            wait(driver, partial(_exists, kept))
        assert "/session?id=a%2Fb" in driver.current_url
    finally:
        driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert (tmp_path / "a-b.jsonl").read_text("utf-8") == _exported(path, "jsonl", "full")
