"""Every feature of the pages is used once, in a real browser, on a journal that is made up."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from journal import Journal
from projector.projection import Projection
from projector.store.session_store import SessionStore
from projector.web import urls
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
from tools.screenshots.made_up import LIVE, MAIN, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver import Chrome

    from tests.projector.web.served import Served

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The journal of the screenshots: an agent is at work in its last session."""
    path = tmp_path_factory.mktemp("features") / "journal"
    write(path, time.time_ns() // 1000)
    return path


@pytest.fixture(scope="module")
def viewer(path: Path) -> Iterator[Served]:
    """A viewer of it."""
    with served(path) as found:
        yield found


def _append(path: Path, session: str, id: str, role: str, text: str) -> None:
    with Journal.open(path) as journal, Projection.open(path) as projection:
        projection.wait_for(journal.append_message(session, role, text, id=id))


def _body(driver: Chrome) -> str:
    return driver.find_element(By.TAG_NAME, "body").text


# the search


@pytest.mark.parametrize("facet", ["Source", "Project", "Model", "Role", "Tool"])
def test_a_facet_filters_by_what_it_counts(driver: Chrome, viewer: Served, facet: str) -> None:
    """Its first value: as many messages are found as it says, and a second click removes it."""
    open_page(driver, viewer, urls.page(urls.SEARCH, q="command", group="none"))
    value = f"//h2[text()='{facet}']/following-sibling::ul/li[1]/a"
    count = driver.find_element(By.XPATH, f"{value}/span[2]").text
    driver.find_element(By.XPATH, value).click()
    wait_for_address(driver, f"{facet.lower()}=")
    assert texts(driver, ".tally")[0].startswith(f"{count} message")
    driver.find_element(By.XPATH, value).click()
    wait(driver, lambda found: f"{facet.lower()}=" not in found.current_url)


def test_a_bar_of_the_histogram_filters_by_its_date(driver: Chrome, viewer: Served) -> None:
    """What is found is of that time; both bounds are in the address and can be removed."""
    open_page(driver, viewer, urls.page(urls.SEARCH, q="please"))
    bars = driver.find_elements(By.CSS_SELECTOR, ".columns a")
    assert len(bars) > 3
    title = bars[2].get_attribute("aria-label") or ""
    since, count = title.split(": ")
    driver.execute_script(
        "arguments[0].dispatchEvent(new MouseEvent('click', {bubbles: true}))", bars[2]
    )
    wait_for_address(driver, f"since={since}")
    assert "until=" in driver.current_url
    assert texts(driver, ".tally")[0].startswith(f"{count} message")
    assert all(text >= since for text in texts(driver, ".hits time"))
    click(driver, ".chip")
    wait(driver, lambda found: "since=" not in found.current_url)


def test_the_query_is_read_in_three_ways_and_sorted_in_three(
    driver: Chrome, viewer: Served
) -> None:
    """The switches keep the query; messages are grouped by session or not."""
    open_page(driver, viewer, urls.page(urls.SEARCH, q="price feed"))
    for name, state in (
        ("Newest", "sort=newest"),
        ("Oldest", "sort=oldest"),
        ("Each message", "group=none"),
        ("Literal", "mode=literal"),
        ("Regex", "mode=regex"),
    ):
        driver.find_element(By.LINK_TEXT, name).click()
        wait_for_address(driver, state)
        assert "q=price+feed" in driver.current_url
        assert texts(driver, ".hits mark") != []
    times = texts(driver, ".hits time")
    assert times == sorted(times)
    assert len(times) > 1


def test_a_search_has_pages_and_says_what_is_near(driver: Chrome, viewer: Served) -> None:
    """Next and previous; a word that no message has is named, and the nearest are shown."""
    open_page(driver, viewer, urls.page(urls.SEARCH, q="please"))
    first = texts(driver, ".hits h2")
    driver.find_element(By.LINK_TEXT, "Next").click()
    wait_for_address(driver, "offset=20")
    driver.find_element(By.LINK_TEXT, "Previous").click()
    wait(driver, lambda found: "offset=" not in found.current_url)
    assert texts(driver, ".hits h2") == first
    click(driver, ".ask input[name=q]")
    press(driver, Keys.CONTROL + "a", "price zyxwv", Keys.ENTER)
    wait_for_address(driver, "zyxwv")
    assert "No message has zyxwv" in _body(driver)
    assert texts(driver, ".hits li") != []


# the sessions


def test_filters_apply_at_once_and_can_be_reset(driver: Chrome, viewer: Served) -> None:
    """A choice of each list and a box; sub-agents are listed only if asked for."""
    open_page(driver, viewer, urls.SESSIONS)
    driver.find_element(By.CSS_SELECTOR, "select[name=source] option[value=codex]").click()
    wait_for_address(driver, "source=codex")
    assert set(texts(driver, "#rows td:nth-child(4)")) == {"codex"}
    driver.find_element(By.CSS_SELECTOR, "input[name=errors]").click()
    wait_for_address(driver, "errors=1")
    driver.find_element(By.LINK_TEXT, "Reset").click()
    wait(driver, lambda found: found.current_url.endswith("/sessions"))
    assert "sub-agent" not in " ".join(texts(driver, "#rows .tag")).replace("sub-agents", "")
    driver.find_element(By.CSS_SELECTOR, "input[name=all]").click()
    wait_for_address(driver, "all=1")
    assert "subagent" in texts(driver, "#rows .tag")


def test_the_list_is_sorted_by_what_is_asked_for(driver: Chrome, viewer: Served) -> None:
    """By messages, tokens and cost, the most first."""
    for name, column in (("Most messages", 6), ("Most tokens", 7), ("Most expensive", 8)):
        open_page(driver, viewer, urls.SESSIONS)
        driver.find_element(By.LINK_TEXT, name).click()
        wait(driver, lambda found: "sort=" in found.current_url and texts(found, "#rows tr"))
        found = [_amount(text) for text in texts(driver, f"#rows td:nth-child({column})")]
        assert found == sorted(found, reverse=True)
        assert found[0] > found[-1]


def _amount(text: str) -> float:
    scale = {"k": 1e3, "M": 1e6}.get(text[-1:], 1)
    return float(text.lstrip("$").rstrip("kM").replace(",", "") or 0) * scale


def test_forks_and_sub_agents_are_below_their_parents(driver: Chrome, viewer: Served) -> None:
    """In the tree they are indented; in the list a link leads to them."""
    open_page(driver, viewer, urls.SESSIONS)
    driver.find_element(By.LINK_TEXT, "Tree").click()
    wait_for_address(driver, "sort=tree")
    below = texts(driver, "#rows .depth-1 .tag")
    assert sorted(below) == ["fork", "subagent"]
    open_page(driver, viewer, urls.SESSIONS)
    driver.find_element(By.LINK_TEXT, "2 below").click()
    wait_for_address(driver, "parent=")
    assert len(texts(driver, "#rows tr")) == 2


def test_the_list_goes_on_without_a_jump(driver: Chrome, viewer: Served) -> None:
    """Further pages are added at the end; what is seen stays where it is, and none is twice."""
    open_page(driver, viewer, urls.SESSIONS)
    first = driver.find_elements(By.CSS_SELECTOR, "#rows tr")
    assert len(first) == 50
    driver.execute_script("window.scrollTo(0, document.body.scrollHeight - 1000)")
    place = "return arguments[0].getBoundingClientRect().top"
    before = driver.execute_script(place, first[40])
    wait(driver, lambda found: len(found.find_elements(By.CSS_SELECTOR, "#rows tr")) >= 100)
    assert driver.execute_script(place, first[40]) == before
    for _ in range(4):
        driver.execute_script("window.scrollTo(0, document.body.scrollHeight)")
        time.sleep(0.1)
    wait(driver, lambda found: not found.find_elements(By.CSS_SELECTOR, "[data-more]"))
    links = [
        link.get_attribute("href")
        for link in driver.find_elements(By.CSS_SELECTOR, "#rows .title a:first-child")
    ]
    assert len(links) == len(set(links)) > 130


def test_the_open_list_shows_what_happens(driver: Chrome, viewer: Served, path: Path) -> None:
    """The state changes from working to waiting when the agent has answered."""
    _append(path, LIVE, "asked", "user", "And sort them by date.")
    open_page(driver, viewer, urls.SESSIONS)
    assert driver.find_elements(By.CSS_SELECTOR, "#rows tr:first-child .state.working")
    _append(path, LIVE, "answered", "assistant", "Done: they have pages now.")
    wait(driver, lambda found: found.find_elements(By.CSS_SELECTOR, "#rows .state.waiting"))
    assert driver.find_elements(By.CSS_SELECTOR, "#rows .state.idle")


# one session


def test_markdown_code_and_thoughts(driver: Chrome, viewer: Served) -> None:
    """A table, bold text, code in colours; a thought is folded, and opens."""
    open_page(driver, viewer, urls.session(MAIN))
    assert "fix it" in texts(driver, ".prose strong")
    assert "connections a minute" in " ".join(texts(driver, ".prose td"))
    assert driver.find_elements(By.CSS_SELECTOR, ".prose pre code span[class^=h-]")
    thought = driver.find_element(By.CSS_SELECTOR, "details.thinking .prose")
    assert not thought.is_displayed()
    click(driver, "details.thinking > summary")
    assert "connection was reset" in thought.text


def test_an_image_is_shown_from_its_data_alone(driver: Chrome, viewer: Served, path: Path) -> None:
    """The browser has drawn it; one that is elsewhere is a link."""
    with Journal.open(path) as journal, Projection.open(path) as projection:
        remote = {"type": "image_url", "image_url": {"url": "https://evil.example/x.png"}}
        journal.append_message("images", "user", "two images", id="m1")
        position = journal.append_message("images", "user", [remote], id="m2")
        projection.wait_for(position)
    open_page(driver, viewer, urls.session(MAIN))
    click(driver, ".outline li:last-child a")
    wide = "return document.querySelector('.body img')?.naturalWidth"
    wait(driver, lambda found: (found.execute_script(wide) or 0) > 100)
    open_page(driver, viewer, urls.session("images"))
    assert driver.find_elements(By.CSS_SELECTOR, "main img") == []
    (link,) = driver.find_elements(By.CSS_SELECTOR, ".body a")
    assert link.get_attribute("rel") == "noopener noreferrer"


def test_find_in_session_and_the_link_to_a_message(driver: Chrome, viewer: Served) -> None:
    """What is found is of this session; the hit leads to the message, which is marked."""
    open_page(driver, viewer, urls.session(MAIN))
    click(driver, ".tools input[name=q]")
    press(driver, "connections", Keys.ENTER)
    wait_for_address(driver, "/search?session=")
    click(driver, ".hits h2 a")
    wait_for_address(driver, "at=")
    target = driver.find_element(By.CSS_SELECTOR, "[data-target]")
    assert "connection" in target.text
    here = "return arguments[0].getBoundingClientRect().top"
    wait(driver, lambda found: 0 <= found.execute_script(here, target) < 900)
    link = target.find_element(By.CSS_SELECTOR, ".when a").get_attribute("href") or ""
    driver.get(link)
    assert driver.find_elements(By.CSS_SELECTOR, "[data-target]")


def test_the_outline_and_keys_lead_to_prompts(driver: Chrome, viewer: Served) -> None:
    """A click on the outline, and the keys J and K."""
    open_page(driver, viewer, urls.session(MAIN))
    assert len(texts(driver, ".outline li")) == 2
    click(driver, ".outline li:last-child a")
    second = driver.find_elements(By.CSS_SELECTOR, "[data-prompt]")[1]
    here = "return arguments[0].getBoundingClientRect().top"
    wait(driver, lambda found: 0 <= found.execute_script(here, second) < 900)
    body = driver.find_element(By.TAG_NAME, "body")
    body.send_keys("K")
    wait(driver, lambda found: "loses about" in texts(found, ".entry.chosen")[0])
    press(driver, "J")
    wait(driver, lambda found: "prices look now" in texts(found, ".entry.chosen")[0])


def test_the_command_that_continues_it_is_copied(driver: Chrome, viewer: Served) -> None:
    """The button says so."""
    open_page(driver, viewer, urls.session(MAIN))
    assert f"claude --resume {MAIN}" in driver.find_element(By.ID, "resume").text
    allowed = {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    driver.execute_cdp_cmd("Browser.grantPermissions", allowed)
    click(driver, "[data-copy]")
    wait(driver, lambda found: texts(found, "[data-copy]") == ["Copied"])


def test_an_open_page_follows_or_keeps_its_place(
    driver: Chrome, viewer: Served, path: Path
) -> None:
    """Who reads further up stays there and sees the count; who is at the end follows."""
    for number in range(40):
        _append(path, "tail", f"t{number}", "assistant", f"line {number}\n\nand more")
    open_page(driver, viewer, urls.page(urls.SESSION, id="tail"))
    assert not driver.find_element(By.ID, "follow").is_selected()
    driver.execute_script("window.scrollTo(0, 200)")
    _append(path, "tail", "u1", "assistant", "the first that is new")
    wait(driver, lambda found: texts(found, "#live") == ["1 new"])
    assert driver.execute_script("return window.scrollY") == 200
    assert texts(driver, ".unread") == ["new"]
    driver.execute_script("window.scrollTo(0, document.body.scrollHeight)")
    wait(driver, lambda found: found.find_element(By.ID, "follow").is_selected())
    end = "return window.innerHeight + window.scrollY >= document.body.scrollHeight - 2"
    wait(driver, lambda found: found.execute_script(end))
    _append(path, "tail", "u2", "assistant", "the second that is new")
    wait(driver, lambda found: "the second" in texts(found, ".entry")[-1])
    wait(driver, lambda found: found.execute_script(end))
    assert texts(driver, ".unread") == []
    assert texts(driver, "#live") == [""]
    driver.execute_script("window.scrollTo(0, 300)")
    wait(driver, lambda found: not found.find_element(By.ID, "follow").is_selected())
    _append(path, "tail", "u3", "assistant", "the third that is new")
    wait(driver, lambda found: texts(found, "#live") == ["1 new"])
    assert driver.execute_script("return window.scrollY") == 300
    driver.execute_script("window.scrollTo(0, document.body.scrollHeight)")
    wait(driver, lambda found: texts(found, "#live") == [""])
    with SessionStore.open(path) as store:
        store.remove_messages("tail", ["u3"])
        store.messages("tail")  # applies it
    wait(driver, lambda found: "the second" in texts(found, ".entry")[-1])
    _append(path, "tail", "u4", "assistant", "the fourth that is new")
    wait(driver, lambda found: "the fourth" in texts(found, ".entry")[-1])


# the dashboard, and the keyboard alone


def test_the_dashboard_has_charts_with_tables_and_leads_on(driver: Chrome, viewer: Served) -> None:
    """Another time; a table beside a chart; a group leads to its sessions."""
    open_page(driver, viewer, urls.DASHBOARD)
    wait(driver, lambda found: found.find_elements(By.CSS_SELECTOR, ".heat .l4"))
    driver.find_element(By.LINK_TEXT, "1 year").click()
    wait_for_address(driver, "days=365")
    assert "Tokens by week" in _body(driver)
    table = driver.find_element(By.CSS_SELECTOR, ".card details table")
    assert not table.is_displayed()
    click(driver, ".card details summary")
    assert table.is_displayed()
    assert len(texts(driver, ".columns .bar")) >= len(table.find_elements(By.TAG_NAME, "tr")) - 1
    tools = driver.find_element(By.XPATH, "//section[h2='Tools']")
    rate = tools.find_element(By.XPATH, ".//tr[th/a='Bash']/td[3]").text
    assert rate.endswith("%")
    assert float(rate[:-1]) > 0
    driver.find_element(By.XPATH, "//section[h2='By source']//a[text()='codex']").click()
    wait_for_address(driver, "source=codex")


def test_everything_is_reached_by_the_keyboard(driver: Chrome, viewer: Served) -> None:
    """Tab shows the link to the content first; a fold opens by Enter; the palette by Ctrl+K."""
    open_page(driver, viewer, urls.session(MAIN))
    driver.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    assert driver.switch_to.active_element.text == "Skip to content"
    press(driver, Keys.ENTER)
    for _ in range(40):
        press(driver, Keys.TAB)
        if driver.switch_to.active_element.tag_name == "summary":
            break
    fold = driver.switch_to.active_element.find_element(By.XPATH, "..")
    was_open = fold.get_attribute("open")
    press(driver, Keys.ENTER)
    assert fold.get_attribute("open") != was_open
    driver.find_element(By.TAG_NAME, "body").send_keys(Keys.CONTROL, "k")
    press(driver, "dash", Keys.ENTER)
    wait_for_address(driver, "/dashboard")


def test_pages_work_without_scripts(driver: Chrome, viewer: Served) -> None:
    """Links lead to the next page, forms have buttons, and folds open."""
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        open_page(driver, viewer, urls.SESSIONS)
        driver.find_element(By.LINK_TEXT, "More sessions").click()
        wait_for_address(driver, "after=")
        open_page(driver, viewer, urls.SESSIONS)
        driver.find_element(By.CSS_SELECTOR, "select[name=source] option[value=codex]").click()
        driver.find_element(By.XPATH, "//button[text()='Apply']").click()
        wait_for_address(driver, "source=codex")
        open_page(driver, viewer, urls.session(MAIN))
        click(driver, "details.call > summary")
        assert "class Feed" in _body(driver)
    finally:
        driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_no_page_has_complained(driver: Chrome, viewer: Served) -> None:
    """No error of a script, and no refusal of the policy, on any page."""
    complaints(driver)
    for address in (
        urls.SESSIONS,
        urls.session(MAIN),
        urls.session(MAIN, focus=1),
        urls.page(urls.SEARCH, q="price"),
        urls.DASHBOARD,
    ):
        open_page(driver, viewer, address)
    assert complaints(driver) == []
