"""The pages of real transcripts, where they are beside the project."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from selenium.webdriver.common.by import By

from projector.web import urls
from tests.projector.web.browser import click, complaints, open_page, texts, wait, wait_for_address
from tests.projector.web.served import served
from tests.support.transcripts import DATA, REAL, import_all

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium.webdriver import Chrome

    from tests.projector.web.served import Served

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser"), REAL]

_FOLDERS = ("claude-code/simonw-fixtures", "claude-code/drmaciver", "codex/agentv", "gemini-cli")
_OPENED = 12
"""Sessions that are opened: those with most messages."""


@pytest.fixture(scope="module")
def viewer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A viewer of some of them."""
    path = tmp_path_factory.mktemp("real") / "journal"
    for name in _FOLDERS:
        import_all(path, DATA / name)
    with served(path) as found:
        yield found


def test_real_sessions_are_listed_opened_and_found(driver: Chrome, viewer: Served) -> None:
    """The long ones open, with all folds opened, and alone with prompts and answers.

    No page complains, and none is wider than the window.
    """
    open_page(driver, viewer, urls.page(urls.SESSIONS, sort="messages", all=1))
    complaints(driver)
    links = driver.find_elements(By.CSS_SELECTOR, "#rows .title a:first-child")
    found = [str(link.get_attribute("href")) for link in links]
    assert len(found) >= _OPENED
    prompts = calls = 0
    for address in found[:_OPENED]:
        driver.get(address)
        click(driver, "[data-fold]")
        prompts += len(driver.find_elements(By.CSS_SELECTOR, ".entry.prompt"))
        calls += len(driver.find_elements(By.CSS_SELECTOR, "details.call"))
        wide = "return document.documentElement.scrollWidth <= window.innerWidth"
        assert driver.execute_script(wide), address
        driver.find_element(By.LINK_TEXT, "Prompts and answers").click()
        wait_for_address(driver, "focus=1")
        assert driver.find_elements(By.CSS_SELECTOR, ".entry"), address
    assert prompts >= _OPENED
    assert calls > 10 * _OPENED
    open_page(driver, viewer, urls.page(urls.SEARCH, q="error"))
    assert len(texts(driver, ".hits li")) > 5
    click(driver, ".hits h2 a")
    wait(driver, lambda page: page.find_elements(By.CSS_SELECTOR, "[data-target]"))
    open_page(driver, viewer, urls.page(urls.DASHBOARD, days="all"))
    wait(driver, lambda page: page.find_elements(By.CSS_SELECTOR, ".heat .l4"))
    assert driver.find_elements(By.XPATH, "//section[h2='Tools']//tr[th/a='Bash']")
    assert complaints(driver) == []
