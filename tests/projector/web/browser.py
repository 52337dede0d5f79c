"""Debian's Chromium, as the tests of the viewer use it."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

if TYPE_CHECKING:
    from collections.abc import Callable

    from selenium.webdriver import Chrome

    from tests.projector.web.served import Served


def programs() -> tuple[str, str]:
    """Return Chromium and its driver; skip the test where they are missing, but not in CI."""
    found = shutil.which("chromium"), shutil.which("chromedriver")
    if found[0] is None or found[1] is None:
        if os.environ.get("CI"):
            pytest.fail("CI needs the packages chromium and chromium-driver")
        pytest.skip("Chromium and its driver are not installed: chromium, chromium-driver")
    return found[0], found[1]


def open_page(driver: Chrome, viewer: Served, address: str) -> None:
    """Go to a page of a viewer."""
    driver.get(f"http://{viewer.host}{address}")


def wait(driver: Chrome, condition: Callable[[Chrome], object]) -> None:
    """Wait until a condition is true."""
    # a page that changes meanwhile has other elements
    gone = (StaleElementReferenceException, NoSuchElementException, IndexError)
    WebDriverWait(driver, 10, 0.05, ignored_exceptions=gone).until(condition)


def wait_for_address(driver: Chrome, part: str) -> None:
    """Wait until the address of the page has a part."""
    wait(driver, lambda found: part in found.current_url)


def press(driver: Chrome, *keys: str) -> None:
    """Press keys, one after the other."""
    for key in keys:
        driver.switch_to.active_element.send_keys(key)


def texts(driver: Chrome, selector: str) -> list[str]:
    """Return the texts of the elements that a selector finds; empty of those that are hidden."""
    # in one request: the driver would run a program of its own for each element
    found: list[str] = driver.execute_script(
        "return [...document.querySelectorAll(arguments[0])]"
        ".map((one) => (one.checkVisibility() ? (one.innerText ?? one.textContent).trim() : ''))",
        selector,
    )
    return found


def click(driver: Chrome, selector: str) -> None:
    """Click the first element that a selector finds."""
    driver.find_element(By.CSS_SELECTOR, selector).click()


def requests(driver: Chrome) -> list[str]:
    """Return the addresses that the browser requested since the last call, by its own events."""
    found = []
    for entry in _log(driver, "performance"):
        message: dict[str, Any] = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            found.append(str(message["params"]["request"]["url"]))
        elif message["method"] == "Network.webSocketCreated":
            found.append(str(message["params"]["url"]))
    return found


def complaints(driver: Chrome) -> list[str]:
    """Return what the browser has logged since the last call: refusals of the policy, errors."""
    return [str(entry["message"]) for entry in _log(driver, "browser")]


def _log(driver: Chrome, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = driver.get_log(name)  # type: ignore[no-untyped-call] # of Selenium
    return found
