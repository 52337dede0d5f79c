"""The viewer in a real browser: nothing hostile runs, and every feature is used once."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
from selenium.common.exceptions import JavascriptException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from journal import Journal
from projector.projection import Projection
from projector.web import urls
from tests.projector.web.browser import complaints, open_page, press, requests, texts, wait
from tests.projector.web.hostile import HTML, write
from tests.projector.web.served import served
from tools.screenshots.browser import set_size

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver import Chrome

    from tests.projector.web.served import Served

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

_SESSIONS = ("texts", "calls", "roles", "models", "thoughts", "parts")
_MANY = 300


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A viewer of the corpus."""
    path = tmp_path_factory.mktemp("hostile") / "journal"
    write(path)
    with served(path) as found:
        yield found


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal with a long session, one with calls, and a short one."""
    path = tmp_path_factory.mktemp("journal") / "journal"
    with Journal.open(path) as journal:
        for number in range(_MANY):
            role = "user" if number % 10 == 0 else "assistant"
            journal.append_message("long", role, f"message number {number}", id=f"n{number}")
        call = {
            "id": "c1",
            "function": {
                "name": "Edit",
                "arguments": json.dumps(
                    {"file_path": "src/a.py", "old_string": "a\nb", "new_string": "a\nc\nd"}
                ),
            },
        }
        journal.append_message("calls", "user", "please change a.py", id="u1")
        journal.append_message("calls", "assistant", "I do", id="a1", tool_calls=[call])
        failed = {"exit_code": 1}
        journal.append_message(
            "calls", "tool", "no such file", id="r1", tool_call_id="c1", extra=failed
        )
        journal.append_message("short", "user", "what is a zebra?", id="z1", source="cli")
    return path


@pytest.fixture(scope="module")
def viewer(path: Path) -> Iterator[Served]:
    """A viewer of that journal."""
    with served(path) as found:
        yield found


def _assert_harmless(driver: Chrome, viewer: Served, address: str) -> None:
    driver.get("about:blank")  # the page of another test may still ask for its server
    requests(driver), complaints(driver)
    open_page(driver, viewer, address)
    # what is folded is opened, what reacts to the pointer or to the focus is touched
    # and a frame is drawn, so that what that loads is asked for
    driver.execute_async_script(
        "document.querySelectorAll('details').forEach((one) => { one.open = true; });"
        "document.querySelectorAll('main *').forEach((one) => {"
        " for (const name of ['mouseover', 'focus', 'toggle', 'error', 'load'])"
        " one.dispatchEvent(new Event(name)); });"
        "const done = arguments[0];"
        "requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 10)));"
    )
    assert driver.execute_script("return window.pwned") is None
    assert driver.title.endswith("Agent Journal")
    own = f"http://{viewer.host}/"
    asked = requests(driver)
    assert asked
    assert [url for url in asked if not url.startswith((own, "data:image/"))] == []
    # a refusal by the policy would mean that only the policy kept something from happening
    refused = [text for text in complaints(driver) if "Content Security Policy" in text]
    assert refused == []


@pytest.mark.parametrize("session", _SESSIONS)
def test_nothing_of_a_message_runs_or_loads(driver: Chrome, hostile: Served, session: str) -> None:
    """No script runs, and the browser requests nothing but this server's own files."""
    for place in (1, 61, 121, 181, 241):
        _assert_harmless(driver, hostile, urls.session(session, **{"from": place}))


def test_nothing_of_a_title_or_a_query_runs_or_loads(driver: Chrome, hostile: Served) -> None:
    """On the lists, the dashboard, the search and the pages of errors."""
    for address in (
        urls.page(urls.SESSIONS, all=1),
        urls.page(urls.SESSIONS, sort="tree"),
        urls.page(urls.DASHBOARD, days="all"),
        urls.page(urls.SEARCH, q="pwned"),
        urls.page(urls.SEARCH, q="evil", group="none"),
        *(urls.page(urls.SEARCH, q=text, source=text) for text in HTML[:12]),
        *(urls.session(text) for text in HTML[12:16]),
        *(
            urls.page(urls.MESSAGE, session="texts", id=f"t{number}")
            for number in range(0, 240, 24)
        ),
    ):
        _assert_harmless(driver, hostile, address)


def test_the_policy_would_stop_what_gets_through(driver: Chrome, viewer: Served) -> None:
    """An image of another host is not asked for, and texts are made into no script and no HTML."""
    open_page(driver, viewer, urls.SESSIONS)
    complaints(driver)
    image = "const one = document.createElement('img'); one.src = 'http://evil.example/x.png';"
    driver.execute_script(f"{image} document.body.append(one);")
    time.sleep(0.1)
    assert [text for text in complaints(driver) if "Content Security Policy" in text] != []
    for change in (
        "document.body.setAttribute('onclick', 'window.pwned=1')",
        "document.body.innerHTML = '<p>x</p>'",
        "trustedTypes.createPolicy('other', {})",
    ):
        with pytest.raises(JavascriptException, match=r"Trusted|Content Security Policy"):
            driver.execute_script(change)


def test_keys_choose_open_and_go_on(driver: Chrome, viewer: Served) -> None:
    """The keys j and k choose a session, Enter opens it, ] opens the next, / goes to the search."""
    open_page(driver, viewer, urls.SESSIONS)
    titles = texts(driver, "#rows .title a:first-child")
    assert len(titles) == 3
    body = driver.find_element(By.TAG_NAME, "body")
    body.send_keys("j")
    assert len(driver.find_elements(By.CSS_SELECTOR, "tr.chosen")) == 1
    press(driver, "j", "k")
    assert titles[0] in driver.find_element(By.CSS_SELECTOR, "tr.chosen").text
    press(driver, Keys.ENTER)
    wait(driver, lambda found: "/session?" in found.current_url)
    first = driver.current_url
    driver.find_element(By.TAG_NAME, "body").send_keys("]")
    wait(driver, lambda found: found.current_url != first)
    driver.find_element(By.TAG_NAME, "body").send_keys("[")
    wait(driver, lambda found: found.current_url == first)
    driver.find_element(By.TAG_NAME, "body").send_keys("/")
    assert driver.switch_to.active_element.get_attribute("name") == "q"
    press(driver, "zebra", Keys.ENTER)
    wait(driver, lambda found: "/search?q=zebra" in found.current_url)
    assert texts(driver, ".hits mark") == ["zebra"]


def test_help_and_palette(driver: Chrome, viewer: Served) -> None:
    """? lists the keys; Ctrl+K finds a message and goes to it."""
    open_page(driver, viewer, urls.SESSIONS)
    driver.find_element(By.TAG_NAME, "body").send_keys("?")
    assert driver.find_element(By.ID, "help").is_displayed()
    press(driver, Keys.ESCAPE)
    driver.find_element(By.TAG_NAME, "body").send_keys(Keys.CONTROL, "k")
    assert driver.find_element(By.ID, "palette").is_displayed()
    press(driver, "zebra")
    wait(driver, lambda found: any("zebra" in text for text in texts(found, "#palette li")[1:]))
    press(driver, Keys.ARROW_DOWN, Keys.ENTER)
    wait(driver, lambda found: "id=short" in found.current_url)


def test_a_call_is_a_line_that_opens(driver: Chrome, viewer: Served) -> None:
    """The line says what changed and how it ended; below are the diff and the result."""
    open_page(driver, viewer, urls.session("calls"))
    line = driver.find_element(By.CSS_SELECTOR, ".call > summary")
    assert line.text.split() == ["Edit", "src/a.py", "+2", "-1", "exit", "1"]
    line.click()
    assert [text.strip() for text in texts(driver, ".diff pre span")] == ["a", "-b", "+c", "+d"]
    assert "no such file" in driver.find_element(By.CSS_SELECTOR, ".call .inside").text
    driver.find_element(By.CSS_SELECTOR, "[data-fold]").click()
    driver.find_element(By.CSS_SELECTOR, "[data-fold]").click()
    assert not driver.find_element(By.CSS_SELECTOR, ".call .inside").is_displayed()


def test_a_long_session_goes_on_in_both_directions(driver: Chrome, viewer: Served) -> None:
    """Pages are added at the ends, messages far away are removed, and all can be read."""
    open_page(driver, viewer, urls.session("long", at="n150"))
    target = driver.find_element(By.CSS_SELECTOR, "[data-target]")
    assert "message number 150" in target.text
    for _ in range(12):
        driver.execute_script("window.scrollTo(0, document.body.scrollHeight)")
        time.sleep(0.15)
    assert "message number 299" in texts(driver, ".entry")[-1]
    for _ in range(25):
        driver.execute_script("window.scrollTo(0, 0)")
        time.sleep(0.15)
        shown = texts(driver, ".entry .body")
        if shown[0] == "message number 0":
            break
    numbers = [int(text.rsplit(" ", 1)[1]) for text in shown]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert numbers[0] == 0
    assert len(numbers) <= 300


def test_prompts_and_answers_alone(driver: Chrome, viewer: Served) -> None:
    """The focused mode has each prompt and the last thing that was answered to it."""
    open_page(driver, viewer, urls.session("long"))
    driver.find_element(By.LINK_TEXT, "Prompts and answers").click()
    numbers = [int(text.rsplit(" ", 1)[1]) for text in texts(driver, ".entry .body")]
    assert numbers[:4] == [0, 9, 10, 19]
    assert len(texts(driver, ".outline li")) == _MANY // 10


def test_facets_and_dates_filter(driver: Chrome, viewer: Served) -> None:
    """A click on a facet narrows the search; the filter can be removed."""
    open_page(driver, viewer, urls.page(urls.SEARCH, q="message", group="none"))
    driver.find_element(By.CSS_SELECTOR, ".facet a[title=user]").click()
    wait(driver, lambda found: "role=user" in found.current_url)
    assert set(texts(driver, ".hits .facts span:first-child")) == {"user"}
    driver.find_element(By.CSS_SELECTOR, ".chip").click()
    wait(driver, lambda found: "role=" not in found.current_url)


def test_what_is_appended_appears(driver: Chrome, viewer: Served, path: Path) -> None:
    """An open page shows a new message by itself; without "follow latest" below a line."""
    open_page(driver, viewer, urls.session("short"))
    _append(path, "b1", "a striped horse")
    wait(driver, lambda found: "a striped horse" in texts(found, ".entry")[-1])
    driver.find_element(By.ID, "follow").click()
    _append(path, "b2", "it lives in Africa")
    wait(driver, lambda found: "it lives in Africa" in texts(found, ".entry")[-1])
    assert texts(driver, ".unread") == ["new"]
    assert driver.find_element(By.ID, "live").text == "1 new"
    assert driver.title.startswith("(1) ")


def _append(path: Path, id: str, text: str) -> None:
    with Journal.open(path) as journal, Projection.open(path) as projection:
        position = journal.append_message("short", "assistant", text, id=id)
        projection.wait_for(position)


@pytest.mark.parametrize(
    "address",
    [
        urls.SESSIONS,
        urls.page(urls.SESSIONS, sort="tree"),
        urls.page(urls.SEARCH, q="message"),
        urls.DASHBOARD,
        urls.session("calls"),
    ],
)
def test_every_page_fits_a_narrow_screen(driver: Chrome, viewer: Served, address: str) -> None:
    """At 360 pixels nothing is wider than the screen."""
    set_size(driver, 360, 740)
    try:
        open_page(driver, viewer, address)
        width = driver.execute_script("return document.documentElement.scrollWidth")
        assert width <= 360
        # the tab that is shown is not scrolled away
        tabs = "return [...document.querySelectorAll('.tabs [aria-current]')]"
        ends = driver.execute_script(f"{tabs}.map((one) => one.getBoundingClientRect().right)")
        assert all(0 < end <= 360 for end in ends)
    finally:
        set_size(driver)
