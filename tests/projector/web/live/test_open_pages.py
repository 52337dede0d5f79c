"""What an open page shows of what happens meanwhile, in a real browser."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from journal import Journal
from projector.forgetting.forget import forget
from projector.forgetting.selection import Selection
from projector.projection import Projection
from projector.store.session_store import SessionStore
from projector.web import urls
from projector.web.live import stream
from projector.web.live.hub import Hub
from tests.projector.web.browser import (
    click,
    complaints,
    open_page,
    press,
    texts,
    wait,
    wait_for_address,
)
from tests.projector.web.served import served

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver import Chrome

    from projector.web.reading import Readings
    from tests.projector.web.served import Served

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

_LISTED = 460
"""Sessions of the list, which has 50 on a page."""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal with many short sessions, and longer ones whose prompts are their tens."""
    path = tmp_path_factory.mktemp("live") / "journal"
    with Journal.open(path, fsync="never") as journal:
        for number in range(_LISTED):
            journal.append_message(f"listed-{number:03}", "user", "hello", id="m1")
        for session, count in (("middle", 130), ("open", 130), ("long", 420)):
            for number in range(count):
                role = "assistant" if number % 10 else "user"
                journal.append_message(session, role, f"{session} {number}", id=f"n{number}")
    return path


@pytest.fixture(scope="module")
def viewer(path: Path) -> Iterator[Served]:
    """A viewer of it."""
    with served(path) as found:
        yield found


def _append(path: Path, session: str, id: str, role: str, text: str) -> None:
    with Journal.open(path) as journal, Projection.open(path) as projection:
        projection.wait_for(journal.append_message(session, role, text, id=id))


def _append_all(path: Path, session: str, messages: list[dict[str, Any]]) -> None:
    """Append messages, each with its id, in one piece, and apply them."""
    events = [
        {"session": session, "id": one["id"], "type": "message.appended"}
        | {"data": {name: value for name, value in one.items() if name != "id"}}
        for one in messages
    ]
    with Journal.open(path) as journal, Projection.open(path) as projection:
        projection.wait_for(journal.append_many(events)[-1])


def _change(path: Path, session: str, first: int) -> None:
    """Revise a message, remove the next one, and forget the third: each is applied."""
    with SessionStore.open(path) as store:
        store.revise_message(session, f"n{first}", content="it was put in another way")
        store.remove_messages(session, [f"n{first + 1}"])
        store.messages(session)
    forget(path, Selection(messages=((session, f"n{first + 2}"),)))
    with Projection.open(path) as projection:
        projection.read(lambda _: None)


@pytest.mark.parametrize(
    ("session", "state", "first"), [("middle", {"at": "n70"}, 61), ("open", {"end": 1}, 101)]
)
def test_what_is_changed_or_forgotten_goes_from_an_open_page(
    driver: Chrome,
    viewer: Served,
    path: Path,
    session: str,
    state: dict[str, str | int],
    first: int,
) -> None:
    """Also in the middle and where nothing is appended; what is read stays where it is."""
    last = f"{session} {first + 2}"
    open_page(driver, viewer, urls.page(urls.SESSION, id=session, **state))
    wait(driver, lambda found: last in " ".join(texts(found, ".entry")))
    driver.execute_script("window.kept = true")
    read = driver.find_element(By.ID, urls.anchor(session, f"n{first + 14}"))
    driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", read)
    time.sleep(0.3)  # pages that are added above do not move it
    _change(path, session, first)
    wait(driver, lambda found: last not in " ".join(texts(found, ".entry")))
    shown = " ".join(texts(driver, ".entry"))
    assert "it was put in another way" in shown
    assert f"{session} {first}" not in shown
    assert f"{session} {first + 1}" not in shown
    assert f"{session} {first - 1}" in shown
    assert f"{session} {first + 3}" in shown
    top = driver.find_element(By.ID, urls.anchor(session, f"n{first + 14}")).rect["y"]
    here = driver.execute_script("return window.scrollY")
    assert 0 < top - here < 900
    assert driver.execute_script("return window.kept")  # it was not loaded again


def test_the_end_is_there_again_after_one_has_read_further_up(
    driver: Chrome, viewer: Served, path: Path
) -> None:
    """The end is taken out on the way up; no message is missing or doubled on the way down.

    What comes meanwhile does not stand behind an older message.
    """
    shown = "return [...document.querySelectorAll('.entry')].map((entry) => entry.dataset.id)"
    open_page(driver, viewer, urls.page(urls.SESSION, id="long", end=1))
    wait(driver, lambda found: found.execute_script("return window.scrollY") > 0)

    def scroll(by: int, last: str) -> list[str]:
        end = time.monotonic() + 30
        while last not in (found := driver.execute_script(shown)):
            assert time.monotonic() < end, found
            driver.execute_script(f"window.scrollBy(0, {by})")
            time.sleep(0.03)
        return list(found)

    assert "n419" not in scroll(-900, "n0")
    _append(path, "long", "n420", "user", "it came while one was reading")
    time.sleep(0.5)  # the page has heard of it
    assert "n420" not in driver.execute_script(shown)
    found = scroll(900, "n420")
    assert found == [f"n{number}" for number in range(int(found[0][1:]), 421)]
    assert len(found) < 400


def test_many_messages_at_once_are_all_added(driver: Chrome, viewer: Served, path: Path) -> None:
    """More than an answer has, also on a page that was opened at its beginning."""
    _append(path, "burst", "m0", "user", "begin")
    open_page(driver, viewer, urls.session("burst"))
    assert driver.find_element(By.ID, "follow").is_displayed()
    _append_all(
        path,
        "burst",
        [{"id": f"m{number}", "role": "user", "content": "next"} for number in range(1, 151)],
    )
    wait(driver, lambda found: len(found.find_elements(By.CSS_SELECTOR, ".entry")) == 151)
    ids = [one.get_attribute("data-id") for one in driver.find_elements(By.CSS_SELECTOR, ".entry")]
    assert ids == [f"m{number}" for number in range(151)]


def test_results_that_come_later_stand_below_their_calls(
    driver: Chrome, viewer: Served, path: Path
) -> None:
    """Each call is a message, and all are there before the first result; no heading is repeated."""
    _append(path, "calls", "m0", "user", "look at three files")
    open_page(driver, viewer, urls.session("calls"))
    for number in range(3):
        call = {"name": "Read", "arguments": {"path": f"{number}.py"}}
        message = {"id": f"a{number}", "role": "assistant", "content": "", "model": "m-1"}
        calls = [{"id": f"c{number}", "type": "function", "function": call}]
        _append_all(path, "calls", [message | {"tool_calls": calls}])
        wait(driver, lambda found: len(texts(found, "details.call")) == number + 1)  # noqa: B023
    for number in range(3):
        result = {"id": f"r{number}", "role": "tool", "content": f"text {number}"}
        _append_all(path, "calls", [result | {"tool_call_id": f"c{number}"}])
    wait(driver, lambda found: "…" not in texts(found, ".took"))
    assert texts(driver, "details.call .line") == [f"{number}.py" for number in range(3)]
    assert len(driver.find_elements(By.CSS_SELECTOR, ".entry")) == 4
    assert texts(driver, ".entry .who") == ["user", "assistant"]


def test_a_session_that_is_forgotten_is_not_shown_any_more(
    driver: Chrome, viewer: Served, path: Path
) -> None:
    """The page says that there is none."""
    _append(path, "doomed", "m1", "user", "what must not stay")
    open_page(driver, viewer, urls.session("doomed"))
    assert "must not stay" in driver.find_element(By.TAG_NAME, "main").text
    time.sleep(0.2)  # the stream is open
    forget(path, Selection(sessions=("doomed",)))
    with Projection.open(path) as projection:
        projection.read(lambda _: None)
    wait(driver, lambda found: "Not found" in found.find_element(By.TAG_NAME, "main").text)
    assert "must not stay" not in driver.find_element(By.TAG_NAME, "body").text
    complaints(driver)  # the answer 404 is one


def test_a_session_that_is_forgotten_before_the_stream_is_open_goes(
    driver: Chrome, viewer: Served, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stream is refused: the page asks whether what it shows is still there."""
    _append(path, "soon-doomed", "m1", "user", "what must not stay")
    real = stream._state

    def late(readings: Readings, name: str | None) -> stream.State:
        forget(path, Selection(sessions=("soon-doomed",)))
        with Projection.open(path) as projection:
            projection.read(lambda _: None)
        return real(readings, name)

    monkeypatch.setattr(stream, "_state", late)
    open_page(driver, viewer, urls.session("soon-doomed"))
    wait(driver, lambda found: "Not found" in found.find_element(By.TAG_NAME, "main").text)
    assert "must not stay" not in driver.find_element(By.TAG_NAME, "body").text
    complaints(driver)  # the answers 404 are some


def test_the_outline_marks_the_prompt_that_is_read(
    driver: Chrome, viewer: Served, path: Path
) -> None:
    """After a link to a message, while scrolling, and after prompts were appended."""

    def current(found: Chrome) -> list[str]:
        return texts(found, ".outline .current")

    open_page(driver, viewer, urls.session("middle", at="n38"))
    wait(driver, lambda found: current(found) == ["middle 30"])
    target = driver.find_element(By.ID, urls.anchor("middle", "n52"))
    driver.execute_script("arguments[0].scrollIntoView()", target)
    wait(driver, lambda found: current(found) == ["middle 50"])
    open_page(driver, viewer, urls.page(urls.SESSION, id="middle", end=1))
    _append(path, "middle", "p1", "user", "one more question")
    _append(path, "middle", "p2", "assistant", "one more answer\n\n" + "and more\n\n" * 30)
    wait(driver, lambda found: current(found) == ["one more question"])


def test_a_new_session_is_on_the_open_list_at_once(
    driver: Chrome, viewer: Served, path: Path
) -> None:
    """The first change is not waited for; a list that has grown says that there is more."""
    open_page(driver, viewer, urls.SESSIONS)
    _append(path, "brand-new", "m1", "user", "the newest of all")
    began = time.monotonic()
    wait(driver, lambda found: "the newest" in texts(found, "#rows tr:first-child")[0])
    # the aim is 300 ms; a machine that does other things gets more
    assert time.monotonic() - began < 1.5
    driver.execute_script("window.scrollTo(0, document.body.scrollHeight)")
    wait(driver, lambda found: len(found.find_elements(By.CSS_SELECTOR, "#rows tr")) > 50)
    assert not driver.find_element(By.ID, "changed").is_displayed()
    _append(path, "newer-still", "m1", "user", "it is newer still")
    wait(driver, lambda found: not found.find_element(By.ID, "changed").get_attribute("hidden"))
    driver.execute_script("document.querySelector('#changed a').click()")
    wait(driver, lambda found: "newer still" in texts(found, "#rows tr:first-child")[0])


@pytest.mark.parametrize(
    ("address", "shown"),
    [(urls.page(urls.SESSION, id="between", end=1), ".entry"), (urls.SESSIONS, "#rows tr")],
)
def test_what_comes_before_the_stream_is_open_is_shown(
    driver: Chrome,
    viewer: Served,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    address: str,
    shown: str,
) -> None:
    """It is appended after the page was made, and nothing follows it."""
    session = "between" if shown == ".entry" else "between-lists"
    _append(path, "between", f"m-{session}", "user", "the first")
    real, came = stream._state, list[str]()

    def late(readings: Readings, name: str | None) -> stream.State:
        if not came:
            came.append(session)
            _append(path, session, "m2", "user", "it came between")
        return real(readings, name)

    monkeypatch.setattr(stream, "_state", late)
    open_page(driver, viewer, address)
    wait(driver, lambda found: "it came between" in " ".join(texts(found, shown)))


def test_what_comes_before_a_stream_waits_for_changes_is_shown(
    driver: Chrome, viewer: Served, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stream has looked at the session, and does not listen yet; nothing follows."""
    _append(path, "unheard", "m1", "user", "the first")
    real, came = Hub.next_change, list[str]()

    def late(hub: Hub) -> asyncio.Event:
        if not came:
            came.append("m2")
            _append(path, "unheard", "m2", "user", "it came unheard")
            time.sleep(0.3)  # who listened would have heard of it
        return real(hub)

    monkeypatch.setattr(Hub, "next_change", late)
    open_page(driver, viewer, urls.session("unheard"))
    wait(driver, lambda found: "it came unheard" in " ".join(texts(found, ".entry")))


def test_a_long_list_keeps_a_bounded_number_of_rows(driver: Chrome, viewer: Served) -> None:
    """All are seen once on the way down, and again on the way up, and nothing jumps."""
    open_page(driver, viewer, urls.SESSIONS)
    rows = (
        "return [...document.querySelectorAll('#rows .title a:first-child')].map((one) => one.href)"
    )
    seen: dict[str, None] = {}
    for _ in range(60):
        found = driver.execute_script(rows)
        seen |= dict.fromkeys(found)
        assert len(found) <= 350
        driver.execute_script("window.scrollBy(0, 700)")
        time.sleep(0.03)
        if len(seen) >= _LISTED:
            break
    assert len(seen) >= _LISTED
    wait(driver, lambda found: len(found.find_elements(By.CSS_SELECTOR, "#rows .gap")) == 1)
    height = driver.execute_script("return document.documentElement.scrollHeight")
    first = next(iter(seen))
    back: set[str] = set()
    for _ in range(60):
        driver.execute_script("window.scrollBy(0, -700)")
        time.sleep(0.05)
        back |= set(driver.execute_script(rows))
        assert len(driver.execute_script(rows)) <= 350
        if driver.execute_script("return window.scrollY") == 0 and first in back:
            break
    assert back == set(seen)
    wait(driver, lambda found: len(found.find_elements(By.CSS_SELECTOR, "#rows .gap")) == 1)
    # a jump into the middle of what is taken out: what is seen there is put back, and no more
    driver.execute_script("window.scrollTo(0, document.body.scrollHeight * 0.7)")
    inside = (
        "return [...document.querySelectorAll('#rows [data-item]')]"
        ".some((one) => one.getBoundingClientRect().top > 0"
        " && one.getBoundingClientRect().bottom < window.innerHeight)"
    )
    wait(driver, lambda found: found.execute_script(inside))
    gaps = "return [...document.querySelectorAll('#rows .gap')].map((row) => row.offsetHeight > 0)"
    wait(driver, lambda found: found.execute_script(gaps) in ([True], [True, True]))
    assert abs(driver.execute_script("return document.documentElement.scrollHeight") - height) < 40


def test_the_search_follows_what_is_typed(driver: Chrome, viewer: Served) -> None:
    """Results and address change without a page load; back leads to where one came from."""
    open_page(driver, viewer, urls.SESSIONS)
    open_page(driver, viewer, urls.page(urls.SEARCH, q="hello", group="none"))
    driver.execute_script("window.kept = true")
    click(driver, ".ask input[name=q]")
    press(driver, Keys.CONTROL + "a", "middle 44")
    wait_for_address(driver, "q=middle+44")
    wait(driver, lambda found: {"middle", "44"} <= set(texts(found, ".hits mark")))
    assert "group=none" in driver.current_url
    assert driver.title.startswith("middle 44 ")
    assert driver.execute_script("return window.kept")
    assert driver.switch_to.active_element.get_attribute("name") == "q"
    press(driver, Keys.CONTROL + "a", "🎉 hello")
    wait(driver, lambda found: "🎉 is not searched for" in " ".join(texts(found, ".note")))
    press(driver, Keys.CONTROL + "a", Keys.BACKSPACE)
    wait(driver, lambda found: "Type what you look for" in " ".join(texts(found, ".help")))
    driver.back()
    wait(driver, lambda found: found.current_url.endswith(urls.SESSIONS))


def test_an_open_page_says_what_has_stopped(
    driver: Chrome, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The projector: which events are missing. The server: since when, and that it tries again."""
    monkeypatch.setattr(stream, "QUIET", 0.3)
    with ExitStack() as stack:
        viewer = stack.enter_context(served(path))
        open_page(driver, viewer, urls.SESSIONS)
        time.sleep(0.5)
        assert not driver.find_element(By.ID, "behind").is_displayed()
        with Journal.open(path) as journal:
            journal.append_message("late", "user", "nobody applies this", id="m1")
        wait(driver, lambda found: found.find_element(By.ID, "behind").is_displayed())
        assert "1 event" in driver.find_element(By.ID, "behind").text
        with Projection.open(path) as projection:
            projection.read(lambda _: None)
        wait(driver, lambda found: not found.find_element(By.ID, "behind").is_displayed())
        stack.close()
        wait(driver, lambda found: found.find_element(By.ID, "lost").is_displayed())
        text = driver.find_element(By.ID, "lost").text
        assert text.startswith("connection lost, trying again. This page is of ")
        complaints(driver)
