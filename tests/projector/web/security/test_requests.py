"""What stands before the pages, asked by raw sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from journal import Journal
from projector.web.security.headers import POLICY
from projector.web.security.hosts import host_names
from projector.web.security.token import COOKIE, new_token
from projector.web.static_files import static_files
from tests.projector.web.served import served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.projector.web.served import Served

TOKEN = "a-token-of-the-test"  # noqa: S105 - of this test alone
PATHS = (
    "/",
    "/sessions",
    "/sessions.json",
    "/assets/base.css",
    "/nowhere",
    "/..%2f..%2fetc/passwd",
)
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
    "content-security-policy": POLICY,
}


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal with one message."""
    path = tmp_path_factory.mktemp("web") / "journal"
    with Journal.open(path) as journal:
        journal.append_message("s1", "user", "the retry budget is three attempts", id="m1")
    return path


@pytest.fixture(scope="module")
def viewer(journal: Path) -> Iterator[Served]:
    """A viewer on loopback, which needs no token."""
    with served(journal) as found:
        yield found


@pytest.fixture(scope="module")
def closed(journal: Path) -> Iterator[Served]:
    """A viewer that needs a token."""
    with served(journal, TOKEN) as found:
        yield found


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.0.0.1:{port}.evil.example",
        "127.0.0.1.evil.example:{port}",
        "user@127.0.0.1:{port}",
        "127.0.0.1:{port}, evil.example",
        "127.0.0.1:0{port}",
        "127.1:{port}",
        "0.0.0.0:{port}",
        "",
    ],
)
def test_another_name_is_refused_on_every_path(viewer: Served, path: str, host: str) -> None:
    """A `Host` that is not exactly this server gets 421: pages, files, unknown paths, all alike."""
    assert viewer.get(path, host=host.format(port=viewer.port)).status == 421


def test_two_names_and_no_name_are_refused(viewer: Served) -> None:
    """Two headers `Host`, and none, are no name, though the parser refuses them before any page."""
    assert viewer.get("/sessions", "Host: evil.example").status == 421
    assert viewer.raw(b"GET /sessions HTTP/1.0\r\n\r\n").status == 421
    answer = viewer.raw(b"GET /sessions HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert answer.status == 421
    assert {name: answer.headers.get(name) for name in _HEADERS} == _HEADERS


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"no request\r\n\r\n",
        b"GET /sessions HTTP/1.1\r\nHost: {host}\r\nA B: c\r\n\r\n",
        b"GET /sessions HTTP/1.1\r\nHost: {host}\r\nContent-Length: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
    ],
)
def test_what_is_no_http_gets_the_headers_too(viewer: Served, request_bytes: bytes) -> None:
    """The parser's own answer: 400 with all of the headers, and the connection ends."""
    answer = viewer.raw(request_bytes.replace(b"{host}", viewer.host.encode()))
    assert answer.status == 400
    assert {name: answer.headers.get(name) for name in _HEADERS} == _HEADERS
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["connection"] == "close"


def test_a_name_in_the_target_does_not_count(viewer: Served) -> None:
    """With an absolute target, the header is compared, and the target is no page."""
    host = f"Host: {viewer.host}"
    for target in ("http://evil.example/sessions", "//evil.example/sessions"):
        request = f"GET {target} HTTP/1.1\r\n{host}\r\nConnection: close\r\n\r\n"
        assert viewer.raw(request.encode()).status == 404


def test_the_names_of_loopback_are_answered(viewer: Served) -> None:
    """127.0.0.1, localhost in any case, and ::1, each with the port."""
    for name in ("127.0.0.1", "localhost", "LOCALHOST", "[::1]"):
        assert viewer.get("/sessions", host=f"{name}:{viewer.port}").status == 200


def test_the_default_port_may_be_left_out() -> None:
    """A browser leaves port 80 out of the header, and no other one."""
    assert host_names(["Box", "::1"], 80) == {"box:80", "box", "[::1]:80", "[::1]"}
    assert host_names(["box"], 8080) == {"box:8080"}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PURGE", "get"]
)
def test_only_reading_is_answered(viewer: Served, path: str, method: str) -> None:
    """Anything but GET and HEAD gets 405, and the answer names these."""
    answer = viewer.get(path, "Content-Length: 0", method=method)
    assert answer.status == 405
    assert answer.headers["allow"] == "GET, HEAD"


def test_the_name_is_checked_before_the_method(viewer: Served) -> None:
    """A refusal says nothing to another name."""
    assert viewer.get("/sessions", method="POST", host="evil.example").status == 421


def test_head_has_the_headers_and_no_body(viewer: Served) -> None:
    """HEAD is answered as GET without the body."""
    answer = viewer.get("/sessions", method="HEAD")
    assert answer.status == 200
    assert int(answer.headers["content-length"]) > 500
    assert answer.body == b""


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_has_the_headers(viewer: Served, closed: Served, path: str) -> None:
    """Pages, JSON, files, redirects and refusals."""
    answers = [
        viewer.get(path),
        viewer.get(path, method="POST"),
        viewer.get(path, host="evil.example"),
        closed.get(path),
        closed.get(f"{path}?token={TOKEN}"),
    ]
    for answer in answers:
        assert {name: answer.headers.get(name) for name in _HEADERS} == _HEADERS
        assert answer.headers["cache-control"] in {"no-store", "no-cache"}
        assert "server" not in answer.headers or answer.headers["server"] == "uvicorn"


def test_the_policy_allows_no_inline_code() -> None:
    """Nothing but this server's own files, and images in the page."""
    assert "default-src 'none'" in POLICY
    for word in ("unsafe-inline", "unsafe-eval", "http:", "https:", "*", "blob:"):
        assert word not in POLICY
    assert POLICY.count("data:") == 1


@pytest.mark.parametrize(
    "headers",
    [
        ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: script"],
        ["Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"],
        ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"],
        ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: object"],
        ["Sec-Fetch-Site: cross-site"],
    ],
)
def test_pages_of_other_origins_load_nothing(viewer: Served, headers: list[str]) -> None:
    """Scripts, fetches, frames: 403, also from another port of the same name."""
    assert viewer.get("/sessions", *headers).status == 403


def test_links_from_elsewhere_and_own_pages_are_answered(viewer: Served) -> None:
    """A person may follow a link to a page; its own pages load what they like."""
    link = ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"]
    assert viewer.get("/sessions", *link).status == 200
    own = ["Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"]
    assert viewer.get("/sessions", *own).status == 200


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "headers",
    [
        [],
        [f"Cookie: {COOKIE}={TOKEN}"],
        [f"Cookie: {COOKIE}="],
        ["Authorization: Bearer wrong"],
        [f"Authorization: Basic {TOKEN}"],
        [f"Authorization: Bearer {TOKEN[:-1]}"],
        [f"Authorization: Bearer {TOKEN}", f"Authorization: Bearer {TOKEN}"],
        ["Authorization: Bearer \xe9"],
        ["Cookie: \xe9=\xe9"],
    ],
)
def test_a_request_without_the_token_is_refused(
    closed: Served, path: str, headers: list[str]
) -> None:
    """None, a wrong one, a part of it, the token as a cookie: 401 on every path, files too."""
    assert closed.get(path, *headers).status == 401


@pytest.mark.parametrize(
    "query",
    ["token=wrong", "token=", f"token={TOKEN}&token={TOKEN}", f"Token={TOKEN}", "token=%ff"],
)
def test_a_wrong_token_in_the_address_is_refused(closed: Served, query: str) -> None:
    """Also twice the right one, and an empty one."""
    assert closed.get(f"/sessions?{query}").status == 401


def test_the_token_leaves_the_address_at_once(closed: Served) -> None:
    """The first request is answered by a redirect to the same page, and by a cookie."""
    answer = closed.get(f"/sessions?source=a%26b&token={TOKEN}&sort=last")
    assert answer.status == 303
    assert answer.headers["location"] == "/sessions?source=a%26b&sort=last"
    cookie = answer.headers["set-cookie"]
    assert TOKEN not in cookie
    name, *attributes = cookie.split("; ")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(attributes)
    assert closed.get("/sessions", f"Cookie: other=1; {name}; x=2").status == 200
    assert closed.get("/sessions", f"Cookie: {COOKIE}=of-another-port; {name}").status == 200
    assert closed.get("/sessions", f"Authorization: Bearer {TOKEN}").status == 200


def test_the_redirect_stays_on_this_server(closed: Served) -> None:
    """A path that begins with two slashes would be the name of another server."""
    for path in ("//evil.example/", "/%2Fevil.example/", "/%5Cevil.example", "/%0d%0aSet-Cookie:x"):
        answer = closed.get(f"{path}?token={TOKEN}")
        assert answer.status == 303
        location = answer.headers["location"]
        assert location.startswith("/")
        assert not location.startswith(("//", "/\\"))
        assert answer.headers["set-cookie"].startswith(COOKIE)


def test_tokens_are_long_and_differ() -> None:
    """256 random bits, other ones each time."""
    assert len(new_token()) >= 43
    assert new_token() != new_token()


def test_a_file_that_the_browser_has_is_not_sent_again(viewer: Served) -> None:
    """It is asked for by its tag; a path is no name of a file."""
    answer = viewer.get("/assets/base.css")
    assert answer.headers["content-type"].startswith("text/css")
    assert answer.body == static_files()["base.css"].content
    again = viewer.get("/assets/base.css", f"If-None-Match: {answer.headers['etag']}")
    assert (again.status, again.body) == (304, b"")
    for name in ("..%2fapp.py", "../app.py", "%2e%2e/app.py", "base.css/", "", "base.css%00"):
        assert viewer.get(f"/assets/{name}").status == 404
